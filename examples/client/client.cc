// A program that talks to a kvserver: connect, set, count, and many requests in one round trip.
//
//   bin/examples/client [HOST:PORT ...]
#include <iostream>
#include <string>
#include <vector>

#include "../example.h"
#include "kvclient/client.h"

using example::Require;

int main(int argc, char** argv) {
  kvclient::ClientOptions options;
  // Of several addresses the first that answers is taken, and the next one when it is lost.
  if (argc > 1) options.addresses.assign(argv + 1, argv + argc);
  kvclient::Client client = Require(kvclient::Client::Connect(options));

  Require(client.Set("greeting", "hello from C++"));
  std::cout << "greeting is " << Require(client.Get("greeting")) << "\n";

  // Ten thousand requests, one round trip.
  kvclient::Pipeline pipeline;
  for (int i = 0; i < 10'000; ++i) pipeline.Append({"INCR", "visits"});
  const std::vector<kvclient::Reply> replies = Require(client.Execute(pipeline));
  std::cout << replies.size() << " replies, the last one is " << replies.back().integer << "\n";
  std::cout << "one more: " << Require(client.Increment("visits")) << "\n";

  // MULTI to EXEC in one pipeline happens as one.
  kvclient::Pipeline transaction;
  transaction.Append({"MULTI"}).Append({"SET", "a", "1"}).Append({"INCR", "a"}).Append({"EXEC"});
  const kvclient::Reply done = Require(client.Execute(transaction)).back();
  std::cout << "a is now " << done.elements[1].integer << "\n";

  // NotFound is an answer; errors of the server are statuses.
  Require(client.Delete("greeting"));
  const bool is_gone = absl::IsNotFound(client.Get("greeting").status());
  std::cout << "greeting is " << (is_gone ? "gone" : "still there") << "\n";
  Require(client.Set("name", "Ada"));
  std::cout << client.Increment("name").status().message() << "\n";
  return 0;
}
