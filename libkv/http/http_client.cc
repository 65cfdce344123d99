#include "http/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace libkv {
namespace {

// Not thread-safe in older versions of libcurl: once, before the first handle.
bool InitializeCurl() {
  static const bool initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return initialized;
}

struct Body {
  std::string bytes;
  size_t bytes_max = 0;
  bool too_long = false;
};

size_t ReceiveBytes(char* bytes, size_t, size_t count, void* target) {
  Body& body = *static_cast<Body*>(target);
  if (count > body.bytes_max - body.bytes.size()) {
    body.too_long = true;
    return 0;  // ends the transfer
  }
  try {
    body.bytes.append(bytes, count);
  } catch (const std::bad_alloc&) {  // must not pass through C
    body.too_long = true;
    return 0;
  }
  return count;
}

HttpResponse::Outcome OutcomeOf(CURLcode code, bool too_long) {
  using enum HttpResponse::Outcome;
  if (too_long) return kTooLong;
  switch (code) {
    case CURLE_OK:
      return kAnswered;
    case CURLE_OPERATION_TIMEDOUT:
      return kTimeout;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
      return kNoConnection;
    default:
      return kFailed;
  }
}

}  // namespace

struct HttpClient::Connection {
  Connection() : handle(InitializeCurl() ? curl_easy_init() : nullptr) {}
  ~Connection() {
    curl_easy_cleanup(handle);
    curl_slist_free_all(headers);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void AddHeader(const std::string& header) {
    curl_slist* const longer = curl_slist_append(headers, header.c_str());
    if (longer != nullptr) headers = longer;
  }

  CURL* const handle;
  curl_slist* headers = nullptr;
};

// A connection for the time of one request; given back on every way out.
class HttpClient::Lease {
 public:
  explicit Lease(HttpClient& client) : client_(client), connection_(client.Acquire()) {}
  ~Lease() { client_.Release(std::move(connection_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Connection& connection() {
    if (connection_ == nullptr) connection_ = client_.Connect();
    return *connection_;
  }

 private:
  HttpClient& client_;
  std::unique_ptr<Connection> connection_;
};

HttpClient::HttpClient(Settings settings) : settings_(std::move(settings)) {
  idle_.reserve(settings_.connections_max);  // so that giving back cannot fail
}
HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Connection> HttpClient::Acquire() {
  std::unique_lock lock(mutex_);
  released_.wait(lock, [this] { return in_use_ < settings_.connections_max; });
  ++in_use_;
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void HttpClient::Release(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  --in_use_;
  if (connection != nullptr && connection->handle != nullptr) {
    idle_.push_back(std::move(connection));
  }
  released_.notify_one();
}

std::unique_ptr<HttpClient::Connection> HttpClient::Connect() const {
  auto connection = std::make_unique<Connection>();
  connection->AddHeader("Content-Type: application/json");
  connection->AddHeader("Accept: application/json");
  connection->AddHeader("Expect:");  // else libcurl asks before it sends more than 1 MiB
  if (!settings_.api_key.empty()) {
    connection->AddHeader("Authorization: Bearer " + settings_.api_key);
  }
  return connection;
}

HttpResponse HttpClient::Post(const HttpRequest& request) {
  Lease lease(*this);
  const Connection& connection = lease.connection();
  HttpResponse response;
  CURL* const curl = connection.handle;
  if (curl == nullptr) {
    response.error = "libcurl could not be started";
    return response;
  }
  Body body{{}, request.response_bytes_max};
  std::array<char, CURL_ERROR_SIZE> error{};
  curl_easy_reset(curl);  // keeps what is connected
  curl_easy_setopt(curl, CURLOPT_URL, settings_.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, connection.headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &ReceiveBytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(settings_.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.request_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);  // signals belong to the program
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "libkv");
  const CURLcode code = curl_easy_perform(curl);

  response.outcome = OutcomeOf(code, body.too_long);
  if (response.outcome == HttpResponse::Outcome::kAnswered) {
    curl_off_t seconds = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.code);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
    response.retry_after = std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, 1'000'000));
    response.body = std::move(body.bytes);
  } else {
    response.error = error[0] != '\0' ? error.data() : curl_easy_strerror(code);
  }
  return response;
}

}  // namespace libkv
