// Which protocols a server speaks, and how one is made for a connection.
#ifndef KVSERVER_SRC_NET_PROTOCOL_MAKER_H_
#define KVSERVER_SRC_NET_PROTOCOL_MAKER_H_

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "command/session.h"
#include "protocol/protocol.h"
#include "protocol/sniff.h"

namespace kvserver {

class ProtocolMaker {
 public:
  using Make = std::function<std::unique_ptr<Protocol>(Session&)>;

  // Without a maker a protocol is switched off.
  void Add(Sniffed what, Make make) { makers_[what] = std::move(make); }

  std::unique_ptr<Protocol> For(Sniffed what, Session& session) const {
    const auto found = makers_.find(what);
    return found == makers_.end() ? nullptr : found->second(session);
  }

 private:
  std::map<Sniffed, Make> makers_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_NET_PROTOCOL_MAKER_H_
