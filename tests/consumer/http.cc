// Makes an embedder that asks a server, with nothing but the public headers. Nobody answers.
#include <libkv/http_embedder.h>

#include <iostream>

int main() {
  const auto embedder = libkv::MakeHttpEmbedder(
      {.base_url = "http://127.0.0.1:1", .model = "none", .dimension = 4, .retries_max = 0});
  if (!embedder.ok()) {
    std::cerr << embedder.status().ToString() << "\n";
    return 1;
  }
  const std::string_view text = "hello";
  float vector[4] = {};
  const absl::Status status =
      (*embedder)->Embed(libkv::EmbedKind::kDocument, std::span(&text, 1), vector);
  if (!absl::IsUnavailable(status)) {
    std::cerr << "expected Unavailable: " << status.ToString() << "\n";
    return 1;
  }
  std::cout << "libkv::http works: " << (*embedder)->identity() << "\n";
  return 0;
}
