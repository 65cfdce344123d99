// What a server counts, as Prometheus reads it.
#ifndef KVSERVER_SRC_PROTOCOL_METRICS_H_
#define KVSERVER_SRC_PROTOCOL_METRICS_H_

#include <string>

#include "command/node.h"

namespace kvserver {

// In the text format, version 0.0.4. Costs a look at the store's counters, no reads.
std::string MetricsText(Node& node);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_METRICS_H_
