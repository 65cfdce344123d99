// An IoThread serves its connections, in turns.
//
// Asio runs one handler per ready socket. A turn is what all of them do until nothing is left to
// read, or the turn is full: then what they wrote is handed to the store (see WriteTurns), and what
// they are to send is sent. What a lone connection wrote is committed by this thread itself, so
// that a write costs no other thread; a second connection that comes in that moment waits for that
// one commit, and from then on the thread waits for none. A connection belongs to one thread for
// its life, so nothing about it is locked.
#ifndef KVSERVER_SRC_NET_IO_THREAD_H_
#define KVSERVER_SRC_NET_IO_THREAD_H_

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "command/node.h"
#include "net/workers.h"

namespace kvserver {

class Connection;
class ProtocolMaker;

class IoThread {
 public:
  static constexpr size_t kReadBytes = size_t{64} << 10;  // one read of one socket
  static constexpr int kHandlersPerTurn = 256;
  // A connection is alone after so many turns in which no other was read from.
  static constexpr int kLoneTurnsMin = 16;

  IoThread(Node& node, Workers& workers, ProtocolMaker& protocols);
  ~IoThread();

  void Start();
  // Any thread. The connections answer what they have received, then close; Join waits for that,
  // `seconds_max` at most.
  void Stop(int seconds_max);
  void Join();

  // Any thread: takes over an accepted socket.
  void Adopt(boost::asio::ip::tcp::socket::native_handle_type socket, bool is_v6);
  // Any thread: replies that wait for the turn may go.
  void TurnFinished(std::shared_ptr<const WriteTurns::Finished> finished);

  boost::asio::io_context& context() { return context_; }
  Node& node() { return node_; }
  Workers& workers() { return workers_; }
  ProtocolMaker& protocols() { return protocols_; }

  // For its connections.
  void Served(const Connection& connection);  // is read from
  std::vector<char>& read_buffer() { return read_buffer_; }
  void Dirty(
      const std::shared_ptr<Connection>& connection);  // is to be looked at when the turn ends
  void Holding(const std::shared_ptr<Connection>& connection);  // waits for the end of a turn
  void Closed(const Connection& connection);

 private:
  void Run();
  void EndTurn();
  void SubmitTurn();
  void ReleaseTurns();
  void Sweep();

  Node& node_;
  Workers& workers_;
  ProtocolMaker& protocols_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer sweeper_;
  std::vector<char> read_buffer_;
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> dirty_, holding_;
  const Connection* last_served_ = nullptr;
  int lone_turns_ = 0;  // in a row, in which it was the only one
  bool stopping_ = false;
  int64_t stop_deadline_us_ = 0;

  std::mutex finished_mutex_;
  std::vector<std::shared_ptr<const WriteTurns::Finished>> finished_;  // guarded by it
  std::atomic<bool> has_finished_{false};                              // some are in it
  std::atomic<std::thread::id> own_id_{};                              // of thread_
  std::thread thread_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_IO_THREAD_H_
