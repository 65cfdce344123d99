// How keys, dots and versions are called in a simulation.
#ifndef LIBKV_TESTS_SIM_NAMES_H_
#define LIBKV_TESTS_SIM_NAMES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "cluster/version.h"

namespace kvserver::sim {

// Every fourth key is one of numbers. Some differ by bytes that sort badly.
inline bool IsNumber(size_t key) { return key % 4 == 3; }

inline std::string KeyOf(size_t key) {
  const std::string number = std::to_string(key / 4);
  switch (key % 4) {
    case 0:
      return "k" + number;
    case 1:
      return "k" + number + '\0';
    case 2:
      return "\xff" + number;
    default:
      return "n" + number;
  }
}

// What makes one value of the siblings of a key: of every second number the least, and of every
// fourth key, of which the values are JSON arrays, all elements; else the latest.
inline bool IsLeast(size_t key) { return key % 8 == 7; }
inline bool IsUnion(size_t key) { return key % 4 == 1; }

// For people.
inline std::string KeyName(size_t key) { return "key " + std::to_string(key); }

// The generation's random part tells runs apart well enough.
inline std::string DotName(const cluster::Dot& dot) {
  return std::to_string(dot.actor.slot) + "." + std::to_string(dot.actor.generation % 100'000) +
         "." + std::to_string(dot.counter);
}

inline std::string VersionNames(const std::vector<cluster::Version>& versions) {
  std::string names = "{";
  for (const cluster::Version& version : versions) {
    names += (names.size() > 1 ? ", " : "") + DotName(version.dot) + "=" + version.value;
  }
  return names + "}";
}

}  // namespace kvserver::sim

#endif  // LIBKV_TESTS_SIM_NAMES_H_
