// What is needed to run another program as a server on 127.0.0.1: a port, a look whether somebody
// listens there, and where the program is.
#ifndef LIBKV_TESTS_SUPPORT_LOOPBACK_H_
#define LIBKV_TESTS_SUPPORT_LOOPBACK_H_

#include <cstdint>
#include <string>

namespace libkv {

// A port of 127.0.0.1 that was free a moment ago: another process may take it before it is used.
// Throws std::runtime_error if there is none.
uint16_t FreePort();

// Whether somebody accepts connections there.
bool Accepts(uint16_t port);

// Where the shell finds a program, or an administrator's shell; "": nowhere.
std::string FindProgram(const std::string& name);

}  // namespace libkv

#endif  // LIBKV_TESTS_SUPPORT_LOOPBACK_H_
