#include "kvserver/support/random_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string_view>

namespace kvserver {
namespace {

std::string RandomText(std::mt19937_64& random) {
  constexpr std::string_view kPieces[] = {
      "a",    "word ", "5", "{",    "}", "[",    "\"", "\\",   "\n", "\t", "\b", "/",
      "true", "null",  " ", "-1e5", "é", "日本", "😀",  "\x7f", ",",  ":",  "_",  "\x01"};
  std::string text;
  for (size_t i = random() % 6; i > 0; --i) text += kPieces[random() % std::size(kPieces)];
  return text;
}

}  // namespace

boost::json::value RandomJson(std::mt19937_64& random, int depth) {
  switch (random() % (depth > 0 ? 7 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
      return static_cast<int64_t>(random()) >> (random() % 64);
    case 3:
    case 4:
      return boost::json::string(RandomText(random));
    case 5: {
      boost::json::array array;
      for (size_t i = random() % 4; i > 0; --i) array.push_back(RandomJson(random, depth - 1));
      return array;
    }
    default: {
      boost::json::object object;
      for (size_t i = random() % 4; i > 0; --i) {
        object[RandomText(random)] = RandomJson(random, depth - 1);
      }
      return object;
    }
  }
}

std::string Damaged(std::mt19937_64& random, std::string text) {
  constexpr std::string_view kBytes("{}[]\",:\\ \n\r\t0159-+.eEtfnux\x00\x80\xc3\xff\xed", 31);
  for (size_t i = 1 + random() % 3; i > 0 && !text.empty(); --i) {
    const size_t at = random() % text.size();
    const char byte = kBytes[random() % kBytes.size()];
    switch (random() % 4) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.erase(at, 1 + random() % 3);
        break;
      case 2:
        text.insert(at, text.substr(at, 1 + random() % 4));
        break;
      default:
        text.insert(at, 1, byte);
    }
  }
  return text;
}

}  // namespace kvserver
