#include "command/acl_categories.h"

#include "command/arguments.h"

namespace kvserver {
namespace {

constexpr std::string_view kCategories[] = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting"};

}  // namespace

std::span<const std::string_view> AclCategories() { return kCategories; }

std::vector<std::string_view> AclCategoriesOf(const Command& command) {
  std::vector<std::string_view> categories;
  if (command.group == "generic") categories.push_back("@keyspace");
  if (command.has(kReadOnly)) categories.push_back("@read");
  if (command.has(kWrite)) categories.push_back("@write");
  if (command.group == "string") categories.push_back("@string");
  if (command.group == "bitmap") categories.push_back("@bitmap");
  if (command.has(kAdmin)) categories.push_back("@admin");
  categories.push_back(command.has(kFast) ? "@fast" : "@slow");
  if (command.has(kAdmin)) categories.push_back("@dangerous");
  if (command.has(kConnection)) categories.push_back("@connection");
  if (command.group == "transactions") categories.push_back("@transaction");
  return categories;
}

bool IsInAclCategory(const Command& command, std::string_view category) {
  for (const std::string_view own : AclCategoriesOf(command)) {
    if (IsWord(category, own.substr(1))) return true;
  }
  return false;
}

}  // namespace kvserver
