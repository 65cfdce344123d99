// Random JSON values, and bytes that are nearly JSON.
#ifndef TESTS_KVSERVER_SUPPORT_RANDOM_JSON_H_
#define TESTS_KVSERVER_SUPPORT_RANDOM_JSON_H_

#include <boost/json/value.hpp>
#include <random>
#include <string>

namespace kvserver {

// Whole numbers of 64 bits, all kinds of characters in strings, nested up to `depth`.
boost::json::value RandomJson(std::mt19937_64& random, int depth);

// `text` with one to three bytes changed, left out, doubled or added.
std::string Damaged(std::mt19937_64& random, std::string text);

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_RANDOM_JSON_H_
