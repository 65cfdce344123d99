#include "net/connection.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "base/clock.h"
#include "command/dispatcher.h"
#include "command/keyspace.h"
#include "command/transaction.h"
#include "net/protocol_maker.h"

namespace kvserver {
namespace {

using boost::system::error_code;
namespace asio = boost::asio;

std::string AddressOf(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

}  // namespace

Connection::Connection(IoThread& thread, asio::ip::tcp::socket socket)
    : thread_(thread), socket_(std::move(socket)) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto remote = socket_.remote_endpoint(ignored);
  session_.address = AddressOf(remote);
  session_.local_address = AddressOf(socket_.local_endpoint(ignored));
  session_.id = thread_.node().clients().NextId();
  session_.created_us = SteadyMicroseconds();
  session_.last_command_us = session_.created_us;
  session_.durability = thread_.node().settings().durability.load();
  if (const Replication* const replication = thread_.node().replication()) {
    session_.write_level = replication->options().write_level;
    session_.read_level = replication->options().read_level;
  }
}

Connection::~Connection() = default;

void Connection::Start() {
  thread_.node().connections.fetch_add(1, std::memory_order_relaxed);
  thread_.node().clients().Add(session_.id, weak_from_this());
  UpdateDescription();
  WaitReadable();
}

bool Connection::may_run() const {
  const bool has_room = output_.size() - sent_ < kOutputBytesMax;
  if (!is_open_ || is_ending_ || is_busy_ || !has_room) return false;
  // Every turn that it waits for asks again.
  return holds_.empty() || !thread_.node().turns().is_backed_up();
}

void Connection::WaitReadable() {
  if (is_reading_ || !may_run()) return;
  is_reading_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const error_code& error) {
                       self->is_reading_ = false;
                       if (!error) self->Readable();
                     });
}

// One read into the buffer that all connections of the thread share; only what is left over of it
// is copied to the connection, so an idle connection holds no buffer.
void Connection::Readable() {
  if (!is_open_) return;
  thread_.Served(*this);
  std::vector<char>& buffer = thread_.read_buffer();
  error_code error;
  const size_t bytes = socket_.read_some(asio::buffer(buffer), error);
  if (error == asio::error::would_block) return WaitReadable();
  if (error || bytes == 0) {
    // The other side has said all; what it asked is still answered.
    is_ending_ = true;
    thread_.Dirty(shared_from_this());
    return;
  }
  thread_.node().input_bytes.fetch_add(bytes, std::memory_order_relaxed);
  const int64_t now = SteadyMicroseconds();
  session_.last_command_us.store(now, std::memory_order_relaxed);
  if (first_byte_us_ == 0) first_byte_us_ = now;
  Consume({buffer.data(), bytes});
  thread_.Dirty(shared_from_this());
  WaitReadable();
}

void Connection::Consume(std::string_view received) {
  if (input_.empty()) {
    const size_t used = RunRequests(received);
    if (is_open_) input_.assign(received.substr(used));
    return;
  }
  input_.append(received);
  const size_t used = RunRequests(input_);
  input_.erase(0, used);
  if (input_.empty()) input_.shrink_to_fit();
}

bool Connection::ChooseProtocol(std::string_view input) {
  const Sniffed what = Sniff(input);
  if (what == Sniffed::kMore) return false;
  protocol_ = thread_.protocols().For(what, session_);
  if (protocol_ == nullptr) {
    if (what == Sniffed::kHttp2 || what == Sniffed::kHttp) {
      output_ += what == Sniffed::kHttp2
                     ? "HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Length: 0\r\n"
                       "Connection: close\r\n\r\n"
                     : "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    } else {
      output_ += "-ERR this protocol is unknown or switched off here\r\n";
    }
    thread_.node().protocol_errors.fetch_add(1, std::memory_order_relaxed);
    is_ending_ = true;
    return false;
  }
  session_.protocol = protocol_->name();
  return true;
}

// Runs what is complete in `input`; answers how much of it is used.
size_t Connection::RunRequests(std::string_view input) {
  if (protocol_ == nullptr && !ChooseProtocol(input)) return is_ending_ ? input.size() : 0;
  size_t at = 0;
  while (at < input.size() && may_run()) {
    const size_t begin = output_.size();
    protocol_->reply().SetOutput(&output_);
    if (session_.demands.any()) session_.demands = {};
    size_t used = 0;
    const Protocol::Next next = protocol_->Parse(input.substr(at), used, request_);
    at += used;
    if (next == Protocol::Next::kMore) break;
    request_since_us_ = 0;
    if (next == Protocol::Next::kRequest) {
      RunOne();
      if (is_busy_) break;
      if (thread_.node().turns().is_full()) thread_.node().turns().Submit();
    } else if (next == Protocol::Next::kClose) {
      thread_.node().protocol_errors.fetch_add(1, std::memory_order_relaxed);
      is_ending_ = true;
      at = input.size();
    }
    if (protocol_->is_last()) is_ending_ = true;
    if (next != Protocol::Next::kRequest) {
      // What was refused before it was a request; blank lines are answered with nothing.
      if (output_.size() > begin) thread_.node().CountError(protocol_->reply().error_code());
      continue;
    }
    AfterReply(begin);
  }
  if (protocol_->unfinished_bytes() == 0) {
    request_since_us_ = 0;
  } else if (request_since_us_ == 0) {
    request_since_us_ = SteadyMicroseconds();
  }
  is_paused_ = at < input.size() && is_open_ && !is_ending_ && !is_busy_ && !may_run();
  return at;
}

void Connection::RunOne() {
  Context context{thread_.node(), session_, protocol_->reply()};
  session_.commands.fetch_add(1, std::memory_order_relaxed);
  const size_t begin = output_.size();
  if (!TakeDemands(context, request_)) return;
  const Dispatched dispatched = Dispatch(context, request_.args);
  if (dispatched == Dispatched::kDone) return;
  output_.resize(begin);
  is_busy_ = true;
  slow_.assign(request_.args.begin(), request_.args.end());
  if (dispatched == Dispatched::kAskPeers) return AskPeersFirst();
  // It must see what the requests in front of it wrote.
  slow_waits_ = !holds_.empty();
  if (!slow_waits_) RunOnWorker();
}

void Connection::RunOnWorker() {
  slow_waits_ = false;
  auto job = [self = shared_from_this()] {
    std::string reply;
    self->protocol_->reply().SetOutput(&reply);
    Context context{self->thread_.node(), self->session_, self->protocol_->reply()};
    const std::vector<std::string_view> arguments(self->slow_.begin(), self->slow_.end());
    RunSlow(context, arguments);
    asio::post(self->thread_.context(),
               [self, reply = std::move(reply)]() mutable { self->SlowDone(std::move(reply)); });
  };
  const std::vector<std::string_view> arguments(slow_.begin(), slow_.end());
  if (!TakesLong(arguments)) return thread_.workers().Do(std::move(job));
  if (thread_.workers().DoLong(std::move(job))) return;
  // Not at once: the caller is in the middle of the input.
  asio::post(thread_.context(), [self = shared_from_this()] { self->RefuseLong(); });
}

void Connection::RefuseLong() {
  std::string reply;
  protocol_->reply().SetOutput(&reply);
  protocol_->reply().Begin();
  protocol_->reply().Error("TRYAGAIN too many commands that take long wait already");
  protocol_->reply().End();
  thread_.node().CountError(protocol_->reply().error_code());
  SlowDone(std::move(reply));
}

// Other connections go on meanwhile; the requests behind it wait.
void Connection::AskPeersFirst() {
  Context context{thread_.node(), session_, protocol_->reply()};
  const std::vector<std::string_view> arguments(slow_.begin(), slow_.end());
  AskPeers(context, arguments, [self = shared_from_this()](absl::Status status) {
    asio::post(self->thread_.context(),
               [self, status = std::move(status)] { self->PeersAsked(status); });
  });
}

void Connection::PeersAsked(const absl::Status& status) {
  if (!is_open_) return SlowDone("");
  std::string reply;
  protocol_->reply().SetOutput(&reply);
  Context context{thread_.node(), session_, protocol_->reply()};
  const std::vector<std::string_view> arguments(slow_.begin(), slow_.end());
  if (!status.ok()) {
    protocol_->reply().Begin();
    ReplyStatus(context, status);
    protocol_->reply().End();
    thread_.node().CountError(protocol_->reply().error_code());
  } else if (Dispatch(context, arguments, true) == Dispatched::kSlow) {
    // It must see what the requests in front of it wrote.
    slow_waits_ = !holds_.empty();
    if (!slow_waits_) RunOnWorker();
    return;
  }
  SlowDone(std::move(reply));
}

void Connection::SlowDone(std::string reply) {
  is_busy_ = false;
  if (!is_open_) return UnwatchAll(thread_.node(), session_);  // Close left it
  const size_t begin = output_.size();
  output_ += reply;
  if (protocol_->is_last()) is_ending_ = true;
  AfterReply(begin);
  // What came meanwhile.
  if (!input_.empty()) Consume({});
  thread_.Dirty(shared_from_this());
  WaitReadable();
}

void Connection::AfterReply(size_t begin) {
  using ReplyMode = Session::ReplyMode;
  if (session_.reply_mode != ReplyMode::kOn) {
    output_.resize(begin);
    if (session_.reply_mode == ReplyMode::kSkip) session_.reply_mode = ReplyMode::kOn;
    if (session_.reply_mode == ReplyMode::kSkipNext) session_.reply_mode = ReplyMode::kSkip;
  }
  session_.queued_count.store(
      session_.in_multi ? static_cast<int64_t>(session_.queued.size()) : int64_t{-1},
      std::memory_order_relaxed);
  if (std::exchange(session_.description_changed, false)) UpdateDescription();
  WriteTurns& turns = thread_.node().turns();
  if (session_.hold.turn > turns.last_finished(session_.hold.level)) {
    Hold(begin);
  } else if (session_.hold.turn != 0) {  // it was full, or the request took long
    const absl::Status failure = turns.FailureOf(session_.hold);
    HeldReply reply{session_.hold, begin, output_.size()};
    if (!failure.ok()) ReplaceWithError(reply, failure);
  }
  if (session_.close_after_reply) is_ending_ = true;
}

void Connection::Hold(size_t begin) {
  holds_.push_back({session_.hold, begin, output_.size()});
  session_.last_turn = std::max(session_.last_turn, session_.hold.turn);
  thread_.Holding(shared_from_this());
}

void Connection::TurnFinished(const WriteTurns::Finished& finished) {
  if (!finished.failures.empty() || !finished.status.ok()) {
    for (HeldReply& held : holds_) {
      if (held.hold.turn != finished.turn || held.hold.level != finished.level) continue;
      const absl::Status status = finished.Of(held.hold.unit);
      if (!status.ok()) ReplaceWithError(held, status);
    }
  }
  // Those at other levels may have been told before, and wait for the replies in front of them.
  finished_[static_cast<size_t>(finished.level)] = finished.turn;
  const auto is_over = [this](const WriteTurns::Hold& hold) {
    return hold.turn <= finished_[static_cast<size_t>(hold.level)];
  };
  while (!holds_.empty() && is_over(holds_.front().hold)) holds_.pop_front();
  if (slow_waits_ && holds_.empty()) RunOnWorker();
  thread_.Dirty(shared_from_this());
}

// The reply said that it was done; it was not.
void Connection::ReplaceWithError(HeldReply& held, const absl::Status& status) {
  if (held.begin == held.end) return;  // CLIENT REPLY OFF
  std::string error;
  ReplyWriter& reply = protocol_->reply();
  reply.SetOutput(&error);
  reply.ErrorInstead(std::string_view(output_).substr(held.begin, held.end - held.begin),
                     StatusText(status));
  thread_.node().CountError(reply.error_code());
  const auto shift =
      static_cast<ptrdiff_t>(error.size()) - static_cast<ptrdiff_t>(held.end - held.begin);
  output_.replace(held.begin, held.end - held.begin, error);
  for (HeldReply& later : holds_) {
    if (later.begin <= held.begin) continue;
    later.begin = static_cast<size_t>(static_cast<ptrdiff_t>(later.begin) + shift);
    later.end = static_cast<size_t>(static_cast<ptrdiff_t>(later.end) + shift);
  }
  held.end = held.begin + error.size();
  reply.SetOutput(&output_);
}

void Connection::Flush() {
  if (!is_open_) return;
  const size_t releasable = holds_.empty() ? output_.size() : holds_.front().begin;
  while (sent_ < releasable && !is_writing_) {
    error_code error;
    const size_t bytes =
        socket_.write_some(asio::buffer(output_.data() + sent_, releasable - sent_), error);
    sent_ += bytes;
    thread_.node().output_bytes.fetch_add(bytes, std::memory_order_relaxed);
    if (error == asio::error::would_block) {
      WaitWritable();
    } else if (error) {
      return Close();
    }
  }
  if (sent_ == output_.size()) {
    const bool was_large = output_.capacity() > kOutputBytesMax;
    output_.clear();
    sent_ = 0;
    if (was_large) output_.shrink_to_fit();
  } else if (sent_ > kOutputBytesMax && holds_.empty()) {
    output_.erase(0, sent_);
    sent_ = 0;
  }
  if (is_ending_ && output_.empty() && !is_busy_) return Close();
  // Requests that were left alone because of the replies in front of them.
  if (std::exchange(is_paused_, false)) {
    Consume({});
    thread_.Dirty(shared_from_this());
  }
  WaitReadable();
}

void Connection::WaitWritable() {
  is_writing_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const error_code& error) {
                       self->is_writing_ = false;
                       if (!error) self->thread_.Dirty(self);
                     });
}

void Connection::StopReading() {
  is_ending_ = true;
  error_code ignored;
  socket_.cancel(ignored);
  thread_.Dirty(shared_from_this());
}

void Connection::Sweep(int64_t now_us) {
  constexpr int64_t kSecond = 1'000'000;
  UpdateDescription();
  if (protocol_ == nullptr && first_byte_us_ != 0 &&
      now_us - first_byte_us_ > kSniffSecondsMax * kSecond) {
    return Close();
  }
  if (request_since_us_ != 0) SweepRequest(now_us);
  if (!is_open_) return;
  const int64_t idle = thread_.node().settings().idle_timeout_seconds.load();
  if (idle > 0 && !is_busy_ && holds_.empty() && now_us - last_active_us() > idle * kSecond &&
      !session_.is_monitor) {
    Close();
  }
}

// Who sends too slowly is told so, in its turn behind the replies that are still due; and who does
// not take that either is let go after as long again.
void Connection::SweepRequest(int64_t now_us) {
  const int64_t time_max =
      std::chrono::microseconds(thread_.node().settings().fixed.request_time_max).count();
  if (was_late_) {
    if (now_us - request_since_us_ > time_max) Close();
    return;
  }
  // What it has sent is not read now, because of us or of the replies that it does not take.
  if (!may_run()) {
    request_since_us_ = now_us;
    return;
  }
  const auto bytes = static_cast<int64_t>(protocol_->unfinished_bytes());
  if (now_us - request_since_us_ <= time_max + bytes * 1'000'000 / kRequestBytesPerSecond) return;
  request_since_us_ = now_us;
  was_late_ = is_ending_ = true;
  protocol_->reply().SetOutput(&output_);
  protocol_->RefuseLate();
  thread_.node().CountError(protocol_->reply().error_code());
  thread_.node().protocol_errors.fetch_add(1, std::memory_order_relaxed);
  thread_.Dirty(shared_from_this());
}

void Connection::Close() {
  if (!std::exchange(is_open_, false)) return;
  const auto self = shared_from_this();
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  thread_.node().clients().Remove(session_.id);
  if (!is_busy_) UnwatchAll(thread_.node(), session_);  // an EXEC may use it on its worker thread
  thread_.Closed(*this);
}

void Connection::UpdateDescription() {
  const std::lock_guard lock(description_mutex_);
  description_.id = session_.id;
  description_.fd = socket_.native_handle();
  description_.address = session_.address;
  description_.local_address = session_.local_address;
  if (!is_busy_) {
    description_.name = session_.name;
    description_.library_name = session_.library_name;
    description_.library_version = session_.library_version;
    description_.is_monitor = session_.is_monitor;
    description_.no_evict = session_.no_evict;
    description_.no_touch = session_.no_touch;
    description_.resp = protocol_ == nullptr ? 2 : protocol_->reply().resp_version();
  }
  description_.protocol = session_.protocol;
  description_.input_bytes = input_.size();
  description_.output_bytes = output_.size() - sent_;
}

Client::Description Connection::Describe() const {
  Description description;
  {
    const std::lock_guard lock(description_mutex_);
    description = description_;
  }
  const int64_t now = SteadyMicroseconds();
  description.age_seconds = (now - session_.created_us) / 1'000'000;
  description.idle_seconds = (now - last_active_us()) / 1'000'000;
  description.queued = session_.queued_count.load(std::memory_order_relaxed);
  const Command* const last = session_.last_command.load(std::memory_order_relaxed);
  if (last != nullptr) description.last_command = last->name;
  return description;
}

void Connection::Kill() {
  asio::post(thread_.context(), [self = shared_from_this()] { self->Close(); });
}

void Connection::Send(std::shared_ptr<const std::string> bytes) {
  asio::post(thread_.context(), [self = shared_from_this(), bytes = std::move(bytes)] {
    if (!self->is_open_) return;
    if (self->output_.size() - self->sent_ > kMonitorBytesMax) return self->Close();
    self->output_ += *bytes;
    self->thread_.Dirty(self);
  });
}

}  // namespace kvserver
