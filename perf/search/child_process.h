// A ChildProcess is another program whose standard input and output are lines for us to write and
// read: xz that unpacks a file, a Java program that searches with Lucene.
//
// Threads    One.
// Errors     A program that cannot be started, or that ends before it should, ends this process
//            with a message.
#ifndef LIBKV_PERF_SEARCH_CHILD_PROCESS_H_
#define LIBKV_PERF_SEARCH_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace libkv::perf {

class ChildProcess {
 public:
  // Starts argv[0], found as the shell finds it.
  explicit ChildProcess(std::vector<std::string> argv);
  // Closes its input and waits for its end; a failure of it is one of ours.
  ~ChildProcess();

  void WriteLine(std::string_view line);
  bool ReadLine(std::string* line);  // false: there is no more
  std::string RequireLine();         // of a program that has to answer

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

 private:
  const std::string name_;
  pid_t pid_ = 0;
  std::FILE* in_ = nullptr;   // what we write
  std::FILE* out_ = nullptr;  // what we read
  char* buffer_ = nullptr;    // getline's
  size_t buffer_bytes_ = 0;
};

}  // namespace libkv::perf

#endif  // LIBKV_PERF_SEARCH_CHILD_PROCESS_H_
