// Telling the service manager that the server is ready, or that it stops.
#ifndef KVSERVER_SRC_SERVER_READY_H_
#define KVSERVER_SRC_SERVER_READY_H_

#include <string_view>

namespace kvserver {

// Sends `state` ("READY=1", "STOPPING=1") to the socket that $NOTIFY_SOCKET names, as
// sd_notify(3) does. Without one nothing happens.
void NotifyManager(std::string_view state);

}  // namespace kvserver

#endif  // KVSERVER_SRC_SERVER_READY_H_
