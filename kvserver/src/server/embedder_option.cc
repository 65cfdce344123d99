#include "server/embedder_option.h"

#include <cstdlib>
#include <string>

#include "base/numbers.h"
#include "command/embedders.h"
#ifdef KVSERVER_HTTP_EMBEDDER
#include "libkv/http_embedder.h"
#endif

namespace kvserver {

#ifdef KVSERVER_HTTP_EMBEDDER

namespace {

absl::Status SetOption(libkv::HttpEmbedderOptions& options, std::string_view name,
                       std::string_view value) {
  const auto wrong = [](const std::string& why) { return absl::InvalidArgumentError(why); };
  if (name == "model") {
    options.model = value;
  } else if (name == "query_prefix") {
    options.query_prefix = value;
  } else if (name == "document_prefix") {
    options.document_prefix = value;
  } else if (name == "dimension") {
    const auto dimension = ParseInteger(value);
    if (!dimension || *dimension < 1 || *dimension > int64_t{libkv::kHttpDimensionMax}) {
      return wrong("dimension is a number from 1 to 8192");
    }
    options.dimension = static_cast<size_t>(*dimension);
  } else if (name == "key_env") {
    const char* const key = std::getenv(std::string(value).c_str());
    if (key == nullptr) return wrong("the environment has no " + std::string(value));
    options.api_key = key;
  } else {
    return wrong("unknown option " + std::string(name));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddEmbedder(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return absl::InvalidArgumentError("give NAME=URL,model=M,dimension=N");
  }
  const std::string name(text.substr(0, equals));
  std::string_view rest = text.substr(equals + 1);
  const auto take = [&rest] {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    return part;
  };
  libkv::HttpEmbedderOptions options;
  options.base_url = take();
  while (!rest.empty()) {
    const std::string_view part = take();
    const size_t at = part.find('=');
    if (at == std::string_view::npos) {
      return absl::InvalidArgumentError("option " + std::string(part) + " needs =value");
    }
    const absl::Status status = SetOption(options, part.substr(0, at), part.substr(at + 1));
    if (!status.ok()) return status;
  }
  auto embedder = libkv::MakeHttpEmbedder(std::move(options));
  if (!embedder.ok()) return embedder.status();
  return NamedEmbedders().Add(name, *std::move(embedder));
}

#else

absl::Status AddEmbedder(std::string_view) {
  return absl::InvalidArgumentError("this kvserver was built without libcurl");
}

#endif

}  // namespace kvserver
