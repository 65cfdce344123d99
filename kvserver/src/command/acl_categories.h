// The categories that Redis sorts commands into, for COMMAND INFO and ACL CAT. Nothing is permitted
// or forbidden by them here.
#ifndef KVSERVER_SRC_COMMAND_ACL_CATEGORIES_H_
#define KVSERVER_SRC_COMMAND_ACL_CATEGORIES_H_

#include <span>
#include <string_view>
#include <vector>

#include "command/command.h"

namespace kvserver {

// Without the @, in the order of Redis; those of Redis that nothing belongs to are among them.
std::span<const std::string_view> AclCategories();

// With the @.
std::vector<std::string_view> AclCategoriesOf(const Command& command);

// `category` without the @, in any case.
bool IsInAclCategory(const Command& command, std::string_view category);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_ACL_CATEGORIES_H_
