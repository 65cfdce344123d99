// LCS: the longest common subsequence of two values.
//
// The classic way: a table with the length for every pair of prefixes, then a walk back through it
// from its far corner, which takes a byte wherever both values have it. Time and memory are the
// product of the lengths, so the table is bounded.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command/arguments.h"
#include "command/command.h"
#include "command/keyspace.h"

namespace kvserver {
namespace {

constexpr size_t kTableBytesMax = size_t{64} << 20;

class Table {
 public:
  Table(std::string_view a, std::string_view b)
      : width_(b.size() + 1), lengths_((a.size() + 1) * width_) {
    for (size_t i = 1; i <= a.size(); ++i) {
      for (size_t j = 1; j <= b.size(); ++j) {
        at(i, j) =
            a[i - 1] == b[j - 1] ? at(i - 1, j - 1) + 1 : std::max(at(i - 1, j), at(i, j - 1));
      }
    }
  }

  // Of the first `i` bytes of a and the first `j` bytes of b.
  uint32_t& at(size_t i, size_t j) { return lengths_[i * width_ + j]; }
  uint32_t longest() const { return lengths_.back(); }

 private:
  size_t width_;
  std::vector<uint32_t> lengths_;
};

// A part that both values have.
struct Match {
  size_t in_a = 0, in_b = 0, count = 0;
};

// From the last one to the first one.
std::vector<Match> MatchesOf(std::string_view a, std::string_view b, Table& table) {
  std::vector<Match> matches;
  bool is_open = false;  // the last match may become longer
  for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      --i;
      --j;
      if (!is_open) matches.push_back({});
      matches.back() = {i, j, matches.back().count + 1};
      is_open = true;
    } else {
      table.at(i - 1, j) > table.at(i, j - 1) ? --i : --j;
      is_open = false;
    }
  }
  return matches;
}

struct LcsOptions {
  bool length = false, places = false, with_counts = false;
  int64_t count_min = 0;
};

std::optional<LcsOptions> ReadOptions(Context& context, Arguments words) {
  LcsOptions options;
  for (size_t i = 0; i < words.size(); ++i) {
    if (IsWord(words[i], "idx")) {
      options.places = true;
    } else if (IsWord(words[i], "len")) {
      options.length = true;
    } else if (IsWord(words[i], "withmatchlen")) {
      options.with_counts = true;
    } else if (IsWord(words[i], "minmatchlen") && i + 1 < words.size()) {
      const auto count = ReadInteger(context, words[++i]);
      if (!count) return std::nullopt;
      options.count_min = *count;
    } else {
      ReplySyntaxError(context);
      return std::nullopt;
    }
  }
  if (options.places && options.length) {
    context.reply.Error("ERR If you want both the length and indexes, please just use IDX.");
    return std::nullopt;
  }
  return options;
}

void ReplyPlaces(ReplyWriter& reply, size_t begin, size_t count) {
  reply.BeginArray(2);
  reply.Integer(static_cast<int64_t>(begin));
  reply.Integer(static_cast<int64_t>(begin + count - 1));
}

void ReplyMatches(ReplyWriter& reply, std::vector<Match> matches, uint32_t longest,
                  const LcsOptions& options) {
  std::erase_if(matches, [&](const Match& match) {
    return static_cast<int64_t>(match.count) < options.count_min;
  });
  reply.BeginMap(2);
  reply.Value("matches");
  reply.BeginArray(matches.size());
  for (const Match& match : matches) {
    reply.BeginArray(options.with_counts ? 3 : 2);
    ReplyPlaces(reply, match.in_a, match.count);
    ReplyPlaces(reply, match.in_b, match.count);
    if (options.with_counts) reply.Integer(static_cast<int64_t>(match.count));
  }
  reply.Value("len");
  reply.Integer(longest);
}

void Lcs(Context& context, Arguments arguments) {
  const auto options = ReadOptions(context, arguments.subspan(3));
  if (!options) return;
  const auto values = ReadKeys(context, arguments.subspan(1, 2));
  if (!values.ok()) return ReplyStatus(context, values.status());
  const std::string a = (*values)[0].value_or(""), b = (*values)[1].value_or("");
  if ((a.size() + 1) * (b.size() + 1) > kTableBytesMax / sizeof(uint32_t)) {
    return context.reply.Error(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  Table table(a, b);
  if (options->length) return context.reply.Integer(table.longest());
  const std::vector<Match> matches = MatchesOf(a, b, table);
  if (options->places) return ReplyMatches(context.reply, matches, table.longest(), *options);
  std::string common;
  for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
    common.append(a, match->in_a, match->count);
  }
  context.reply.Value(common);
}

constexpr Parameter kParameters[] = {
    {.name = "key1", .type = Parameter::kKey},
    {.name = "key2", .type = Parameter::kKey},
    {.name = "len", .type = Parameter::kFlag, .token = "LEN", .optional = true},
    {.name = "idx", .type = Parameter::kFlag, .token = "IDX", .optional = true},
    {.name = "minmatchlen", .type = Parameter::kInteger, .token = "MINMATCHLEN", .optional = true},
    {.name = "withmatchlen", .type = Parameter::kFlag, .token = "WITHMATCHLEN", .optional = true}};

constexpr Command kCommands[] = {
    {.name = "lcs",
     .arity = -3,
     .flags = kReadOnly | kSlow,
     .first_key = 1,
     .last_key = 2,
     .key_step = 1,
     .group = "string",
     .summary = "Find the longest common subsequence of two values",
     .parameters = kParameters,
     .run = Lcs},
};

}  // namespace

std::span<const Command> LcsCommands() { return kCommands; }

}  // namespace kvserver
