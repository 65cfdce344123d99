#include "kvserver/support/fault_proxy.h"


#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace kvserver {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr size_t kChunkBytes = 64 << 10;
constexpr size_t kWaitingBytesMax = size_t{1} << 20;
constexpr auto kLookAgain = std::chrono::milliseconds(5);

// What all connections of a proxy share; of its thread, but for the counters.
struct Shared {
  asio::io_context context{1};
  Faults faults;
  size_t cut_after = 0, brought = 0;
  std::atomic<uint64_t> accepted = 0, to_target = 0, to_dialler = 0;
};

// One connection of a dialler, and the one to the target that belongs to it.
class Pair : public std::enable_shared_from_this<Pair> {
 public:
  Pair(Shared& shared, tcp::socket dialler)
      : shared_(shared),
        dialler_(std::move(dialler)),
        target_(shared.context),
        to_target_(shared.context),
        to_dialler_(shared.context) {}

  void Start(uint16_t port) {
    if (shared_.faults.is_silent) return;
    target_.async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), port),
                          [self = shared_from_this()](const error_code& error) {
                            if (error) return self->Close();
                            error_code ignored;
                            self->dialler_.set_option(tcp::no_delay(true), ignored);
                            self->target_.set_option(tcp::no_delay(true), ignored);
                            self->Read(self->to_target_);
                            self->Read(self->to_dialler_);
                          });
  }

  void Close() {
    error_code ignored;
    dialler_.close(ignored);
    target_.close(ignored);
    for (Way* const way : {&to_target_, &to_dialler_}) {
      way->read_timer.cancel();
      way->write_timer.cancel();
    }
    is_open_ = false;
  }
  bool is_open() const { return is_open_; }

 private:
  struct Way {
    explicit Way(asio::io_context& context) : read_timer(context), write_timer(context) {}
    asio::steady_timer read_timer, write_timer;
    std::vector<char> chunk = std::vector<char>(kChunkBytes);
    std::deque<std::pair<Clock::time_point, std::string>> waiting;
    size_t waiting_bytes = 0;
    bool is_writing = false, is_ending = false;
  };
  bool is_to_target(const Way& way) const { return &way == &to_target_; }
  tcp::socket& source(const Way& way) { return is_to_target(way) ? dialler_ : target_; }
  tcp::socket& sink(const Way& way) { return is_to_target(way) ? target_ : dialler_; }

  void ReadLater(Way& way, Clock::duration delay) {
    way.read_timer.expires_after(delay);
    way.read_timer.async_wait([self = shared_from_this(), &way](const error_code& error) {
      if (!error && self->is_open_) self->Read(way);
    });
  }

  void Read(Way& way) {
    const Faults& faults = shared_.faults;
    const bool is_blocked = is_to_target(way) ? faults.blocks_to_target : faults.blocks_to_dialler;
    if (is_blocked || way.waiting_bytes > kWaitingBytesMax) return ReadLater(way, kLookAgain);
    size_t most = kChunkBytes;
    if (faults.bytes_per_second > 0) {
      most = std::clamp<size_t>(faults.bytes_per_second / 20, 1, kChunkBytes);
    }
    source(way).async_read_some(
        asio::buffer(way.chunk.data(), most),
        [self = shared_from_this(), &way](const error_code& error, size_t size) {
          if (!self->is_open_) return;
          if (error) {
            way.is_ending = true;
            return self->Write(way);
          }
          self->Arrived(way, size);
        });
  }

  void Arrived(Way& way, size_t size) {
    const Faults& faults = shared_.faults;
    const bool is_lost = is_to_target(way) ? faults.loses_to_target : faults.loses_to_dialler;
    if (!is_lost) {
      if (is_to_target(way) && shared_.cut_after > 0) {
        const size_t left = shared_.cut_after - std::min(shared_.cut_after, shared_.brought);
        shared_.brought += size;
        if (size >= left) {
          size = left;
          way.is_ending = true;
        }
      }
      way.waiting.emplace_back(Clock::now() + std::chrono::milliseconds(faults.delay_ms),
                               std::string(way.chunk.data(), size));
      way.waiting_bytes += size;
      Write(way);
      if (way.is_ending) return;
    }
    if (faults.bytes_per_second == 0) return Read(way);
    ReadLater(way, std::chrono::microseconds(1'000'000 * size / faults.bytes_per_second));
  }

  void Write(Way& way) {
    if (way.is_writing || !is_open_) return;
    if (way.waiting.empty()) {
      if (way.is_ending) Close();
      return;
    }
    way.is_writing = true;
    way.write_timer.expires_at(way.waiting.front().first);
    way.write_timer.async_wait([self = shared_from_this(), &way](const error_code& failed) {
      if (failed || !self->is_open_) return;
      asio::async_write(
          self->sink(way), asio::buffer(way.waiting.front().second),
          [self, &way](const error_code& error, size_t size) {
            if (!self->is_open_) return;
            if (error) return self->Close();
            (self->is_to_target(way) ? self->shared_.to_target : self->shared_.to_dialler) += size;
            way.waiting_bytes -= size;
            way.waiting.pop_front();
            way.is_writing = false;
            self->Write(way);
          });
    });
  }

  Shared& shared_;
  tcp::socket dialler_, target_;
  Way to_target_, to_dialler_;
  bool is_open_ = true;
};

}  // namespace

class FaultProxy::Impl {
 public:
  Impl()
      : work_(asio::make_work_guard(shared_.context)),
        acceptor_(shared_.context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        port_(acceptor_.local_endpoint().port()) {
    Accept();
    thread_ = std::thread([this] { shared_.context.run(); });
  }

  ~Impl() {
    Do([this] {
      acceptor_.close();
      CutPairs();
      shared_.context.stop();
    });
    thread_.join();
  }

  // On the thread; returns when it is done.
  template <typename Function>
  void Do(Function function) {
    std::promise<void> done;
    asio::post(shared_.context, [&] {
      function();
      done.set_value();
    });
    done.get_future().wait();
  }

  void CutPairs() {
    for (const std::shared_ptr<Pair>& pair : pairs_) pair->Close();
    pairs_.clear();
  }

  Shared& shared() { return shared_; }
  uint16_t port() const { return port_; }
  uint16_t target_ = 0;

 private:
  void Accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) {
        ++shared_.accepted;
        std::erase_if(pairs_, [](const auto& pair) { return !pair->is_open(); });
        if (target_ != 0 && !shared_.faults.refuses) {
          const auto pair = std::make_shared<Pair>(shared_, std::move(socket));
          pairs_.insert(pair);
          pair->Start(target_);
        }
      }
      Accept();
    });
  }

  Shared shared_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  const uint16_t port_;
  std::set<std::shared_ptr<Pair>> pairs_;
  std::thread thread_;
};

FaultProxy::FaultProxy() : impl_(std::make_unique<Impl>()) {}
FaultProxy::~FaultProxy() = default;

uint16_t FaultProxy::port() const { return impl_->port(); }

void FaultProxy::SetTarget(uint16_t port) {
  impl_->Do([&] { impl_->target_ = port; });
}

void FaultProxy::Set(const Faults& faults) {
  impl_->Do([&] { impl_->shared().faults = faults; });
}

void FaultProxy::Cut() {
  impl_->Do([&] { impl_->CutPairs(); });
}

void FaultProxy::CutAfter(size_t bytes) {
  impl_->Do([&] {
    impl_->shared().cut_after = bytes;
    impl_->shared().brought = 0;
  });
}

uint64_t FaultProxy::accepted() const { return impl_->shared().accepted; }
uint64_t FaultProxy::bytes_to_target() const { return impl_->shared().to_target; }
uint64_t FaultProxy::bytes_to_dialler() const { return impl_->shared().to_dialler; }

}  // namespace kvserver
