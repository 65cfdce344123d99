#include "kvclient/client.h"

#include <algorithm>
#include <utility>

#include "read_commands.h"
#include "reply_parser.h"
#include "socket.h"

namespace kvclient {
namespace {

// What is kept of an input buffer that a large reply has stretched.
constexpr size_t kInputBytesKept = size_t{1} << 20;

void AppendHeader(std::string& out, char type, size_t number) {
  out += type;
  out += std::to_string(number);
  out += "\r\n";
}

absl::Status Annotate(const absl::Status& status, const std::string& before,
                      const std::string& after) {
  return absl::Status(status.code(), before + std::string(status.message()) + after);
}

}  // namespace

Pipeline& Pipeline::Append(std::span<const std::string_view> arguments) {
  if (arguments.empty()) return *this;
  AppendHeader(bytes_, '*', arguments.size());
  for (const std::string_view argument : arguments) {
    AppendHeader(bytes_, '$', argument.size());
    bytes_ += argument;
    bytes_ += "\r\n";
  }
  ++count_;
  only_reads_ = only_reads_ && IsRead(arguments[0]);
  return *this;
}

Pipeline& Pipeline::Append(std::initializer_list<std::string_view> arguments) {
  return Append(std::span<const std::string_view>(arguments.begin(), arguments.size()));
}

void Pipeline::Clear() {
  bytes_.clear();
  count_ = 0;
  only_reads_ = true;
}

class Client::Impl {
 public:
  Impl(ClientOptions options, std::vector<Address> addresses)
      : options_(std::move(options)), addresses_(std::move(addresses)) {}

  // Tries every address once, from the current one on.
  absl::Status ConnectAny(Moment deadline);
  absl::StatusOr<std::vector<Reply>> Run(const Pipeline& pipeline);
  Moment Deadline() const { return std::chrono::steady_clock::now() + options_.request_timeout; }

  const std::string& address() const { return options_.addresses[current_]; }
  int resp_version() const { return resp_version_; }
  bool has_bulk_set = true;  // until the server says that it has not

 private:
  // What became of requests that were sent.
  struct Outcome {
    absl::Status status;
    size_t sent = 0;  // bytes
    std::vector<Reply> replies;
  };

  absl::Status ConnectCurrent(Moment deadline);
  absl::Status Greet(Moment deadline);
  Outcome Exchange(const Pipeline& pipeline, Moment deadline);
  // Levels and session, as the options ask for them.
  absl::Status Agree(Moment deadline);
  absl::Status ReadReplies(size_t count, std::vector<Reply>& replies);
  absl::Status Failure(const Outcome& outcome, const Pipeline& pipeline) const;
  void Drop();

  const ClientOptions options_;
  const std::vector<Address> addresses_;
  Socket socket_;
  ReplyParser parser_;
  std::string input_;  // received, not parsed yet
  size_t input_begin_ = 0;
  size_t current_ = 0;
  int resp_version_ = 2;
  std::string token_;  // of all that was written, with reads_own_writes
};

void Client::Impl::Drop() {
  socket_.Close();
  current_ = (current_ + 1) % addresses_.size();
}

absl::Status Client::Impl::ConnectAny(Moment deadline) {
  std::string failures;
  absl::Status status;
  for (size_t tries = 0; tries < addresses_.size(); ++tries) {
    status = ConnectCurrent(deadline);
    if (status.ok()) return status;
    if (!failures.empty()) failures += "; ";
    failures += address() + ": " + std::string(status.message());
    Drop();
  }
  const bool is_late = std::chrono::steady_clock::now() >= deadline;
  const auto code = is_late ? absl::StatusCode::kDeadlineExceeded
                    : status.code() == absl::StatusCode::kInternal ? status.code()
                                                                   : absl::StatusCode::kUnavailable;
  return absl::Status(code, "cannot connect to " + failures);
}

absl::Status Client::Impl::ConnectCurrent(Moment deadline) {
  const Moment limit =
      std::min(deadline, std::chrono::steady_clock::now() + options_.connect_timeout);
  absl::Status status = socket_.Connect(addresses_[current_], limit);
  if (!status.ok()) return status;
  parser_.Reset(options_.reply_bytes_max);
  input_.clear();
  input_begin_ = 0;
  status = Greet(limit);
  return status.ok() ? Agree(deadline) : status;
}

absl::Status Client::Impl::Greet(Moment deadline) {
  resp_version_ = 2;
  Pipeline hello;
  if (options_.resp_version >= 3) {
    hello.Append({"HELLO", "3"});
  } else {
    hello.Append({"PING"});
  }
  const Outcome outcome = Exchange(hello, deadline);
  if (!outcome.status.ok()) return outcome.status;
  const Reply& reply = outcome.replies[0];
  if (options_.resp_version < 3) return StatusOf(reply);
  if (!reply.is_error()) {
    resp_version_ = 3;
    return absl::OkStatus();
  }
  // A server without RESP3 says one of these, and stays.
  const absl::Status status = StatusOf(reply);
  if (absl::IsUnimplemented(status) || reply.bytes.starts_with("NOPROTO")) return absl::OkStatus();
  return status;
}

absl::Status Client::Impl::Agree(Moment deadline) {
  Pipeline wishes;
  if (!options_.write_level.empty()) {
    wishes.Append({"CLIENT", "WRITE-LEVEL", options_.write_level});
  }
  if (!options_.read_level.empty()) wishes.Append({"CLIENT", "READ-LEVEL", options_.read_level});
  // It waits until this server has seen all of that.
  if (!token_.empty()) wishes.Append({"KV.SESSION", token_});
  if (wishes.count() == 0) return absl::OkStatus();
  const Outcome outcome = Exchange(wishes, deadline);
  if (!outcome.status.ok()) return outcome.status;
  for (const Reply& reply : outcome.replies) {
    if (reply.is_error()) return StatusOf(reply);
  }
  return absl::OkStatus();
}

Client::Impl::Outcome Client::Impl::Exchange(const Pipeline& pipeline, Moment deadline) {
  Outcome outcome;
  parser_.ResetBounds(options_.reply_bytes_max);
  const std::string_view bytes = pipeline.bytes();
  while (outcome.status.ok()) {
    outcome.status = ReadReplies(pipeline.count(), outcome.replies);
    if (!outcome.status.ok() || outcome.replies.size() == pipeline.count()) break;
    // Both at a time: a server that is not read from does not read either.
    const Socket::Ready ready = socket_.Wait(outcome.sent < bytes.size(), deadline);
    if (ready == Socket::Ready::kNothing) {
      outcome.status = absl::DeadlineExceededError("no answer within the time given");
      break;
    }
    if (ready != Socket::Ready::kWrite) {
      outcome.status = socket_.Receive(input_).status();
    }
    if (outcome.status.ok() && ready != Socket::Ready::kRead) {
      const auto count = socket_.Send(bytes.substr(outcome.sent));
      if (count.ok()) outcome.sent += *count;
      // What it said before it closed may still be read: a lost connection shows there.
    }
  }
  return outcome;
}

absl::Status Client::Impl::ReadReplies(size_t count, std::vector<Reply>& replies) {
  while (replies.size() < count) {
    size_t used = 0;
    Reply reply;
    const auto result = parser_.Parse(std::string_view(input_).substr(input_begin_), used, reply);
    input_begin_ += used;
    if (result == ReplyParser::Result::kError) {
      return absl::InternalError("the server's answer is malformed: " + parser_.error());
    }
    if (result == ReplyParser::Result::kMore) break;
    replies.push_back(std::move(reply));
  }
  if (input_begin_ == input_.size()) {
    input_.clear();
    if (input_.capacity() > kInputBytesKept) input_.shrink_to_fit();
    input_begin_ = 0;
  } else if (input_begin_ > input_.size() / 2) {
    input_.erase(0, input_begin_);
    input_begin_ = 0;
  }
  return absl::OkStatus();
}

absl::Status Client::Impl::Failure(const Outcome& outcome, const Pipeline& pipeline) const {
  std::string after;
  if (pipeline.count() > 1) {
    after = " (after " + std::to_string(outcome.replies.size()) + " of " +
            std::to_string(pipeline.count()) + " replies)";
  }
  if (outcome.sent > 0 && !pipeline.only_reads()) {
    after += "; the request was sent, and its effect is unknown";
  }
  return Annotate(outcome.status, address() + ": ", after);
}

absl::StatusOr<std::vector<Reply>> Client::Impl::Run(const Pipeline& pipeline) {
  if (pipeline.count() == 0) return std::vector<Reply>();
  const Moment deadline = Deadline();
  Pipeline with_token;
  for (size_t tries = 0;; ++tries) {
    if (socket_.is_open() && socket_.IsGone()) Drop();
    if (!socket_.is_open()) {
      const absl::Status status = ConnectAny(deadline);
      if (!status.ok()) return status;
    }
    const bool asks_token = options_.reads_own_writes && !pipeline.only_reads();
    if (asks_token) {
      with_token = pipeline;
      with_token.Append({"KV.SESSION"});
    }
    Outcome outcome = Exchange(asks_token ? with_token : pipeline, deadline);
    if (outcome.status.ok() && asks_token) {
      if (!outcome.replies.back().is_error()) token_ = std::move(outcome.replies.back().bytes);
      outcome.replies.pop_back();
    }
    if (outcome.status.ok()) return std::move(outcome.replies);
    const absl::Status failure = Failure(outcome, pipeline);
    Drop();
    const bool may_repeat = outcome.sent == 0 || pipeline.only_reads();
    if (!absl::IsUnavailable(failure) || !may_repeat || tries >= addresses_.size()) return failure;
  }
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

absl::StatusOr<Client> Client::Connect(ClientOptions options) {
  if (options.addresses.empty() || options.addresses.size() > kAddressesMax) {
    return absl::InvalidArgumentError("give between 1 and 64 addresses");
  }
  if (options.resp_version != 2 && options.resp_version != 3) {
    return absl::InvalidArgumentError("there are RESP 2 and RESP 3");
  }
  std::vector<Address> addresses;
  for (const std::string& text : options.addresses) {
    auto address = ParseAddress(text);
    if (!address.ok()) return address.status();
    addresses.push_back(*std::move(address));
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(addresses));
  const absl::Status status = impl->ConnectAny(impl->Deadline());
  if (!status.ok()) return status;
  return Client(std::move(impl));
}

absl::Status Client::Set(std::string_view key, std::string_view value,
                         std::chrono::milliseconds ttl) {
  if (ttl.count() == 0) return Command({"SET", key, value}).status();
  return Command({"SET", key, value, "PX", std::to_string(ttl.count())}).status();
}

absl::StatusOr<std::string> Client::Get(std::string_view key) {
  auto reply = Command({"GET", key});
  if (!reply.ok()) return reply.status();
  if (reply->is_nil()) return absl::NotFoundError("");
  return std::move(reply->bytes);
}

absl::StatusOr<bool> Client::Delete(std::string_view key) {
  const auto reply = Command({"DEL", key});
  if (!reply.ok()) return reply.status();
  return reply->integer > 0;
}

absl::StatusOr<int64_t> Client::Increment(std::string_view key, int64_t amount) {
  const auto reply =
      amount == 1 ? Command({"INCR", key}) : Command({"INCRBY", key, std::to_string(amount)});
  if (!reply.ok()) return reply.status();
  return reply->integer;
}

absl::Status Client::BulkSet(std::span<const KeyValue> items) {
  if (items.empty()) return absl::OkStatus();
  std::vector<std::string_view> arguments = {"KV.BULKSET"};
  for (const KeyValue& item : items) {
    arguments.push_back(item.key);
    arguments.push_back(item.value);
  }
  if (impl_->has_bulk_set) {
    const absl::Status status = Command(arguments).status();
    if (!absl::IsUnimplemented(status)) return status;
    impl_->has_bulk_set = false;
  }
  arguments[0] = "MSET";
  return Command(arguments).status();
}

absl::StatusOr<Reply> Client::Command(std::span<const std::string_view> arguments) {
  if (arguments.empty()) return absl::InvalidArgumentError("a request without a command");
  Pipeline pipeline;
  pipeline.Append(arguments);
  auto replies = impl_->Run(pipeline);
  if (!replies.ok()) return replies.status();
  Reply& reply = replies->front();
  if (reply.is_error()) return StatusOf(reply);
  return std::move(reply);
}

absl::StatusOr<Reply> Client::Command(std::initializer_list<std::string_view> arguments) {
  return Command(std::span<const std::string_view>(arguments.begin(), arguments.size()));
}

absl::StatusOr<std::vector<Reply>> Client::Execute(const Pipeline& pipeline) {
  return impl_->Run(pipeline);
}

const std::string& Client::address() const { return impl_->address(); }
int Client::resp_version() const { return impl_->resp_version(); }

}  // namespace kvclient
