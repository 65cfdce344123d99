#include "command/hit_reply.h"

#include "command/keyspace.h"
#include "command/node.h"

namespace kvserver {

size_t HitWriter::count() const {
  return size_t{form_.excerpt_bytes > 0} + size_t{form_.explain} + size_t{form_.values};
}

void HitWriter::Write(std::string_view key, const std::vector<libkv::Excerpt>& excerpts,
                      const std::vector<libkv::ScorePart>& explanation) {
  ReplyWriter& reply = context_.reply;
  if (form_.excerpt_bytes > 0) WriteExcerpts(excerpts);
  if (form_.explain) {
    reply.Value("explanation");
    ReplyExplanation(reply, explanation);
  }
  if (form_.values) {
    reply.Value("value");
    WriteValue(key);
  }
}

void HitWriter::WriteExcerpts(const std::vector<libkv::Excerpt>& excerpts) {
  ReplyWriter& reply = context_.reply;
  if (form_.html) {
    reply.Value("html");
    return reply.Value(libkv::ToHtml(excerpts));
  }
  reply.Value("excerpts");
  reply.BeginArray(excerpts.size());
  for (const libkv::Excerpt& excerpt : excerpts) {
    reply.BeginMap(2);
    reply.Value("text");
    reply.Value(excerpt.text);
    reply.Value("highlights");
    reply.BeginArray(excerpt.highlights.size());
    for (const libkv::Excerpt::Highlight& highlight : excerpt.highlights) {
      reply.BeginArray(2);
      reply.Integer(static_cast<int64_t>(highlight.begin));
      reply.Integer(static_cast<int64_t>(highlight.end));
    }
  }
}

void HitWriter::WriteValue(std::string_view key) {
  ReplyWriter& reply = context_.reply;
  bool is_written = false;
  if (!is_cut_) {
    static_cast<void>(context_.node.store().View(
        {.snapshot = snapshot_, .fill_cache = true}, key, [&](std::string_view value) {
          is_cut_ = value_bytes_ + value.size() > kReplyValueBytesMax;
          if (is_cut_) return;
          value_bytes_ += value.size();
          reply.Value(value);
          is_written = true;
        }));
  }
  // Damaged, expired this moment, or too much: the hit itself stands.
  if (!is_written) reply.Null();
}

void ReplyCount(ReplyWriter& reply, std::string_view name, size_t count) {
  reply.Value(name);
  reply.Integer(static_cast<int64_t>(count));
}

void ReplyFlag(ReplyWriter& reply, std::string_view name, bool flag) {
  reply.Value(name);
  reply.Bool(flag);
}

void ReplyNumber(ReplyWriter& reply, std::string_view name, double number) {
  reply.Value(name);
  reply.Double(number);
}

void ReplyMaybeNumber(ReplyWriter& reply, std::string_view name, std::optional<double> number) {
  reply.Value(name);
  if (number) return reply.Double(*number);
  reply.Null();
}

void ReplyMaybeText(ReplyWriter& reply, std::string_view name, const std::string& text) {
  reply.Value(name);
  if (!text.empty()) return reply.Value(text);
  reply.Null();
}

void ReplyExplanation(ReplyWriter& reply, const std::vector<libkv::ScorePart>& parts) {
  reply.BeginArray(parts.size());
  for (const libkv::ScorePart& part : parts) {
    reply.BeginMap(4);
    reply.Value("what");
    reply.Value(part.what);
    reply.Value("frequency");
    reply.Integer(part.frequency);
    reply.Value("idf");
    reply.Double(part.idf);
    reply.Value("score");
    reply.Double(part.score);
  }
}

void ReplyTexts(ReplyWriter& reply, const std::vector<std::string>& texts) {
  reply.BeginArray(texts.size());
  for (const std::string& text : texts) reply.Value(text);
}

void ReplyWarnings(ReplyWriter& reply, std::vector<std::string> warnings, bool is_cut) {
  if (is_cut) warnings.emplace_back("Values beyond 64 MiB were left out of this reply.");
  ReplyTexts(reply, warnings);
}

}  // namespace kvserver
