// HTTP/1.1: a request becomes a command by its route, or is answered at once (pages, metrics,
// health). See doc/http.md for the routes and rules.
#ifndef KVSERVER_SRC_PROTOCOL_HTTP_PROTOCOL_H_
#define KVSERVER_SRC_PROTOCOL_HTTP_PROTOCOL_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "command/node.h"
#include "command/session.h"
#include "protocol/http_parser.h"
#include "protocol/http_reply.h"
#include "protocol/http_routes.h"
#include "protocol/json_reader.h"
#include "protocol/protocol.h"
#include "protocol/url_text.h"

namespace kvserver {

class HttpProtocol : public Protocol {
 public:
  HttpProtocol(Node& node, Session& session) : node_(node), session_(session) {}

  std::string_view name() const override { return "http"; }
  Next Parse(std::string_view input, size_t& used, Request& request) override;
  ReplyWriter& reply() override { return reply_; }
  size_t unfinished_bytes() const override { return parser_.unfinished_bytes(); }
  void RefuseLate() override;
  bool is_last() const override { return reply_.of().closes; }

 private:
  Next Handle(Request& request);
  Next Route(const kvserver::Route& route, std::string_view rest, Request& request);
  bool IsAllowed();
  Next AnswerAtOnce(const kvserver::Route& route);
  Next AnswerFile(std::string_view name);

  Next KeyRequest(const kvserver::Route& route, std::string_view rest, Request& request);
  bool TakeKey(std::string_view rest);
  bool TakeDurability();
  bool TakeDemands(const Command& command);
  bool TakeLevel(std::string_view name, std::optional<cluster::Level>* level);
  bool AddExpiry(Request& request);
  bool AddCondition(const kvserver::Route& route, Request& request);
  Next QueryRequest(const Command& command, Request& request);
  Next BodyRequest(const Command& command, Request& request);
  Next BulkRequest(const Command& command, Request& request);
  Next AnyCommand(Request& request);
  Next Bind(const Command& command, std::span<const JsonField> fields, Request& request);

  Next Refuse(int status, std::string_view code, std::string_view message,
              std::string_view fields = "");
  bool IsJson();

  Node& node_;
  Session& session_;
  HttpParser parser_;
  HttpReply reply_;

  // Of the request at hand: what its arguments are views of.
  HttpReply::Of of_;
  QueryParameters query_;
  std::string key_, ttl_ms_, bulk_;
  Arena arena_;
  std::vector<JsonField> fields_;
};

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_HTTP_PROTOCOL_H_
