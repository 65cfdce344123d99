// A crash_writer that lives for a while and is killed.
#ifndef LIBKV_TESTS_CRASH_WRITER_PROCESS_H_
#define LIBKV_TESTS_CRASH_WRITER_PROCESS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "crash/workload.h"

namespace libkv::crash {

// Starts `program` on `directory`, hands every message to `take`, kills it with SIGKILL after
// `life` and hands over what it had still said. False: it ended by itself, which is an error.
bool LiveAndDie(const std::string& program, const std::string& directory, uint64_t first_number,
                Mode mode, std::chrono::microseconds life,
                const std::function<void(const Message&)>& take);

}  // namespace libkv::crash

#endif  // LIBKV_TESTS_CRASH_WRITER_PROCESS_H_
