// Merge functions: what a key shows while it has siblings.
//
// Siblings are writes of which none knew another one. All of them are kept until a later write has
// seen them; a merge function makes of them the one value that reads answer and indexes see. It is
// chosen per space (conflict=NAME) or per request, never written back, and must come out the same
// on every node, in whatever order the siblings arrived: so it is a join of states.
//
//   state(a) joined with state(b) joined with state(c), in any order and grouping -> value
//
// Built in (kvserver/doc/replication.md says the same to users):
//   lww         the value of the latest write
//   siblings    the same; KV.GETX is to show all of them
//   max, min    the greatest, the least number; what is no number loses to any number
//   set_union   the elements of all JSON arrays, each once; what is no array loses to any array
//   json_merge  the fields of all JSON objects, of a field that several have the latest, objects
//               within them likewise; what is no object loses to any object
// Where nothing is of the type that a function wants, it is lww. No sibling is lost by that: the
// others are shown by KV.GETX, as are those that have won.
//
// Threads    Registering comes before all else; the rest is constant.
#ifndef KVSERVER_SRC_CLUSTER_MERGE_FUNCTION_H_
#define KVSERVER_SRC_CLUSTER_MERGE_FUNCTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cluster/dot.h"

namespace kvserver::cluster {

// One write, with its place in the order of writes: time, then dot.
struct Sibling {
  std::string_view value;
  uint64_t time = 0;
  Dot dot;
};

// The three are pure: their results depend on the arguments alone. `join` is given what `state` and
// `join` have made, and is deterministic, idempotent, commutative and associative, byte for byte.
struct MergeFunction {
  std::string name;     // lower case letters, digits, '_'
  std::string summary;  // one line
  std::function<std::string(const Sibling& write)> state;
  std::function<std::string(std::string_view a, std::string_view b)> join;
  std::function<std::string(std::string_view state)> value;
};

// A longer value is not made: the latest write is shown.
inline constexpr size_t kMergedBytesMax = size_t{16} << 20;

// What siblings, of different dots, at least one, show. Equal values show themselves, as they are.
std::string MergeSiblings(const MergeFunction& function, std::span<const Sibling> siblings);

// 32 bytes that compare as (time, dot) do.
std::string OrderOf(const Sibling& write);

// Runs a thousand generated values through the function: numbers, texts, JSON, broken JSON, bytes.
// InvalidArgument names the property that does not hold, and the values.
absl::Status CheckMergeFunction(const MergeFunction& function);

class MergeFunctions {
 public:
  MergeFunctions();  // those that are built in

  // InvalidArgument: CheckMergeFunction says so, or the name. AlreadyExists: there is one.
  absl::Status Register(MergeFunction function);

  // InvalidArgument: there is none of that name; the message lists those there are.
  absl::StatusOr<const MergeFunction*> Find(std::string_view name) const;
  std::vector<std::string> names() const;  // in order

 private:
  std::vector<std::unique_ptr<const MergeFunction>> functions_;  // by name
};

// Those of this process, to be filled before it serves.
MergeFunctions& Merges();

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_MERGE_FUNCTION_H_
