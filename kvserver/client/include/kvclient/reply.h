// A Reply is what a server answers: one value, or a tree of values.
//
//   if (reply.kind == kvclient::Reply::Kind::kArray) {
//     for (const kvclient::Reply& element : reply.elements) Use(element.bytes);
//   }
//   if (const kvclient::Reply* total = reply.Find("total")) Use(total->integer);
#ifndef KVSERVER_CLIENT_INCLUDE_KVCLIENT_REPLY_H_
#define KVSERVER_CLIENT_INCLUDE_KVCLIENT_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace kvclient {

// Bounds of a reply; beyond them it counts as malformed. Its bytes: ClientOptions::reply_bytes_max.
inline constexpr size_t kReplyDepthMax = 32;            // arrays within arrays
inline constexpr size_t kReplyElementsMax = 4'194'304;  // in all, of one call

// A value type. RESP2 has neither doubles nor bools nor maps: there they come as kBytes, kInteger
// and kArray (key, value, key, value, ...), and Find looks into such arrays too.
struct Reply {
  enum class Kind : uint8_t {
    kNil,
    kInteger,
    kDouble,
    kBool,
    kBytes,
    kWord,   // a fixed word: OK, PONG, QUEUED; in `bytes`
    kError,  // "CODE sentence", in `bytes`
    kArray,  // sets too
    kMap,    // elements are key, value, key, value, ...
  };

  Kind kind = Kind::kNil;
  int64_t integer = 0;  // of kInteger; of kBool 0 or 1
  double number = 0;    // of kDouble
  std::string bytes;    // of kBytes, kWord, kError
  std::vector<Reply> elements;

  static Reply Nil() { return {}; }
  static Reply Integer(int64_t value) { return {.kind = Kind::kInteger, .integer = value}; }
  static Reply Double(double value) { return {.kind = Kind::kDouble, .number = value}; }
  static Reply Bool(bool value) { return {.kind = Kind::kBool, .integer = value ? 1 : 0}; }
  static Reply Bytes(std::string value) {
    return {.kind = Kind::kBytes, .bytes = std::move(value)};
  }
  static Reply Word(std::string value) { return {.kind = Kind::kWord, .bytes = std::move(value)}; }
  static Reply Error(std::string value) {
    return {.kind = Kind::kError, .bytes = std::move(value)};
  }
  static Reply Array() { return {.kind = Kind::kArray}; }
  static Reply Map() { return {.kind = Kind::kMap}; }

  // Appends to a map that is being built.
  Reply& Add(std::string key, Reply value) {
    elements.push_back(Bytes(std::move(key)));
    elements.push_back(std::move(value));
    return *this;
  }

  bool is_nil() const { return kind == Kind::kNil; }
  bool is_error() const { return kind == Kind::kError; }
  bool has_bytes() const { return kind == Kind::kBytes || kind == Kind::kWord; }

  // The value that stands for `name` in a map, or in the array that RESP2 makes of one. Null: none.
  const Reply* Find(std::string_view name) const;

  // The number that it is, or is the decimal text of; 0 when it is neither.
  double AsNumber() const;
  int64_t AsInteger() const;

  friend bool operator==(const Reply&, const Reply&) = default;
};

// The status of an error, its code by the first word of the message:
//   ERR, NOPROTO          InvalidArgument, but "ERR unknown command" is Unimplemented
//   WRONGTYPE, READONLY   FailedPrecondition      EXECABORT            Aborted
//   NOTFOUND, NOSCRIPT    NotFound                OOM                  ResourceExhausted
//   NOAUTH, WRONGPASS     Unauthenticated         NOPERM               PermissionDenied
//   TRYAGAIN, LOADING, BUSY, MASTERDOWN, CLUSTERDOWN                   Unavailable
//   DATALOSS              DataLoss                anything else        Unknown
// The message is the server's, whole. OK for a reply that is no error.
absl::Status StatusOf(const Reply& reply);

}  // namespace kvclient

#endif  // KVSERVER_CLIENT_INCLUDE_KVCLIENT_REPLY_H_
