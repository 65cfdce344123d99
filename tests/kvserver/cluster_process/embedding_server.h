// A server of embeddings on 127.0.0.1, as the world's are, with a model of two directions: texts
// with the word north, and all others. It counts what it is asked.
#ifndef TESTS_KVSERVER_CLUSTER_PROCESS_EMBEDDING_SERVER_H_
#define TESTS_KVSERVER_CLUSTER_PROCESS_EMBEDDING_SERVER_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace kvserver::cluster_process {

class EmbeddingServer {
 public:
  EmbeddingServer();  // std::runtime_error: it cannot listen
  ~EmbeddingServer();
  EmbeddingServer(const EmbeddingServer&) = delete;
  EmbeddingServer& operator=(const EmbeddingServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int texts() const { return texts_; }  // that it has made vectors of
  void Refuse(bool refuses) { refuses_ = refuses; }

 private:
  void Run();
  bool Serve(int fd, std::string& buffer);
  std::string AnswerTo(const std::string& body);

  int listener_ = -1, stop_[2] = {-1, -1};
  uint16_t port_ = 0;
  std::atomic<int> texts_ = 0;
  std::atomic<bool> refuses_ = false;
  std::thread thread_;
};

}  // namespace kvserver::cluster_process

#endif  // TESTS_KVSERVER_CLUSTER_PROCESS_EMBEDDING_SERVER_H_
