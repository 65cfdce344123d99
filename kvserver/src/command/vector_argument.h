// Vectors in requests and replies.
//
//   vector := "VALUES" count number{count} | "FP32" bytes     32-bit floats, least byte first
#ifndef KVSERVER_SRC_COMMAND_VECTOR_ARGUMENT_H_
#define KVSERVER_SRC_COMMAND_VECTOR_ARGUMENT_H_

#include <span>
#include <vector>

#include "command/argument_reader.h"
#include "command/reply.h"

namespace kvserver {

// Whether the reader's option is VALUES or FP32.
bool IsVector(const ArgumentReader& reader);

// What follows the option; empty only when the reader has failed. Every number is finite.
std::vector<float> ReadVector(ArgumentReader& reader);

// An array of numbers, each in the shortest spelling that reads back as the same float.
void ReplyVector(ReplyWriter& reply, std::span<const float> vector);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_VECTOR_ARGUMENT_H_
