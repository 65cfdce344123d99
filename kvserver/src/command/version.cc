#include "command/version.h"

namespace kvserver {

std::string_view Version() { return KVSERVER_VERSION; }

}  // namespace kvserver
