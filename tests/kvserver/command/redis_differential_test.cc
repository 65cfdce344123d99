// The same random requests to kvserver and to Debian's redis-server: the replies must be the same
// bytes.
//
// Allowed to differ: times to live by kTimeSlack, as the two are asked one after the other; the
// order of KEYS and SCAN; which key RANDOMKEY picks; what OBJECT says of a value, and DBSIZE while
// Redis still counts keys that are over. The empty key is left out: it cannot be stored here.
//
// KVSERVER_TEST_SEED and KVSERVER_TEST_REQUESTS run one other, longer conversation.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "kvserver/support/redis_server.h"
#include "kvserver/support/test_server.h"

namespace kvserver {
namespace {

using Words = std::vector<std::string>;

constexpr int kRequests = 6'000;    // of one conversation
constexpr int kPipelineMax = 12;    // requests that are sent before their replies are read
constexpr int kHistory = 40;        // requests that are shown when two replies differ
constexpr int64_t kTimeSlack = 30;  // in seconds

// How two replies are compared.
enum class Rule {
  kSame,
  kSeconds,       // numbers, by kTimeSlack, if they are not negative
  kMilliseconds,  // likewise
  kSet,           // arrays in any order
  kScan,          // an array whose second element is one
  kKind,          // both are errors, null, numbers, ...
};

struct Request {
  Words words;
  Rule rule = Rule::kSame;
};

// One reply, taken apart.
struct Reply {
  std::string bytes;
  std::vector<Reply> elements;

  char kind() const { return bytes[0]; }
  bool is_null() const { return bytes == "$-1\r\n" || bytes == "*-1\r\n" || bytes == "_\r\n"; }
  int64_t number() const { return std::atoll(bytes.c_str() + 1); }
};

Reply TakeApart(std::string_view& rest) {
  Reply reply;
  const std::string_view all = rest;
  const size_t line = rest.find('\n') + 1;
  const int64_t count = std::atoll(std::string(rest.substr(1, line)).c_str());
  rest.remove_prefix(line);
  if (all[0] == '$' && count >= 0) rest.remove_prefix(static_cast<size_t>(count) + 2);
  if (all[0] == '*' || all[0] == '%' || all[0] == '~') {
    const int64_t elements = all[0] == '%' ? 2 * count : count;
    for (int64_t i = 0; i < elements; ++i) reply.elements.push_back(TakeApart(rest));
  }
  reply.bytes = all.substr(0, all.size() - rest.size());
  return reply;
}

std::vector<std::string> Sorted(const std::vector<Reply>& elements) {
  std::vector<std::string> bytes;
  for (const Reply& element : elements) bytes.push_back(element.bytes);
  std::sort(bytes.begin(), bytes.end());
  return bytes;
}

bool AreAlike(const Reply& ours, const Reply& theirs, Rule rule) {
  if (ours.bytes == theirs.bytes) return true;
  if (ours.kind() != theirs.kind() || ours.kind() == '-' || ours.is_null() != theirs.is_null()) {
    return false;
  }
  const int64_t difference = std::abs(ours.number() - theirs.number());
  const bool are_times = ours.kind() == ':' && ours.number() >= 0 && theirs.number() >= 0;
  switch (rule) {
    case Rule::kSame:
      return false;
    case Rule::kSeconds:
      return are_times && difference <= kTimeSlack;
    case Rule::kMilliseconds:
      return are_times && difference <= kTimeSlack * 1'000;
    case Rule::kSet:
      return Sorted(ours.elements) == Sorted(theirs.elements);
    case Rule::kScan:
      return ours.elements.size() == 2 && ours.elements[0].bytes == theirs.elements[0].bytes &&
             Sorted(ours.elements[1].elements) == Sorted(theirs.elements[1].elements);
    case Rule::kKind:
      return true;
  }
  return false;
}

class RequestMaker {
 public:
  explicit RequestMaker(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random_);
  }
  bool Chance(int percent) { return Below(100) < static_cast<size_t>(percent); }

  Request Make(bool in_multi) {
    Request request = Chance(in_multi ? 20 : 8) ? Transaction(in_multi) : Command();
    if (Chance(4)) Spoil(request);
    if (Chance(10)) {
      for (char& c : request.words[0]) c = static_cast<char>(std::toupper(c));
    }
    return request;
  }

 private:
  std::string Of(const std::vector<std::string>& choices) { return choices[Below(choices.size())]; }

  std::string Key() {
    if (Chance(5))
      return Of({std::string("n\0l", 3), "\xff\xfe", "a key", "k[1]", "long" + Text(99)});
    return "k" + std::to_string(Below(6));
  }

  std::string Text(size_t bytes) {
    std::string text;
    for (size_t i = 0; i < bytes; ++i) text += static_cast<char>('a' + Below(3));
    return text;
  }

  std::string Bytes(size_t bytes) {
    std::string text;
    for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(Below(256));
    return text;
  }

  std::string Integer() {
    if (Chance(70)) return std::to_string(static_cast<int64_t>(Below(40)) - 10);
    return Of({"9223372036854775807",
               "9223372036854775806",
               "-9223372036854775808",
               "-9223372036854775807",
               "9223372036854775808",
               "-9223372036854775809",
               "4294967296",
               "0",
               "-0",
               "00",
               "01",
               "-",
               "+1",
               " 1",
               "1 ",
               "1.0",
               "1e3",
               "abc",
               "",
               "0x1",
               std::string("1\0", 2)});
  }

  std::string Float() {
    if (Chance(40)) return std::to_string(static_cast<double>(Below(4000)) / 16 - 100);
    return Of({"0.1",
               "-2.5",
               "3",
               "3.0",
               "1e3",
               "5.0e3",
               "1e-20",
               "-1e-20",
               "inf",
               "-inf",
               "+inf",
               "infinity",
               "nan",
               "1e4900",
               "-1e4900",
               "1e5000",
               "1e-5000",
               "0x10",
               " 1",
               "1 ",
               "",
               "10.50",
               "-0.0",
               "123456789012345678901234567890",
               "0.00000000000000001",
               "1e18",
               ".5",
               "5.",
               "abc",
               "1e",
               std::string("1\0", 2),
               "9007199254740993"});
  }

  std::string Value() {
    switch (Below(8)) {
      case 0:
        return Integer();
      case 1:
        return Float();
      case 2:
        return "";
      case 3:
        return Bytes(Below(50));
      case 4:
        return Chance(10) ? Text(Below(5000)) : Text(Below(300));
      case 5:
        return std::string(Below(20), Chance(50) ? '\xff' : '\0');
      default:
        return Text(Below(12));
    }
  }

  // Never so large that a whole long value would be made.
  std::string Offset() {
    if (Chance(60)) return std::to_string(Below(64));
    if (Chance(30)) return std::to_string(Below(9000));
    return Of({"-1", "-5", "67108864", "536870912", "4294967296", "9223372036854775807",
               "9223372036854775808", "-9223372036854775808", "abc", "01", "", "#1"});
  }

  // Far away, over, or wrong.
  std::string TimeToLive() {
    if (Chance(60)) return std::to_string(100'000'000 + Below(1'000'000'000));
    return Of({"0", "-1", "-100000", "9223372036854775807", "9223372036854775", "9223372036854776",
               "-9223372036854775", "-9223372036854776", "-9223372036854775808", "abc", "1.5", ""});
  }

  std::string UnixSeconds() {
    return Of({"5000000000", "5000000001", "5000000002", "9223372036854775", "9223372036854776",
               "1", "0", "-1", "1000000000", "-9223372036854776", "abc"});
  }

  std::string UnixMilliseconds() {
    return Of({"5000000000000", "5000000000001", "5000000000499", "5000000000500",
               "9223372036854775000", "9223372036854775808", "1", "0", "-1", "-9223372036854775808",
               "abc"});
  }

  std::string Pattern() {
    return Of({"*",      "k*",       "k?",     "k[0-2]", "k[^0-2]", "k[5-3]", "k[",         "k[0",
               "k[\\1]", "k\\[1\\]", "k[[]1]", "*1*",    "?*",      "k*1",    "**1",        "",
               "\\",     "k\\",      "[k]1",   "n*l",    "k[1-",    "k[1-]",  "long*a*b*c", "a ke*",
               "\xff*",  "k[]1]",    "[^k]*",  "K1",     "k1",      "k[^]"});
  }

  Words ValueOptions(bool is_set) {
    Words words;
    for (size_t i = Below(4); i > 0; --i) {
      switch (Below(is_set ? 9 : 5)) {
        case 0:
          words.insert(words.end(), {Of({"EX", "ex"}), TimeToLive()});
          break;
        case 1:
          words.insert(words.end(), {"PX", TimeToLive()});
          break;
        case 2:
          words.insert(words.end(), {"EXAT", UnixSeconds()});
          break;
        case 3:
          words.insert(words.end(), {"PxAt", UnixMilliseconds()});
          break;
        case 4:
          words.push_back(is_set ? "KEEPTTL" : "PERSIST");
          break;
        default:
          words.push_back(Of({"NX", "XX", "GET", "nx", "xx", "get", "KEEPTTL", "PERSIST", "foo"}));
      }
    }
    return words;
  }

  Words Join(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  Words KeysFrom(Words words) {
    for (size_t i = Below(5) + 1; i > 0; --i) words.push_back(Key());
    return words;
  }

  Words Pairs(Words words) {
    for (size_t i = Below(4) + 1; i > 0; --i) words = Join(words, {Key(), Value()});
    return words;
  }

  Words Some(Words words) {
    words.resize(Below(words.size() + 1));
    return words;
  }

  Request Command() {
    switch (Below(12)) {
      case 0:
      case 1:
      case 2:
        return Strings();
      case 3:
        return {{"set", Key(), Value()}};
      case 4:
      case 5:
        return Numbers();
      case 6:
        return Parts();
      case 7:
        return Bits();
      case 8:
      case 9:
        return Expiry();
      default:
        return Keys();
    }
  }

  Request Strings() {
    switch (Below(12)) {
      case 0:
        return {{"setnx", Key(), Value()}};
      case 1:
        return {{"setex", Key(), TimeToLive(), Value()}};
      case 2:
        return {{"psetex", Key(), TimeToLive(), Value()}};
      case 3:
        return {{"getset", Key(), Value()}};
      case 4:
        return {Join({"getex", Key()}, ValueOptions(false))};
      case 5:
        return {{"getdel", Key()}};
      case 6:
        return {KeysFrom({"mget"})};
      case 7:
        return {Pairs({"mset"})};
      case 8:
        return {Pairs({"msetnx"})};
      case 9:
        return {{"get", Key()}};
      default:
        return {Join({"set", Key(), Value()}, ValueOptions(true))};
    }
  }

  Request Numbers() {
    switch (Below(7)) {
      case 0:
        return {{"incr", Key()}};
      case 1:
        return {{"decr", Key()}};
      case 2:
        return {{"incrby", Key(), Integer()}};
      case 3:
        return {{"decrby", Key(), Integer()}};
      case 4:
        return {{"set", Key(), Integer()}};
      default:
        return {{"incrbyfloat", Key(), Float()}};
    }
  }

  Request Parts() {
    switch (Below(7)) {
      case 0:
        return {{"append", Key(), Value()}};
      case 1:
        return {{"strlen", Key()}};
      case 2:
        return {{"getrange", Key(), Integer(), Integer()}};
      case 3:
        return {{"substr", Key(), Integer(), Integer()}};
      case 4:
        return {{"setrange", Key(), Offset(), Value()}};
      default: {
        Words words = {"lcs", Key(), Key()};
        for (size_t i = Below(4); i > 0; --i) {
          words = Join(words, Chance(30) ? Words{"MINMATCHLEN", Integer()}
                                         : Words{Of({"LEN", "IDX", "WITHMATCHLEN", "idx", "foo"})});
        }
        return {words};
      }
    }
  }

  Request Bits() {
    const std::string unit = Of({"BIT", "BYTE", "bit", "byte", "foo"});
    switch (Below(5)) {
      case 0:
        return {{"setbit", Key(), Offset(), Chance(90) ? Of({"0", "1"}) : Integer()}};
      case 1:
        return {{"getbit", Key(), Offset()}};
      case 2:
        return {Join({"bitcount", Key()}, Some({Integer(), Integer(), unit}))};
      case 3:
        return {Join({"bitpos", Key(), Chance(90) ? Of({"0", "1"}) : Integer()},
                     Some({Integer(), Integer(), unit}))};
      default:
        return {KeysFrom({"bitop", Of({"AND", "or", "xor", "NOT", "not", "nand"}), Key()})};
    }
  }

  Request Expiry() {
    Words conditions;
    while (Chance(30)) conditions.push_back(Of({"NX", "XX", "GT", "LT", "nx", "xx", "gt", "foo"}));
    switch (Below(9)) {
      case 0:
        return {Join({"expire", Key(), TimeToLive()}, conditions)};
      case 1:
        return {Join({"pexpire", Key(), TimeToLive()}, conditions)};
      case 2:
        return {Join({"expireat", Key(), UnixSeconds()}, conditions)};
      case 3:
        return {Join({"pexpireat", Key(), UnixMilliseconds()}, conditions)};
      case 4:
        return {{"ttl", Key()}, Rule::kSeconds};
      case 5:
        return {{"pttl", Key()}, Rule::kMilliseconds};
      case 6:
        return {{"expiretime", Key()}, Rule::kSeconds};
      case 7:
        return {{"pexpiretime", Key()}, Rule::kMilliseconds};
      default:
        return {{"persist", Key()}};
    }
  }

  Request Keys() {
    switch (Below(17)) {
      case 0:
        return {KeysFrom({"del"})};
      case 1:
        return {KeysFrom({"unlink"})};
      case 2:
        return {KeysFrom({"exists"})};
      case 3:
        return {KeysFrom({"touch"})};
      case 4:
        return {{"type", Key()}};
      case 5:
        return {{"rename", Key(), Key()}};
      case 6:
        return {{"renamenx", Key(), Key()}};
      case 7:
      case 8: {
        Words words = {"copy", Key(), Key()};
        if (Chance(40)) words.push_back("REPLACE");
        if (Chance(20)) words = Join(words, {"DB", Of({"0", "1", "-1", "a", "3000000000"})});
        return {words};
      }
      case 9:
        return {{"keys", Pattern()}, Rule::kSet};
      case 10: {
        Words words = {"scan", Chance(90) ? "0" : Of({"abc", "1x", " 0"}), "COUNT",
                       Chance(90) ? "100000" : Of({"0", "-1", "abc"})};
        if (Chance(40)) words = Join(words, {"match", Pattern()});
        if (Chance(20)) words = Join(words, {"TYPE", Of({"string", "STRING", "list", "foo"})});
        return {words, Rule::kScan};
      }
      case 11:
        return {{"randomkey"}, Rule::kKind};
      case 12:
        return {{"dbsize"}, Rule::kKind};
      case 13:
        return {{"object", Of({"encoding", "refcount", "IDLETIME"}), Key()}, Rule::kKind};
      case 14:
        return Chance(20) ? Request{{Of({"flushall", "flushdb"})}} : Request{{"exists", Key()}};
      case 15:
        return {{Of({"flushall", "flushdb"}), Of({"now", "nosync", "0"})}};
      default:
        return {{Of({"nosuch", "object", "ping", "keys", "set", "getx"}), Of({"nosuch", "x y"})},
                Rule::kSet};
    }
  }

  Request Transaction(bool in_multi) {
    if (in_multi && Chance(70)) return {{Chance(90) ? "exec" : "discard"}};
    switch (Below(6)) {
      case 0:
        return {{"exec"}};
      case 1:
        return {{"unwatch"}};
      case 2:
        return {{"discard"}};
      case 3:
        return {KeysFrom({"watch"})};
      default:
        return {{"multi"}};
    }
  }

  // One argument too many, too few, or another one.
  void Spoil(Request& request) {
    const std::string junk = Of({"-1", "9223372036854775807", "foo", "NX", "*", "0.5", "GET"});
    switch (Below(3)) {
      case 0:
        request.words.push_back(junk);
        break;
      case 1:
        request.words.pop_back();
        if (request.words.empty()) request.words.push_back("get");
        break;
      default: {
        // Redis takes any number for a cursor.
        const size_t first = request.words[0] == "scan" ? 2 : 0;
        if (first < request.words.size()) {
          request.words[first + Below(request.words.size() - first)] = junk;
        }
      }
    }
  }

  std::mt19937_64 random_;
};

// As one may type it.
std::string Printable(const Words& words) {
  std::string line;
  for (const std::string& word : words) {
    line += line.empty() ? "" : " ";
    if (word.empty()) line += "\"\"";
    for (const char c : word.substr(0, 60)) {
      const auto byte = static_cast<unsigned char>(c);
      char hex[8];
      std::snprintf(hex, sizeof(hex), "\\x%02x", byte);
      line += byte > ' ' && byte < 127 ? std::string(1, c) : std::string(hex);
    }
    if (word.size() > 60) line += "...(" + std::to_string(word.size()) + ")";
  }
  return line;
}

// A connection to each of both.
class Pair {
 public:
  Pair(uint16_t ours, uint16_t theirs) : ours_(ours), theirs_(theirs) {}

  bool in_multi() const { return in_multi_; }

  void Send(const std::string& bytes) {
    ours_.Send(bytes);
    theirs_.Send(bytes);
  }

  // The replies to the next request; false: they differ.
  bool Compare(const Request& request, std::string& report) {
    const std::string our_bytes = ours_.ReadReply(), their_bytes = theirs_.ReadReply();
    std::string_view our_rest = our_bytes, their_rest = their_bytes;
    const Reply ours = TakeApart(our_rest), theirs = TakeApart(their_rest);
    const bool are_alike = theirs.kind() == '*' && IsExec(request) && !theirs.is_null()
                               ? CompareExec(ours, theirs, report)
                               : AreAlike(ours, theirs, request.rule);
    FollowTransaction(request, theirs);
    if (!are_alike) report += "kvserver: " + our_bytes + "redis:    " + their_bytes;
    return are_alike;
  }

  // Both speak RESP3 from now on; false: kvserver does not.
  bool SayHello() {
    theirs_.Ask({"HELLO", "3"});
    return ours_.Ask({"HELLO", "3"})[0] == '%';
  }

  std::string AskOurs(const Words& words) { return ours_.Ask(words); }
  std::string AskTheirs(const Words& words) { return theirs_.Ask(words); }

 private:
  static bool Is(const Request& request, std::string_view name) {
    std::string lower = request.words[0];
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    return lower == name;
  }
  static bool IsExec(const Request& request) { return Is(request, "exec"); }

  bool CompareExec(const Reply& ours, const Reply& theirs, std::string& report) {
    if (ours.elements.size() != theirs.elements.size()) return false;
    if (theirs.elements.size() != queued_.size()) return false;
    for (size_t i = 0; i < queued_.size(); ++i) {
      if (AreAlike(ours.elements[i], theirs.elements[i], queued_[i].rule)) continue;
      report = "the reply to " + Printable(queued_[i].words) + " differs:\n" +
               ours.elements[i].bytes + theirs.elements[i].bytes;
      return false;
    }
    return true;
  }

  void FollowTransaction(const Request& request, const Reply& theirs) {
    const bool is_end = IsExec(request) || Is(request, "discard");
    if (theirs.bytes == "+QUEUED\r\n") queued_.push_back(request);
    if (Is(request, "multi") && theirs.bytes == "+OK\r\n") in_multi_ = true;
    if (is_end && !theirs.bytes.starts_with("-ERR")) {
      in_multi_ = false;
      queued_.clear();
    }
  }

  TestClient ours_, theirs_;
  bool in_multi_ = false;
  std::vector<Request> queued_;
};

std::vector<std::string> KeysOf(const std::string& bytes) {
  std::string_view rest = bytes;
  std::vector<std::string> keys;
  for (const Reply& element : TakeApart(rest).elements) {
    const size_t line = element.bytes.find('\n') + 1;
    keys.push_back(element.bytes.substr(line, element.bytes.size() - line - 2));
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

void CheckSameContent(Pair& pair) {
  const std::vector<std::string> keys = KeysOf(pair.AskTheirs({"KEYS", "*"}));
  CHECK(KeysOf(pair.AskOurs({"KEYS", "*"})) == keys);
  for (const std::string& key : keys) {
    INFO("key " << Printable({key}));
    CHECK(pair.AskOurs({"GET", key}) == pair.AskTheirs({"GET", key}));
    std::string ours = pair.AskOurs({"PEXPIRETIME", key});
    std::string theirs = pair.AskTheirs({"PEXPIRETIME", key});
    CHECK(AreAlike({ours, {}}, {theirs, {}}, Rule::kMilliseconds));
  }
  CHECK(pair.AskOurs({"DBSIZE"}) == pair.AskTheirs({"DBSIZE"}));
}

// Two connections, each with its transactions, that take turns.
void Converse(uint64_t seed, int requests, int resp_version) {
  CAPTURE(seed);
  CAPTURE(resp_version);
  const auto redis = RedisServer::Start();
  if (redis == nullptr) {
    MESSAGE("no redis-server in PATH: kvserver is compared with nothing");
    return;
  }
  TestServer server({.durability = libkv::Durability::kBuffered});
  Pair pairs[] = {Pair(server.port(), redis->port()), Pair(server.port(), redis->port())};
  if (resp_version == 3 && !(pairs[0].SayHello() && pairs[1].SayHello())) {
    MESSAGE("kvserver does not know HELLO: RESP3 is not compared");
    return;
  }

  RequestMaker maker(seed);
  std::deque<std::string> history;
  for (int done = 0; done < requests;) {
    const size_t which = maker.Below(2);
    Pair& pair = pairs[which];
    std::vector<Request> pipeline;
    std::string bytes;
    for (size_t i = maker.Below(kPipelineMax) + 1; i > 0; --i) {
      pipeline.push_back(maker.Make(pair.in_multi()));
      bytes += RespRequest(pipeline.back().words);
    }
    pair.Send(bytes);
    for (const Request& request : pipeline) {
      history.push_back(std::to_string(which) + "> " + Printable(request.words));
      if (history.size() > kHistory) history.pop_front();
      std::string report;
      if (pair.Compare(request, report)) continue;
      std::string lines;
      for (const std::string& line : history) lines += line + "\n";
      FAIL("after " << done << " requests\n" << lines << report);
    }
    done += static_cast<int>(pipeline.size());
  }
  for (Pair& pair : pairs) {
    pair.AskOurs({"DISCARD"});
    pair.AskTheirs({"DISCARD"});
  }
  CheckSameContent(pairs[0]);
}

TEST_CASE("random requests have the replies of Redis, byte for byte") {
  const char* const seed = std::getenv("KVSERVER_TEST_SEED");
  const char* const requests = std::getenv("KVSERVER_TEST_REQUESTS");
  const int count = requests == nullptr ? kRequests : std::atoi(requests);
  std::vector<uint64_t> seeds = {1, 2, 3};
  if (seed != nullptr) seeds = {std::strtoull(seed, nullptr, 10)};
  for (const uint64_t each : seeds) {
    Converse(each, count, 2);
    Converse(each, count, 3);
  }
}

}  // namespace
}  // namespace kvserver
