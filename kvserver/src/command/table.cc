#include "command/table.h"

#include <xxhash.h>

#include <algorithm>

#include "absl/container/flat_hash_map.h"

namespace kvserver {
namespace {

constexpr size_t kNameBytesMax = 64;

struct NameHash {
  size_t operator()(std::string_view name) const { return XXH3_64bits(name.data(), name.size()); }
};
using ByName = absl::flat_hash_map<std::string_view, const Command*, NameHash, std::equal_to<>>;

const ByName& Table() {
  static const ByName table = [] {
    ByName by_name;
    for (const Command* command : AllCommands()) by_name.emplace(command->name, command);
    return by_name;
  }();
  return table;
}

}  // namespace

const std::vector<const Command*>& AllCommands() {
  static const std::vector<const Command*> all = [] {
    std::vector<const Command*> commands;
    for (const auto& rows :
         {StringCommands(),      CounterCommands(),     RangeCommands(),      BitCommands(),
          BitFieldCommands(),    LcsCommands(),         KeyCommands(),        ExpiryCommands(),
          ScanCommands(),        FlushCommands(),       ConnectionCommands(), ServerCommands(),
          ClientCommands(),      InfoCommands(),        ConfigCommands(),     CommandCommands(),
          DiagnosticCommands(),  TransactionCommands(), SearchCommands(),     VectorSetCommands(),
          FtCommands(),          SpaceCommands(),       DocumentCommands(),   MetadataCommands(),
          MaintenanceCommands(), IndexCommands(),       ClusterCommands(),    DemandCommands()}) {
      for (const Command& command : rows) commands.push_back(&command);
    }
    std::sort(commands.begin(), commands.end(),
              [](const Command* a, const Command* b) { return a->name < b->name; });
    return commands;
  }();
  return all;
}

const Command* FindCommand(std::string_view name) {
  if (name.size() > kNameBytesMax) return nullptr;
  char lower[kNameBytesMax];
  for (size_t i = 0; i < name.size(); ++i) {
    lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  const auto found = Table().find(std::string_view(lower, name.size()));
  return found == Table().end() ? nullptr : found->second;
}

std::vector<const Command*> SubcommandsOf(const Command& container) {
  std::vector<const Command*> found;
  for (const Command* const command : AllCommands()) {
    const std::string_view name = command->name;
    const bool is_below = name.size() > container.name.size() &&
                          name[container.name.size()] == '|' && name.starts_with(container.name);
    if (is_below) found.push_back(command);
  }
  return found;
}

bool ArityFits(const Command& command, size_t arguments) {
  const auto count = static_cast<int>(std::min<size_t>(arguments, 1 << 30));
  return command.arity >= 0 ? count == command.arity : count >= -command.arity;
}

}  // namespace kvserver
