#include "net/io_thread.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/clock.h"
#include "net/connection.h"

namespace kvserver {
namespace {

constexpr auto kSweepInterval = std::chrono::seconds(1);

}  // namespace

IoThread::IoThread(Node& node, Workers& workers, ProtocolMaker& protocols)
    : node_(node),
      workers_(workers),
      protocols_(protocols),
      work_(boost::asio::make_work_guard(context_)),
      sweeper_(context_),
      read_buffer_(kReadBytes) {}

IoThread::~IoThread() { Join(); }

void IoThread::Start() {
  Sweep();
  thread_ = std::thread([this] { Run(); });
}

void IoThread::Run() {
  own_id_.store(std::this_thread::get_id());
  while (true) {
    // Flushing may have left requests to run: then nothing is waited for.
    if (dirty_.empty() && !has_finished_.load()) context_.run_one();
    for (int i = 0; i < kHandlersPerTurn && !node_.turns().is_full(); ++i) {
      if (context_.poll_one() == 0) break;
    }
    EndTurn();
    if (stopping_ && (connections_.empty() || SteadyMicroseconds() > stop_deadline_us_)) break;
  }
  for (const auto& [key, connection] : std::exchange(connections_, {})) connection->Close();
}

void IoThread::EndTurn() {
  SubmitTurn();
  ReleaseTurns();
  for (const std::shared_ptr<Connection>& connection : std::exchange(dirty_, {})) {
    connection->in_dirty_ = false;
    connection->Flush();
  }
}

void IoThread::SubmitTurn() {
  if (last_served_ != nullptr) lone_turns_ = std::min(lone_turns_ + 1, kLoneTurnsMin);
  if (!node_.turns().has_writes()) return;
  const bool is_lone = lone_turns_ == kLoneTurnsMin;
  node_.turns().Submit(is_lone ? WriteTurns::Here::kAll : WriteTurns::Here::kUnsynced);
}

void IoThread::Served(const Connection& connection) {
  if (std::exchange(last_served_, &connection) != &connection) lone_turns_ = 0;
}

void IoThread::Dirty(const std::shared_ptr<Connection>& connection) {
  if (std::exchange(connection->in_dirty_, true)) return;
  dirty_.push_back(connection);
}

void IoThread::Holding(const std::shared_ptr<Connection>& connection) {
  if (std::exchange(connection->in_holding_, true)) return;
  holding_.push_back(connection);
}

void IoThread::Closed(const Connection& connection) { connections_.erase(&connection); }

void IoThread::Adopt(boost::asio::ip::tcp::socket::native_handle_type socket, bool is_v6) {
  boost::asio::post(context_, [this, socket, is_v6] {
    using boost::asio::ip::tcp;
    boost::system::error_code error;
    tcp::socket own(context_);
    own.assign(is_v6 ? tcp::v6() : tcp::v4(), socket, error);
    if (error) return;
    const auto connection = std::make_shared<Connection>(*this, std::move(own));
    connections_.emplace(connection.get(), connection);
    connection->Start();
    if (stopping_) connection->StopReading();
  });
}

void IoThread::TurnFinished(std::shared_ptr<const WriteTurns::Finished> finished) {
  {
    const std::lock_guard lock(finished_mutex_);
    finished_.push_back(std::move(finished));
    if (has_finished_.exchange(true)) return;
  }
  // This thread itself looks when it ends its turn, before it waits for anything.
  if (own_id_.load() == std::this_thread::get_id()) return;
  boost::asio::post(context_, [this] { ReleaseTurns(); });
}

void IoThread::ReleaseTurns() {
  if (!has_finished_.load()) return;
  std::vector<std::shared_ptr<const WriteTurns::Finished>> all;
  {
    const std::lock_guard lock(finished_mutex_);
    all.swap(finished_);
    has_finished_.store(false);
  }
  for (const auto& finished : all) {
    std::vector<std::shared_ptr<Connection>> holding = std::exchange(holding_, {});
    for (const std::shared_ptr<Connection>& connection : holding) {
      connection->in_holding_ = false;
      if (!connection->is_open()) continue;
      connection->TurnFinished(*finished);
      if (connection->is_holding()) Holding(connection);
    }
  }
}

void IoThread::Sweep() {
  const int64_t now = SteadyMicroseconds();
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const std::shared_ptr<Connection>& connection : all) connection->Sweep(now);
  node_.SampleRates();
  sweeper_.expires_after(kSweepInterval);
  sweeper_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Sweep();
  });
}

void IoThread::Stop(int seconds_max) {
  boost::asio::post(context_, [this, seconds_max] {
    stopping_ = true;
    stop_deadline_us_ = SteadyMicroseconds() + int64_t{seconds_max} * 1'000'000;
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [key, connection] : connections_) all.push_back(connection);
    for (const std::shared_ptr<Connection>& connection : all) connection->StopReading();
  });
}

void IoThread::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace kvserver
