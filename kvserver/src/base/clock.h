// Time, read in one place.
#ifndef KVSERVER_SRC_BASE_CLOCK_H_
#define KVSERVER_SRC_BASE_CLOCK_H_

#include <cstdint>

namespace kvserver {

int64_t NowMilliseconds();  // since 1970, by the system's clock
int64_t NowMicroseconds();
int64_t SteadyMicroseconds();  // never goes back; for durations only

}  // namespace kvserver

#endif  // KVSERVER_SRC_BASE_CLOCK_H_
