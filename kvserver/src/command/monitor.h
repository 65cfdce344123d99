// MONITOR: connections that are shown every request.
#ifndef KVSERVER_SRC_COMMAND_MONITOR_H_
#define KVSERVER_SRC_COMMAND_MONITOR_H_

#include "command/command.h"

namespace kvserver {

void ShowMonitors(Context& context, Arguments arguments);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_MONITOR_H_
