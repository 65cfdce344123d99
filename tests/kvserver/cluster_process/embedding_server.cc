#include "kvserver/cluster_process/embedding_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <vector>

#include "base/json_tree.h"

namespace kvserver::cluster_process {

EmbeddingServer::EmbeddingServer() {
  setenv("no_proxy", "127.0.0.1", 1);  // of the nodes, whatever the machine has set
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, any, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, any, &size) != 0 || pipe(stop_) != 0) {
    throw std::runtime_error("the embedding server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

EmbeddingServer::~EmbeddingServer() {
  if (write(stop_[1], "x", 1) == 1) thread_.join();
  for (const int file : {listener_, stop_[0], stop_[1]}) close(file);
}

void EmbeddingServer::Run() {
  std::map<int, std::string> buffers;
  while (true) {
    std::vector<pollfd> files = {{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const auto& [fd, buffer] : buffers) files.push_back({fd, POLLIN, 0});
    poll(files.data(), files.size(), -1);
    if (files[0].revents != 0) break;
    if (files[1].revents != 0) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd >= 0) buffers[fd];
    }
    for (size_t i = 2; i < files.size(); ++i) {
      if (files[i].revents == 0 || Serve(files[i].fd, buffers[files[i].fd])) continue;
      close(files[i].fd);
      buffers.erase(files[i].fd);
    }
  }
  for (const auto& [fd, buffer] : buffers) close(fd);
}

bool EmbeddingServer::Serve(int fd, std::string& buffer) {
  char bytes[65536];
  const ssize_t count = recv(fd, bytes, sizeof bytes, 0);
  if (count <= 0 || buffer.size() > (8 << 20)) return false;
  buffer.append(bytes, static_cast<size_t>(count));
  const size_t head_end = buffer.find("\r\n\r\n");
  if (head_end == std::string::npos) return true;
  const size_t field = buffer.find("Content-Length: ");
  if (field > head_end) return false;
  const size_t size = std::stoul(buffer.substr(field + 16));
  if (buffer.size() < head_end + 4 + size) return true;
  const std::string body =
      refuses_ ? R"({"error":"no such model"})" : AnswerTo(buffer.substr(head_end + 4, size));
  buffer.clear();
  const std::string answer =
      std::string("HTTP/1.1 ") + (refuses_ ? "400" : "200") +
      " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  return send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(answer.size());
}

std::string EmbeddingServer::AnswerTo(const std::string& body) {
  const std::optional<JsonTree> request = ParseJsonTree(body);
  std::string vectors;
  int index = 0;
  if (request && request->members.contains("input")) {
    for (const JsonTree& text : request->members.at("input").elements) {
      const bool is_north = text.text.find("north") != std::string::npos;
      vectors += (index == 0 ? "" : ",") + std::string("{\"index\":") + std::to_string(index) +
                 ",\"embedding\":" + (is_north ? "[0.1,1]" : "[1,0.1]") + "}";
      ++index;
    }
  }
  texts_ += index;
  return "{\"data\":[" + vectors + "]}";
}

}  // namespace kvserver::cluster_process
