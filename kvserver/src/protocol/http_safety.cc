#include "protocol/http_safety.h"

#include <arpa/inet.h>

#include <algorithm>

namespace kvserver {
namespace {

constexpr size_t kHostBytesMax = 255;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool IsPort(std::string_view text) {
  return text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "[::1]:7411" is "::1", "localhost:7411" is "localhost"; "" if it is neither.
std::string NameOf(std::string_view host, bool& is_v6) {
  is_v6 = host.starts_with('[');
  std::string_view port;
  if (is_v6) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return "";
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!port.empty() && port[0] != ':') return "";
    port.remove_prefix(std::min<size_t>(1, port.size()));
  } else if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  return IsPort(port) ? Lower(host) : "";
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool IsHostAllowed(std::string_view host, std::span<const std::string> allowed) {
  if (host.size() > kHostBytesMax) return false;
  bool is_v6 = false;
  const std::string name = NameOf(host, is_v6);
  unsigned char address[sizeof(in6_addr)];
  if (is_v6) return inet_pton(AF_INET6, name.c_str(), address) == 1;
  if (inet_pton(AF_INET, name.c_str(), address) == 1) return true;
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  return !name.empty() && std::find(allowed.begin(), allowed.end(), name) != allowed.end();
}

bool IsSameOrigin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return Lower(origin.substr(scheme.size())) == Lower(host);
  }
  return false;
}

bool IsMediaType(std::string_view content_type, std::string_view type) {
  return Lower(Trim(content_type.substr(0, content_type.find(';')))) == type;
}

bool HasTag(std::string_view list, std::string_view tag, bool count_weak) {
  list = Trim(list);
  tag = tag.substr(0, tag.find('.'));
  if (list == "*") return true;
  while (!list.empty()) {
    // Our own tags hold no commas, so other people's may be cut wherever they like.
    const size_t end = std::min(list.find(','), list.size());
    std::string_view item = Trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (item.starts_with("W/")) {
      if (!count_weak) continue;
      item.remove_prefix(2);
    }
    if (item.size() < 2 || item.front() != '"' || item.back() != '"') continue;
    item = item.substr(1, item.size() - 2);
    if (item.substr(0, item.find('.')) == tag) return true;
  }
  return false;
}

}  // namespace kvserver
