// What replies with hits have in common.
#ifndef KVSERVER_SRC_COMMAND_HIT_REPLY_H_
#define KVSERVER_SRC_COMMAND_HIT_REPLY_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command/command.h"
#include "libkv/search.h"

namespace kvserver {

// Values in one reply, all together. Beyond, they are left out.
inline constexpr size_t kReplyValueBytesMax = size_t{64} << 20;
// Of an excerpt when a request asks for one without saying how long.
inline constexpr size_t kExcerptBytesDefault = 200;
inline constexpr size_t kExcerptBytesMax = size_t{64} << 10;

// What is shown of each hit besides key and score.
struct HitForm {
  size_t excerpt_bytes = 0;  // 0: none
  size_t excerpt_count = 1;
  bool html = false;  // excerpts as HTML
  bool explain = false;
  bool values = false;
};

// Writes the members of a hit that the form asks for; `count` says how many pairs that will be.
class HitWriter {
 public:
  HitWriter(Context& context, const HitForm& form, std::shared_ptr<const libkv::Snapshot> snapshot)
      : context_(context), form_(form), snapshot_(std::move(snapshot)) {}

  size_t count() const;
  void Write(std::string_view key, const std::vector<libkv::Excerpt>& excerpts,
             const std::vector<libkv::ScorePart>& explanation);
  // Whether values were left out for their size.
  bool is_cut() const { return is_cut_; }

 private:
  void WriteExcerpts(const std::vector<libkv::Excerpt>& excerpts);
  void WriteValue(std::string_view key);

  Context& context_;
  const HitForm form_;
  const std::shared_ptr<const libkv::Snapshot> snapshot_;  // where values are read
  size_t value_bytes_ = 0;
  bool is_cut_ = false;
};

// One member of a map that is open: its name and its value; without one, null.
void ReplyCount(ReplyWriter& reply, std::string_view name, size_t count);
void ReplyFlag(ReplyWriter& reply, std::string_view name, bool flag);
void ReplyNumber(ReplyWriter& reply, std::string_view name, double number);
void ReplyMaybeNumber(ReplyWriter& reply, std::string_view name, std::optional<double> number);
void ReplyMaybeText(ReplyWriter& reply, std::string_view name, const std::string& text);

void ReplyExplanation(ReplyWriter& reply, const std::vector<libkv::ScorePart>& parts);
void ReplyTexts(ReplyWriter& reply, const std::vector<std::string>& texts);

// The warnings, and one more when values were cut.
void ReplyWarnings(ReplyWriter& reply, std::vector<std::string> warnings, bool is_cut);

}  // namespace kvserver

#endif  // KVSERVER_SRC_COMMAND_HIT_REPLY_H_
