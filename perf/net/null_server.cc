// The floor of a server: reads RESP requests and answers at once, GET with 100 bytes and all else
// with OK. One thread, epoll. null_server PORT
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Client {
  int fd = -1;
  std::string in, out;
};

// The length of the request at the start of `input`, and its verb's first letter; 0: not all there.
size_t RequestLength(std::string_view input, char& verb) {
  size_t at = input.find("\r\n");
  if (at == std::string_view::npos) return 0;
  int count = 0;
  std::from_chars(input.data() + 1, input.data() + at, count);
  at += 2;
  for (int i = 0; i < count; ++i) {
    const size_t end = input.find("\r\n", at);
    if (end == std::string_view::npos) return 0;
    size_t length = 0;
    std::from_chars(input.data() + at + 1, input.data() + end, length);
    at = end + 2 + length + 2;
    if (at > input.size()) return 0;
    if (i == 0) verb = input[end + 2];
  }
  return at;
}

void Answer(Client& client) {
  static const std::string value = "$100\r\n" + std::string(100, 'v') + "\r\n";
  size_t at = 0;
  char verb = 0;
  while (at < client.in.size()) {
    const size_t bytes = RequestLength(std::string_view(client.in).substr(at), verb);
    if (bytes == 0) break;
    at += bytes;
    client.out += verb == 'G' ? value : "+OK\r\n";
  }
  client.in.erase(0, at);
  // Clients of the benchmark read what they asked for: a blocked write ends soon.
  size_t sent = 0;
  while (sent < client.out.size()) {
    const ssize_t bytes = write(client.fd, client.out.data() + sent, client.out.size() - sent);
    if (bytes > 0) sent += static_cast<size_t>(bytes);
  }
  client.out.clear();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(argv[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener, 1024) != 0) {
    std::perror("null_server");
    return 1;
  }
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::vector<epoll_event> events(256);
  std::vector<char> buffer(1 << 16);
  while (true) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* const client = static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr);
      if (client == nullptr) {
        const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        event.events = EPOLLIN;
        event.data.ptr = new Client{fd, {}, {}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        continue;
      }
      const ssize_t got = read(client->fd, buffer.data(), buffer.size());
      if (got <= 0) {
        close(client->fd);
        delete client;
        continue;
      }
      client->in.append(buffer.data(), static_cast<size_t>(got));
      Answer(*client);
    }
  }
}
