// What is known about a key: its live versions, and what was overwritten.
#ifndef KVSERVER_SRC_CLUSTER_VERSION_H_
#define KVSERVER_SRC_CLUSTER_VERSION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cluster/dot.h"
#include "cluster/dot_set.h"

namespace kvserver::cluster {

enum class Kind : uint8_t {
  kRegister = 0,  // a value
  kCounter = 1,   // what one actor has added to a number: `value` is a decimal integer
};

// One live value of a key. A dot names it: versions with equal dots are equal.
struct Version {
  Dot dot;
  uint64_t time = 0;  // hybrid logical: milliseconds since 1970 in the upper 48 bits; orders only
                      // versions of which neither knew the other
  Kind kind = Kind::kRegister;
  int64_t expiry = 0;  // milliseconds since 1970; 0: never
  std::string value;
  std::vector<float> vector;  // given with the value; empty: none

  friend bool operator==(const Version&, const Version&) = default;
};

// The state of one key at one node. What the node has seen of it is its clock and `extra`.
struct Object {
  std::vector<Version> versions;  // by dot, ascending; none: no such key
  DotSet extra;                   // seen of this key, and not (yet) in the node's clock

  friend bool operator==(const Object&, const Object&) = default;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_VERSION_H_
