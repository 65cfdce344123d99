// Which merge function makes one value of the siblings of a key: that of the space with the longest
// prefix of the key's. Never changed once made.
#ifndef KVSERVER_SRC_COMMAND_CONFLICT_RULES_H_
#define KVSERVER_SRC_COMMAND_CONFLICT_RULES_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/merge_function.h"

namespace kvserver {

class ConflictRules {
 public:
  struct Rule {
    std::string prefix;
    const cluster::MergeFunction* function = nullptr;  // null: the latest write
    friend bool operator==(const Rule&, const Rule&) = default;
  };

  ConflictRules() = default;
  explicit ConflictRules(std::vector<Rule> rules) : rules_(std::move(rules)) {
    std::sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) {
      return std::pair(b.prefix.size(), a.prefix) < std::pair(a.prefix.size(), b.prefix);
    });
  }

  // Null: the latest write. A walk over all rules, of which there are few: keys with one version
  // need not ask.
  const cluster::MergeFunction* Of(std::string_view key) const {
    for (const Rule& rule : rules_) {
      if (key.starts_with(rule.prefix)) return rule.function;
    }
    return nullptr;
  }
  const std::vector<Rule>& rules() const { return rules_; }

 private:
  std::vector<Rule> rules_;  // longer prefixes first
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_CONFLICT_RULES_H_
