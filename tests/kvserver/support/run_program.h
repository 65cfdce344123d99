// Runs a program to its end, with what it reads and writes in memory.
#ifndef TESTS_KVSERVER_SUPPORT_RUN_PROGRAM_H_
#define TESTS_KVSERVER_SUPPORT_RUN_PROGRAM_H_

#include <string>
#include <vector>

namespace kvserver {

struct Ran {
  int code = -1;  // 128 and more: ended by a signal
  std::string out, err;
};

Ran RunProgram(const std::vector<std::string>& arguments, const std::string& input = "");

void WriteFile(const std::string& path, const std::string& bytes);
std::string ReadFile(const std::string& path);

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_RUN_PROGRAM_H_
