// A Connection is one socket: it reads, lets its protocol cut out requests, runs them, and sends
// the replies in their order.
//
// Replies of writes wait until the turn with the writes is stored; everything behind them waits
// too. A request that takes long runs on a worker thread, and the requests behind it wait.
#ifndef KVSERVER_SRC_NET_CONNECTION_H_
#define KVSERVER_SRC_NET_CONNECTION_H_

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "command/clients.h"
#include "command/session.h"
#include "net/io_thread.h"
#include "protocol/protocol.h"

namespace kvserver {

class Connection : public Client, public std::enable_shared_from_this<Connection> {
 public:
  // Bytes of replies that wait to be sent before requests of this connection are left unread.
  static constexpr size_t kOutputBytesMax = size_t{1} << 20;
  // Replies to a MONITOR that reads too slowly; then it is closed.
  static constexpr size_t kMonitorBytesMax = size_t{32} << 20;

  Connection(IoThread& thread, boost::asio::ip::tcp::socket socket);
  ~Connection() override;

  // All of these on its own thread.
  void Start();
  void Flush();  // the turn has ended
  void TurnFinished(const WriteTurns::Finished& finished);
  void StopReading();  // answers what it has received, then closes
  void Sweep(int64_t now_us);
  void Close();
  bool is_open() const { return is_open_; }
  bool is_holding() const { return !holds_.empty(); }

  // Client: any thread.
  Description Describe() const override;
  void Kill() override;
  void Send(std::shared_ptr<const std::string> bytes) override;

 private:
  // The reply output_[begin, end) waits for `hold`.
  struct HeldReply {
    WriteTurns::Hold hold;
    size_t begin, end;
  };

  void WaitReadable();
  void Readable();
  void WaitWritable();
  void Consume(std::string_view input);
  size_t RunRequests(std::string_view input);
  bool ChooseProtocol(std::string_view input);
  void RunOne();
  void RunOnWorker();
  void RefuseLong();
  void SlowDone(std::string reply);
  void AskPeersFirst();
  void PeersAsked(const absl::Status& status);
  void AfterReply(size_t begin);
  void Hold(size_t begin);
  void ReplaceWithError(HeldReply& held, const absl::Status& status);
  bool may_run() const;
  void UpdateDescription();
  void SweepRequest(int64_t now_us);
  int64_t last_active_us() const { return session_.last_command_us.load(); }

  IoThread& thread_;
  boost::asio::ip::tcp::socket socket_;
  bool is_open_ = true, is_reading_ = false, is_writing_ = false, is_ending_ = false;
  bool is_paused_ = false;  // input is left because too much output waits
  bool in_dirty_ = false, in_holding_ = false;
  friend class IoThread;

  Session session_;
  std::unique_ptr<Protocol> protocol_;  // null until the first bytes are known
  int64_t first_byte_us_ = 0;
  int64_t request_since_us_ = 0;  // when the request began whose end is missing; 0: there is none
  bool was_late_ = false;         // it did not come; the connection ends with the reply to that

  std::string input_;  // what was received and is not used yet
  Request request_;

  std::string output_;
  size_t sent_ = 0;
  std::deque<HeldReply> holds_;
  // The newest turns of each level that this thread has heard of while replies were held.
  std::array<uint64_t, std::size(cluster::kLevels)> finished_{};

  // A request on a worker thread, with bytes of its own.
  bool is_busy_ = false;
  bool slow_waits_ = false;  // for the replies in front of it
  OwnedRequest slow_;

  mutable std::mutex description_mutex_;
  Description description_;  // guarded by it
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_CONNECTION_H_
