// Names that no other run of a server has.
#ifndef KVSERVER_SRC_BASE_RUN_ID_H_
#define KVSERVER_SRC_BASE_RUN_ID_H_

#include <string>

namespace kvserver {

std::string NewRunId();  // 40 hexadecimal digits from the system's source of randomness

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_RUN_ID_H_
