// What must be in the store after the writer was killed, from what it reported.
#ifndef LIBKV_TESTS_CRASH_MODEL_H_
#define LIBKV_TESTS_CRASH_MODEL_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crash/workload.h"
#include "libkv/store.h"

namespace libkv::crash {

struct Findings {
  uint64_t lost = 0;      // acknowledged, but not there
  uint64_t torn = 0;      // some keys or rows of a bulk and not others
  uint64_t foreign = 0;   // there, but never attempted
  uint64_t disagree = 0;  // searches that do not answer what the values say
  uint64_t problems = 0;  // what Verify found
  // Not wrong by themselves: searches of clusters for a stored vector with the usual recall target,
  // and those that did not find it.
  uint64_t asked = 0, missed = 0;

  bool none() const { return lost + torn + foreign + disagree + problems == 0; }
};

class Model {
 public:
  void Take(const Message& message);

  // Compares `store` with what was reported; what was in doubt may have happened or not. Prints
  // the first of what it finds. Which vectors are asked for follows from `look`: any eight looks in
  // a row ask for each of those with bits alone; of clusters any ten, or with `all` this one.
  void Check(const Store& store, uint64_t look, bool all, Findings* findings) const;

  // That every text has its vector, in a store in which none is still to be made.
  void CheckVectors(const Store& store, Findings* findings) const;

  // Takes what `store` has for the truth: the next round starts from there.
  void Settle(const Store& store);

  uint64_t next_number() const { return last_number_ + 1; }
  uint64_t attempted() const { return attempted_; }
  uint64_t acknowledged() const { return acknowledged_; }

 private:
  using Vector = std::vector<float>;
  using Blocks = std::array<std::array<uint64_t, kBlocksMax>, kThreads>;
  struct Counter {
    uint64_t settled = 0, acknowledged = 0;
  };

  void CheckKeys(const Store& store, Findings* findings) const;
  void CheckBulk(const Store& store, size_t thread, Findings* findings) const;
  void CheckBlocks(const Store& store, Role role, uint64_t look, bool all,
                   Findings* findings) const;
  uint64_t CheckBlock(const Store& store, size_t thread, size_t block, Findings* findings) const;
  void CheckAll(const Store& store, Role role, uint64_t look,
                const std::map<std::string, Vector>& live, Findings* findings) const;
  void CheckGone(const Store& store, size_t thread, const std::map<std::string, Vector>& live,
                 Findings* findings) const;
  void CheckRows(const Store& store, size_t thread, Findings* findings) const;
  void CheckCounter(const Store& store, bool is_increment, Findings* findings) const;
  void CheckText(const Store& store, size_t thread, const std::string& key, uint64_t number,
                 Findings* findings) const;

  std::map<std::string, uint64_t> numbers_;    // key -> the operation that set it; 0: no value
  std::array<uint64_t, kThreads> bulks_{};     // the last bulk, or batch with rows, of a thread
  Blocks blocks_{};                            // what a block has; 0: nothing
  Blocks gone_{};                              // what it had before; 0: nothing, or not known
  std::array<uint64_t, kThreads> in_doubt_{};  // 0: none
  Counter incremented_, compared_;
  int64_t greatest_sum_ = 0;
  uint64_t last_number_ = 0, attempted_ = 0, acknowledged_ = 0;
};

}  // namespace libkv::crash

#endif  // LIBKV_TESTS_CRASH_MODEL_H_
