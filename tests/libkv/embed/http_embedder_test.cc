// Goal: a server's answers become right vectors or clear errors. Method: a real server on the
// loopback interface, whose answers each test chooses, and no time but what the waits need.
#ifdef LIBKV_HTTP
#include "libkv/http_embedder.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "http/embedding_json.h"
#include "http/next_step.h"
#include "http/vector_cache.h"
#include "libkv/embed/http_test_server.h"

namespace libkv {

HttpTestServer::HttpTestServer(Handler handler) : handler_(std::move(handler)) {
  setenv("no_proxy", "127.0.0.1", 1);  // whatever the machine has set
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  LIBKV_CHECK(bind(listener_, any, size) == 0 && listen(listener_, 64) == 0);
  LIBKV_CHECK(getsockname(listener_, any, &size) == 0);
  port_ = ntohs(address.sin_port);
  LIBKV_CHECK(pipe(stop_) == 0);
  thread_ = std::thread([this] { Run(); });
}

HttpTestServer::~HttpTestServer() {
  LIBKV_CHECK(write(stop_[1], "x", 1) == 1);
  thread_.join();
  for (const auto& [socket, buffer] : buffers_) close(socket);
  for (const int file : {listener_, stop_[0], stop_[1]}) close(file);
}

std::vector<HttpTestServer::Request> HttpTestServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpTestServer::Run() {
  while (true) {
    std::vector<pollfd> files = {{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const auto& [socket, buffer] : buffers_) files.push_back({socket, POLLIN, 0});
    poll(files.data(), files.size(), -1);
    if (files[0].revents != 0) return;
    if (files[1].revents != 0) Accept();
    for (size_t i = 2; i < files.size(); ++i) {
      if (files[i].revents == 0 || Serve(files[i].fd, buffers_[files[i].fd])) continue;
      close(files[i].fd);
      buffers_.erase(files[i].fd);
    }
  }
}

void HttpTestServer::Accept() {
  const int socket = accept(listener_, nullptr, nullptr);
  if (socket < 0) return;
  buffers_[socket];
  ++connections_;
}

bool HttpTestServer::Serve(int socket, std::string& buffer) {
  char bytes[65536];
  const ssize_t count = recv(socket, bytes, sizeof bytes, 0);
  if (count <= 0 || buffer.size() > (8 << 20)) return false;
  buffer.append(bytes, static_cast<size_t>(count));
  const size_t head_end = buffer.find("\r\n\r\n");
  if (head_end == std::string::npos) return true;
  const std::string head = buffer.substr(0, head_end);
  const size_t field = head.find("Content-Length: ");
  if (field == std::string::npos) return false;
  const size_t size = std::stoul(head.substr(field + 16));
  if (buffer.size() < head_end + 4 + size) return true;
  const Request request{head, buffer.substr(head_end + 4, size)};
  buffer.clear();
  size_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = requests_.size();
    requests_.push_back(request);
  }
  const Reply reply = handler_(request, number);
  if (reply.kind == Reply::Kind::kNothing) return true;
  if (reply.kind == Reply::Kind::kReset) {
    const linger now{1, 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return false;
  }
  std::string answer = "HTTP/1.1 " + std::to_string(reply.code) +
                       " X\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n" +
                       reply.headers + "\r\n" + reply.body;
  for (size_t sent = 0; sent < answer.size();) {
    const ssize_t n = send(socket, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

namespace {

using Json = nlohmann::json;
using Request = HttpTestServer::Request;
using Reply = HttpTestServer::Reply;

constexpr size_t kDimension = 4;

// What the tests' model says of a text: a direction that belongs to it.
std::vector<float> ModelVector(std::string_view text) {
  const uint64_t hash = Hash64(text);
  std::vector<float> vector;
  for (size_t i = 0; i < kDimension; ++i) {
    vector.push_back(static_cast<float>(1 + (hash >> (8 * i) & 0xFF)));
  }
  return vector;
}

std::string Base64(const std::string& bytes) {
  const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

Json Answer(const Request& request) {
  const Json body = Json::parse(request.body);
  Json data = Json::array();
  for (size_t i = 0; i < body["input"].size(); ++i) {
    const std::vector<float> vector = ModelVector(body["input"][i].get<std::string>());
    Json embedding = vector;
    if (body["encoding_format"] == "base64") {
      std::string bytes;
      for (const float x : vector) {
        for (int k = 0; k < 32; k += 8) bytes += static_cast<char>(std::bit_cast<uint32_t>(x) >> k);
      }
      embedding = Base64(bytes);
    }
    data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", embedding}});
  }
  return {{"object", "list"}, {"data", data}, {"model", body["model"]}};
}

Reply RightReply(const Request& request) { return {.body = Answer(request).dump()}; }

HttpEmbedderOptions OptionsFor(const HttpTestServer& server) {
  return {.base_url = server.url(),
          .model = "test-model",
          .dimension = kDimension,
          .normalize = false,
          .request_timeout = std::chrono::seconds(20),
          .first_wait = std::chrono::milliseconds(1)};
}

std::shared_ptr<const Embedder> Make(const HttpEmbedderOptions& options) {
  auto embedder = MakeHttpEmbedder(options);
  REQUIRE_MESSAGE(embedder.ok(), std::string(embedder.status().message()));
  return *embedder;
}

absl::Status Embed(const Embedder& embedder, const std::vector<std::string>& texts,
                   std::vector<float>* vectors, EmbedKind kind = EmbedKind::kDocument) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  vectors->assign(texts.size() * embedder.dimension(), -1);
  return embedder.Embed(kind, views, *vectors);
}

std::vector<float> ModelVectors(const std::vector<std::string>& texts) {
  std::vector<float> all;
  for (const std::string& text : texts) {
    for (const float x : ModelVector(text)) all.push_back(x);
  }
  return all;
}

std::vector<std::string> Texts(size_t count) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) texts.push_back("text " + std::to_string(i));
  return texts;
}

// The status of embedding two texts when the server answers `reply`.
absl::Status StatusAfter(const Reply& reply, size_t dimension = kDimension) {
  const HttpTestServer server([&](const Request&, size_t) { return reply; });
  HttpEmbedderOptions options = OptionsFor(server);
  options.dimension = dimension;
  options.retries_max = 1;
  std::vector<float> vectors;
  return Embed(*Make(options), {"a", "b"}, &vectors);
}

std::string Body(const std::string& data) { return R"({"data": [)" + data + "]}"; }

TEST_CASE("texts become the server's vectors, whatever the encoding") {
  const HttpTestServer server([](const Request& request, size_t) { return RightReply(request); });
  for (const HttpEncoding encoding : {HttpEncoding::kFloat, HttpEncoding::kBase64}) {
    HttpEmbedderOptions options = OptionsFor(server);
    options.encoding = encoding;
    std::vector<float> vectors;
    REQUIRE(Embed(*Make(options), {"one", "two", "three"}, &vectors).ok());
    CHECK(vectors == ModelVectors({"one", "two", "three"}));
  }
  const Request request = server.requests()[0];
  CHECK(request.head.starts_with("POST /v1/embeddings HTTP/1.1\r\n"));
  CHECK(request.head.find("Content-Type: application/json\r\n") != std::string::npos);
  CHECK(Json::parse(request.body) == Json{{"model", "test-model"},
                                          {"input", {"one", "two", "three"}},
                                          {"encoding_format", "float"}});
}

TEST_CASE("the path is added to the URL unless it is there, and the key is sent") {
  const HttpTestServer server([](const Request& request, size_t) { return RightReply(request); });
  for (const char* end : {"", "/", "/v1", "/v1/", "/v1/embeddings"}) {
    CAPTURE(end);
    HttpEmbedderOptions options = OptionsFor(server);
    options.base_url += end;
    options.api_key = "secret-7";
    std::vector<float> vectors;
    REQUIRE(Embed(*Make(options), {"one"}, &vectors).ok());
    const std::string head = server.requests().back().head;
    CHECK(head.starts_with("POST /v1/embeddings HTTP"));
    CHECK(head.find("Authorization: Bearer secret-7") != std::string::npos);
  }
}

TEST_CASE("vectors go by their index, not by their order") {
  const HttpTestServer server([](const Request& request, size_t) {
    Json answer = Answer(request);
    std::reverse(answer["data"].begin(), answer["data"].end());
    return Reply{.body = answer.dump()};
  });
  std::vector<float> vectors;
  REQUIRE(Embed(*Make(OptionsFor(server)), Texts(20), &vectors).ok());
  CHECK(vectors == ModelVectors(Texts(20)));
}

TEST_CASE("the dimension is asked for when none is given; the identity names what counts") {
  const HttpTestServer server([](const Request& request, size_t) { return RightReply(request); });
  HttpEmbedderOptions options = OptionsFor(server);
  options.dimension = 0;
  options.normalize = true;
  options.api_key = "secret-7";
  options.query_prefix = "query: ";
  options.document_prefix = "passage: ";
  const auto embedder = Make(options);
  CHECK(embedder->dimension() == kDimension);
  CHECK(embedder->identity() == R"(http/1:["test-model",4,true,"query: ","passage: "])");

  std::vector<float> vectors;
  REQUIRE(Embed(*embedder, {"x"}, &vectors, EmbedKind::kQuery).ok());
  const std::vector<float> raw = ModelVector("query: x");
  double squares = 0;
  for (const float x : raw) squares += static_cast<double>(x) * static_cast<double>(x);
  for (size_t i = 0; i < kDimension; ++i) {
    CHECK(static_cast<double>(vectors[i]) ==
          doctest::Approx(static_cast<double>(raw[i]) / std::sqrt(squares)));
  }
  REQUIRE(Embed(*embedder, {"x"}, &vectors).ok());
  CHECK(server.requests().back().body.find("passage: x") != std::string::npos);
  options.dimension = 2;
  options.request_dimension = true;
  CHECK(!Embed(*Make(options), {"x"}, &vectors).ok());  // this server gives 4 all the same
  CHECK(Json::parse(server.requests().back().body)["dimensions"] == 2);
}

TEST_CASE("many texts go in batches of bounded size over few connections, and come back in order") {
  const HttpTestServer server([](const Request& request, size_t) { return RightReply(request); });
  HttpEmbedderOptions options = OptionsFor(server);
  options.batch_size = 10;
  options.requests_in_flight = 3;
  const auto embedder = Make(options);
  std::vector<float> vectors;
  REQUIRE(Embed(*embedder, Texts(1000), &vectors).ok());
  CHECK(vectors == ModelVectors(Texts(1000)));
  CHECK(server.requests().size() == 100);
  CHECK(server.connection_count() <= 3);
  for (const Request& request : server.requests()) {
    REQUIRE(Json::parse(request.body)["input"].size() == 10);
  }
  // By bytes too: 24 texts of 32 KiB are not sent at once.
  options.batch_size = 100;
  std::vector<std::string> large;
  for (int i = 0; i < 24; ++i) large.push_back(std::string(40'000, static_cast<char>('a' + i)));
  const size_t before = server.requests().size();
  REQUIRE(Embed(*Make(options), large, &vectors).ok());
  for (size_t i = before; i < server.requests().size(); ++i) {
    REQUIRE(server.requests()[i].body.size() < kHttpRequestTextBytesMax + 4096);
  }
}

TEST_CASE("texts that were asked for before are not asked for again") {
  const HttpTestServer server([](const Request& request, size_t) { return RightReply(request); });
  HttpEmbedderOptions options = OptionsFor(server);
  const auto embedder = Make(options);
  std::vector<float> first, second;
  REQUIRE(Embed(*embedder, Texts(5), &first).ok());
  REQUIRE(Embed(*embedder, Texts(5), &second).ok());
  CHECK(server.requests().size() == 1);
  CHECK(first == second);
  REQUIRE(Embed(*embedder, {"text 3", "new"}, &second).ok());
  CHECK(Json::parse(server.requests().back().body)["input"] == Json{"new"});
  CHECK(second == ModelVectors({"text 3", "new"}));
  options.cache_bytes_max = 0;
  const auto forgetful = Make(options);
  for (int i = 0; i < 2; ++i) REQUIRE(Embed(*forgetful, {"a"}, &first).ok());
  CHECK(server.requests().size() == 4);
}

TEST_CASE("a server that is busy is asked again, after the time that it names") {
  const HttpTestServer server([](const Request& request, size_t number) {
    if (number == 0) return Reply{.code = 429};
    if (number == 1) return Reply{.code = 503, .headers = "Retry-After: 1\r\n"};
    return RightReply(request);
  });
  std::vector<float> vectors;
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(Embed(*Make(OptionsFor(server)), {"one"}, &vectors).ok());
  CHECK(vectors == ModelVectors({"one"}));
  CHECK(server.requests().size() == 3);
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::seconds(1));
}

TEST_CASE("a server that stays busy is given up") {
  const HttpTestServer server([](const Request&, size_t) { return Reply{.code = 429}; });
  HttpEmbedderOptions options = OptionsFor(server);
  options.retries_max = 3;
  std::vector<float> vectors;
  CHECK(absl::IsUnavailable(Embed(*Make(options), {"one"}, &vectors)));
  CHECK(server.requests().size() == 4);

  const HttpTestServer later([](const Request&, size_t) {
    return Reply{.code = 503, .headers = "Retry-After: 9999\r\n"};
  });
  CHECK(absl::IsUnavailable(Embed(*Make(OptionsFor(later)), {"one"}, &vectors)));
  CHECK(later.requests().size() == 1);  // nobody waits so long
}

TEST_CASE("a batch that is too large for the server is halved until it fits") {
  for (const int code : {413, 422}) {
    const HttpTestServer server([code](const Request& request, size_t) {
      if (Json::parse(request.body)["input"].size() > 3) return Reply{.code = code};
      return RightReply(request);
    });
    std::vector<float> vectors;
    REQUIRE(Embed(*Make(OptionsFor(server)), Texts(30), &vectors).ok());
    CHECK(vectors == ModelVectors(Texts(30)));
    const HttpTestServer never([code](const Request&, size_t) { return Reply{.code = code}; });
    CHECK(absl::IsInvalidArgument(Embed(*Make(OptionsFor(never)), Texts(30), &vectors)));
    CHECK(never.requests().size() <= 6);
  }
}

TEST_CASE("errors of the server have a name, its words, and never the key") {
  const std::vector<std::pair<int, absl::StatusCode>> codes = {
      {400, absl::StatusCode::kInvalidArgument},  {401, absl::StatusCode::kPermissionDenied},
      {403, absl::StatusCode::kPermissionDenied}, {404, absl::StatusCode::kFailedPrecondition},
      {500, absl::StatusCode::kUnavailable},      {503, absl::StatusCode::kUnavailable},
      {302, absl::StatusCode::kInternal},         {204, absl::StatusCode::kInternal}};
  for (const auto& [code, expected] : codes) {
    CAPTURE(code);
    const int sent = code;
    const HttpTestServer server([sent](const Request&, size_t) {
      return Reply{.code = sent, .body = sent == 204 ? "" : "bad key secret-7\n\x01 said I"};
    });
    HttpEmbedderOptions options = OptionsFor(server);
    options.api_key = "secret-7";
    std::vector<float> vectors;
    const absl::Status status = Embed(*Make(options), {"one"}, &vectors);
    const std::string message(status.message());
    CHECK(status.code() == expected);
    CHECK(message.find(std::to_string(code)) != std::string::npos);
    CHECK(message.find("secret-7") == std::string::npos);
    if (code != 204) CHECK(message.find("bad key ***") != std::string::npos);
  }
}

TEST_CASE("answers that make no sense are errors, not vectors") {
  const std::string a = R"({"index": 0, "embedding": [1, 2, 3, 4]})";
  const std::string b = R"({"index": 1, "embedding": [1, 2, 3, 5]})";
  CHECK(StatusAfter({.body = Body(a + "," + b)}).ok());
  const std::vector<std::string> wrong = {
      "",
      "garbage",
      "null",
      "[]",
      "{}",
      R"({"data": 7})",
      R"({"data": {"0": [1, 2, 3, 4]}})",
      Body(""),
      Body(a),                                                  // too few
      Body(a + "," + b + "," + b),                              // too many
      Body(a + "," + a),                                        // doubled
      Body(a + R"(,{"embedding": [1, 2, 3, 4]})"),              // which one?
      Body(a + R"(,{"index": 2, "embedding": [1, 2, 3, 4]})"),  // none of ours
      Body(a + R"(,{"index": -1, "embedding": [1, 2, 3, 4]})"),
      Body(a + R"(,{"index": "1", "embedding": [1, 2, 3, 4]})"),
      Body(a + R"(,{"index": 1, "embedding": [1, 2, 3]})"),  // dimension
      Body(a + R"(,{"index": 1, "embedding": [1, 2, 3, 4, 5]})"),
      Body(a + R"(,{"index": 1, "embedding": []})"),
      Body(a + R"(,{"index": 1, "embedding": [1, 2, null, 4]})"),
      Body(a + R"(,{"index": 1, "embedding": [1, 2, "3", 4]})"),
      Body(a + R"(,{"index": 1, "embedding": [1, 2, 1e39, 4]})"),  // no float
      Body(a + R"(,{"index": 1, "embedding": [1, 2, NaN, 4]})"),
      Body(a + R"(,{"index": 1, "embedding": [0, 0, 0, 0]})"),
      Body(a + R"(,{"index": 1, "embedding": {"0": 1}})"),
      Body(a + R"(,{"index": 1})"),
      Body(a + ",7"),
      Body(a + R"(,{"index": 1, "embedding": "!!!!"})"),                      // no base64
      Body(a + R"(,{"index": 1, "embedding": "AACAPw=="})"),                  // one float
      Body(a + R"(,{"index": 1, "embedding": "AACAPwAAgD8AAIA/AADAfw=="})"),  // NaN
      Body(a + R"(,{"index": 1, "embedding": "AACAPwAAgD8AAIA/AADA"})"),
      Body(a + "," + b).substr(0, 60),
      std::string(50'000, '['),
  };
  for (const std::string& body : wrong) {
    CAPTURE(body.substr(0, 100));
    CHECK(absl::IsInternal(StatusAfter({.body = body})));
  }
}

TEST_CASE("an endless answer ends, and so does a server that says nothing") {
  CHECK(absl::IsInternal(StatusAfter({.body = std::string(size_t{20} << 20, ' ')})));
  const HttpTestServer silent(
      [](const Request&, size_t) { return Reply{.kind = Reply::Kind::kNothing}; });
  HttpEmbedderOptions options = OptionsFor(silent);
  options.request_timeout = std::chrono::milliseconds(200);
  std::vector<float> vectors;
  CHECK(absl::IsDeadlineExceeded(Embed(*Make(options), {"one"}, &vectors)));
  CHECK(silent.requests().size() == 1);
}

TEST_CASE("connections that break are tried again, those that never stand are given up") {
  const HttpTestServer server([](const Request& request, size_t number) {
    if (number < 2) return Reply{.kind = Reply::Kind::kReset};
    return RightReply(request);
  });
  std::vector<float> vectors;
  REQUIRE(Embed(*Make(OptionsFor(server)), {"one"}, &vectors).ok());
  CHECK(vectors == ModelVectors({"one"}));

  HttpEmbedderOptions options;
  {
    const HttpTestServer gone([](const Request& request, size_t) { return RightReply(request); });
    options = OptionsFor(gone);
  }
  CHECK(absl::IsUnavailable(Embed(*Make(options), {"one"}, &vectors)));
  options.dimension = 0;
  CHECK(absl::IsUnavailable(MakeHttpEmbedder(options).status()));
}

TEST_CASE("empty texts and lists are never sent; what is no UTF-8 is sent as text") {
  const HttpTestServer server([](const Request& request, size_t) { return RightReply(request); });
  const auto embedder = Make(OptionsFor(server));
  std::vector<float> vectors;
  REQUIRE(Embed(*embedder, {}, &vectors).ok());
  REQUIRE(Embed(*embedder, {"", " \n\t"}, &vectors).ok());
  CHECK(server.requests().empty());
  for (const float x : vectors) CHECK(x == 0);

  REQUIRE(Embed(*embedder, {"", "bad \xFF\xC3 bytes", "", "good"}, &vectors).ok());
  CHECK(IsValidUtf8(server.requests().back().body));
  CHECK(Json::parse(server.requests().back().body)["input"].size() == 2);
  CHECK(std::vector<float>(vectors.begin() + 12, vectors.end()) == ModelVector("good"));

  std::string huge;
  while (huge.size() < (size_t{64} << 20)) huge += "Größe ";
  REQUIRE(Embed(*embedder, {huge}, &vectors).ok());
  const std::string sent = Json::parse(server.requests().back().body)["input"][0];
  CHECK(sent.size() <= kHttpTextBytesMax);
  CHECK(sent.size() > kHttpTextBytesMax - 4);
  CHECK(sent.find("\uFFFD") == std::string::npos);  // not cut within a character
  std::vector<float> small(1);
  const std::string_view text = "x";
  CHECK(absl::IsInvalidArgument(embedder->Embed(EmbedKind::kQuery, {&text, 1}, small)));
}

TEST_CASE("many threads share the connections") {
  const HttpTestServer server([](const Request& request, size_t) { return RightReply(request); });
  HttpEmbedderOptions options = OptionsFor(server);
  options.requests_in_flight = 2;
  const auto embedder = Make(options);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 30; ++i) {
        const std::vector<std::string> texts = {std::to_string(t * 20 + i), std::to_string(i)};
        std::vector<float> vectors;
        const bool ok = Embed(*embedder, texts, &vectors).ok();
        if (!ok || vectors != ModelVectors(texts)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(server.connection_count() <= 2);
}

TEST_CASE("options out of range are refused before anything is sent") {
  const auto refused = [](const std::function<void(HttpEmbedderOptions&)>& change) {
    HttpEmbedderOptions options{.base_url = "http://127.0.0.1:1", .dimension = 4};
    change(options);
    return absl::IsInvalidArgument(MakeHttpEmbedder(options).status());
  };
  CHECK(!refused([](auto&) {}));
  for (const char* url :
       {"", "localhost", "ftp://host", "file:///etc/passwd", "http://", "http://user:word@host",
        "http://host/a b", "http://host\r\nX: y", "http://host/?q=1"}) {
    CAPTURE(url);
    CHECK(refused([url](auto& options) { options.base_url = url; }));
  }
  CHECK(refused([](auto& options) { options.api_key = "a\r\nX: y"; }));
  CHECK(refused([](auto& options) { options.dimension = kHttpDimensionMax + 1; }));
  CHECK(refused([](auto& options) { options.batch_size = 0; }));
  CHECK(refused([](auto& options) { options.requests_in_flight = 0; }));
  CHECK(refused([](auto& options) { options.request_timeout = std::chrono::milliseconds(0); }));
  CHECK(refused([](auto& options) { options.wait_max = std::chrono::milliseconds::max(); }));
  CHECK(refused([](auto& options) { options.query_prefix = std::string(5000, 'q'); }));
}

TEST_CASE("waits double, are spread, and end at their bound") {
  HttpEmbedderOptions options;
  options.first_wait = std::chrono::milliseconds(100);
  options.wait_max = std::chrono::milliseconds(1000);
  options.retries_max = 1'000'000;
  HttpResponse response;
  response.outcome = HttpResponse::Outcome::kNoConnection;
  const int64_t expected[] = {100, 200, 400, 800, 1000, 1000};
  for (size_t tries = 1; tries <= 6; ++tries) {
    const NextStep least = StepAfter(options, response, tries, 1, 0);
    const NextStep most = StepAfter(options, response, tries, 1, 1023);
    CHECK(least.act == NextStep::Act::kRetry);
    CHECK(least.wait.count() == expected[tries - 1] / 2);
    CHECK(most.wait.count() <= expected[tries - 1]);
    CHECK(most.wait.count() > expected[tries - 1] * 9 / 10);
  }
  CHECK(StepAfter(options, response, 900'000, 1, 5).wait <= options.wait_max);
}

TEST_CASE("the cache keeps what was asked for lately, within its bound") {
  VectorCache cache(3 * (160 + 4 * 2), 2);
  const auto hash = [](int i) { return HashWide(std::to_string(i)); };
  float vector[2] = {};
  for (int i = 0; i < 3; ++i) {
    const float values[] = {static_cast<float>(i), 1};
    cache.Insert(cache.generation(), hash(i), values);
  }
  CHECK(cache.Find(hash(0), vector));  // now asked for last
  const float values[] = {7, 7};
  cache.Insert(cache.generation(), hash(3), values);
  CHECK(cache.size() == 3);
  CHECK(!cache.Find(hash(1), vector));
  CHECK(cache.Find(hash(0), vector));
  CHECK(vector[0] == 0);
  CHECK(cache.Find(hash(3), vector));
  CHECK(vector[0] == 7);
  // A vector that was on its way when the cache was emptied does not come back.
  const uint64_t before = cache.generation();
  cache.Clear();
  cache.Insert(before, hash(3), values);
  CHECK(!cache.Find(hash(3), vector));
  cache.Insert(cache.generation(), hash(3), values);
  CHECK(cache.Find(hash(3), vector));
  CHECK(cache.size() == 1);
}

}  // namespace
}  // namespace libkv
#endif  // LIBKV_HTTP
