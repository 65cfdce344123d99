// Steps: 1. find the words of the query; 2. choose the best window of matches in what is free of
// pieces; 3. widen it to excerpt_bytes and to good edges; what lies to either side is still free:
// 2 and 3 again, until there are enough; 4. write the pieces out clean, with the highlights.
#include "text/excerpt.h"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/container/flat_hash_map.h"
#include "base/strings.h"
#include "base/utf8.h"
#include "text/cluster_breaker.h"
#include "text/white_space.h"

namespace libkv {
namespace {

constexpr std::string_view kCut = "…";

// A cut moves at most this far to fall between words: eastern text has no blanks to wait for.
constexpr size_t kWordEdgeBytes = 48;

struct Range {
  size_t begin = 0, end = 0;
};

struct Match {
  uint32_t begin, end;
  uint32_t term;
};

std::vector<Match> FindMatches(std::string_view text, const std::vector<std::string>& terms,
                               const Analyzer& analyzer) {
  std::vector<Match> matches;
  absl::flat_hash_map<std::string_view, uint32_t, StringHash, StringEqual> numbers;
  for (const std::string& term : terms) {
    numbers.try_emplace(term, static_cast<uint32_t>(numbers.size()));
  }
  if (numbers.empty()) return matches;
  analyzer.Analyze(text, [&](const Token& token) {
    const auto found = numbers.find(token.term);
    // An analyzer of the user may say anything.
    if (found == numbers.end() || token.begin_byte >= token.end_byte) return;
    if (token.end_byte > text.size()) return;
    if (!matches.empty() && token.begin_byte < matches.back().begin) return;
    matches.push_back({token.begin_byte, token.end_byte, found->second});
  });
  return matches;
}

// How good a stretch of matches is: more is better, from left to right.
struct Worth {
  size_t fresh = 0, different = 0, count = 0;
  auto operator<=>(const Worth&) const = default;
};

struct Window {
  size_t first = 0, last = 0;  // of the matches, inclusive
  Worth worth;                 // count 0: there is none
};

// Which matches are shown best together.
class WindowFinder {
 public:
  WindowFinder(std::span<const Match> matches, size_t terms)
      : matches_(matches), counts_(terms), shown_(terms) {}

  // Of the matches within `gap` the best run that fits into `bytes`; of equal ones the first. A
  // single match may be longer.
  Window Best(Range gap, size_t bytes) {
    std::fill(counts_.begin(), counts_.end(), 0);
    Worth here;
    Window best;
    const auto begins = [](const Match& match, size_t at) { return match.begin < at; };
    const auto begin = std::lower_bound(matches_.begin(), matches_.end(), gap.begin, begins);
    size_t first = static_cast<size_t>(begin - matches_.begin());
    for (size_t last = first; last < matches_.size() && matches_[last].end <= gap.end; ++last) {
      Add(matches_[last].term, &here);
      for (; first < last && matches_[last].end - matches_[first].begin > bytes; ++first) {
        Remove(matches_[first].term, &here);
      }
      if (here > best.worth) best = {first, last, here};
    }
    return best;
  }

  void MarkShown(const Window& window) {
    for (size_t i = window.first; i <= window.last; ++i) shown_[matches_[i].term] = true;
  }

 private:
  void Add(uint32_t term, Worth* worth) {
    ++worth->count;
    if (counts_[term]++ > 0) return;
    ++worth->different;
    worth->fresh += !shown_[term];
  }
  void Remove(uint32_t term, Worth* worth) {
    --worth->count;
    if (--counts_[term] > 0) return;
    --worth->different;
    worth->fresh -= !shown_[term];
  }

  const std::span<const Match> matches_;
  std::vector<uint32_t> counts_;  // of each term in the window
  std::vector<bool> shown_;       // terms that an earlier window has
};

// Whether a sentence ends right before `at`, closing quotes and brackets not looked at.
bool EndsSentence(std::string_view text, size_t at) {
  while (at > 0 && (text[at - 1] == '"' || text[at - 1] == '\'' || text[at - 1] == ')')) --at;
  if (at == 0) return false;
  const char last = text[at - 1];
  return last == '.' || last == '!' || last == '?';
}

bool EndsEasternSentence(std::string_view text, size_t at) {
  if (at < 3) return false;
  const std::string_view last = text.substr(at - 3, 3);
  return last == "。" || last == "！" || last == "？";
}

// The last place in [lowest, highest] where a sentence or paragraph starts, or npos.
size_t SentenceStart(std::string_view text, size_t lowest, size_t highest) {
  for (size_t at = highest; at > lowest; --at) {
    if (EndsEasternSentence(text, at)) return at;
    if (!IsAsciiWhiteSpace(text[at - 1]) || IsAsciiWhiteSpace(text[at])) continue;
    size_t end = at - 1, lines = 0;
    for (; end > 0 && IsAsciiWhiteSpace(text[end]); --end) lines += text[end] == '\n';
    if (lines > 1 || EndsSentence(text, end + 1)) return at;
  }
  return lowest == 0 ? 0 : std::string_view::npos;
}

// The first start of a word in [at, highest], `highest` being one. In a script without blanks, and
// within a very long word, `at`.
size_t WordStart(std::string_view text, size_t at, size_t highest) {
  if (at == 0) return at;
  const size_t nearest = std::min(highest, at + kWordEdgeBytes);
  for (size_t i = at; i <= nearest; ++i) {
    if (IsAsciiWhiteSpace(text[i - 1]) && !IsAsciiWhiteSpace(text[i])) return i;
  }
  const bool ascii = static_cast<unsigned char>(text[at]) < 0x80;
  return ascii && nearest == highest ? highest : at;
}

// The last end of a word in [lowest, at], `lowest` being one. In a script without blanks, and
// within a very long word, `at`.
size_t WordEnd(std::string_view text, size_t at, size_t lowest) {
  const size_t nearest = std::max(lowest, at - std::min(at, kWordEdgeBytes));
  for (size_t i = at; i > nearest; --i) {
    if (IsAsciiWhiteSpace(text[i]) && !IsAsciiWhiteSpace(text[i - 1])) return i;
  }
  const bool ascii = at > 0 && static_cast<unsigned char>(text[at - 1]) < 0x80;
  return ascii && nearest == lowest ? lowest : at;
}

size_t CharacterStart(std::string_view text, size_t at) {
  for (int back = 0; back < 3 && at > 0 && at < text.size(); ++back, --at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) break;
  }
  return at;
}

size_t CutBegin(std::string_view text, size_t at, size_t focus) {
  const size_t after = ClusterEnd(text, at);
  if (after <= focus) return after;
  const size_t before = ClusterStart(text, at);
  return at - before <= kClusterBytesMax ? before : CharacterStart(text, at);
}

size_t CutEnd(std::string_view text, size_t at, size_t focus) {
  const size_t before = ClusterStart(text, at);
  if (before >= focus) return before;
  const size_t after = ClusterEnd(text, at);
  return after - at <= kClusterBytesMax ? after : CharacterStart(text, at);
}

// About `bytes` of `text` around `focus`, which is no longer than that.
Range Widen(std::string_view text, Range focus, size_t bytes) {
  bytes = std::min(bytes, text.size());
  const size_t spare = bytes - (focus.end - focus.begin);
  size_t begin = 0;
  if (text.size() > bytes) {
    // At most two thirds of what is left go before the focus.
    const size_t lowest = focus.begin - std::min(focus.begin, spare - spare / 3);
    begin = SentenceStart(text, lowest, focus.begin);
    if (begin == std::string_view::npos) {
      begin = WordStart(text, focus.begin - std::min(focus.begin, spare / 3), focus.begin);
    }
    if (text.size() - begin < bytes) begin = WordStart(text, text.size() - bytes, focus.begin);
    begin = CutBegin(text, begin, focus.begin);
  }
  size_t end = std::max(begin + std::min(bytes, text.size() - begin), focus.end);
  if (end < text.size()) end = CutEnd(text, WordEnd(text, end, focus.end), focus.end);
  return {begin, std::max(begin, end)};
}

// Written as a blank: white space, and controls that would act on a terminal.
bool IsBlank(char32_t c) { return IsWhiteSpace(c) || c < 0x20 || (c >= 0x7F && c < 0xA0); }

bool IsEmbedding(char32_t c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool AllBlank(std::string_view text) {
  while (!text.empty()) {
    const DecodedCharacter c = DecodeCharacter(text);
    if (!IsBlank(c.code)) return false;
    text.remove_prefix(c.bytes);
  }
  return true;
}

// The matches within `piece` as ranges of the text, overlapping ones joined.
std::vector<Range> Highlights(const std::vector<Match>& matches, Range piece) {
  std::vector<Range> ranges;
  for (const Match& match : matches) {
    const Range range{std::max<size_t>(match.begin, piece.begin),
                      std::min<size_t>(match.end, piece.end)};
    if (range.begin >= range.end) continue;
    if (!ranges.empty() && range.begin < ranges.back().end) {
      ranges.back().end = std::max(ranges.back().end, range.end);
    } else {
      ranges.push_back(range);
    }
  }
  return ranges;
}

// Appends `piece` of `text` to excerpt->text, cleaned, and the highlights within it.
void Write(std::string_view text, Range piece, const std::vector<Range>& highlights,
           Excerpt* excerpt) {
  std::string& out = excerpt->text;
  excerpt->begin_byte = excerpt->end_byte = piece.begin;
  bool blank = false;    // a blank is due before the next character
  bool started = false;  // something was written
  bool in_highlight = false;
  auto next = highlights.begin();
  for (size_t at = piece.begin; at < piece.end;) {
    const DecodedCharacter c = DecodeCharacter(text.substr(at, piece.end - at));
    for (; next != highlights.end() && at >= next->end; ++next) {
      if (in_highlight) excerpt->highlights.back().end = out.size();
      in_highlight = false;
    }
    if (IsBlank(c.code)) {
      blank = true;
    } else if (!IsEmbedding(c.code)) {
      if (blank && started) out += ' ';
      if (!started) excerpt->begin_byte = at;
      blank = false;
      started = true;
      if (!in_highlight && next != highlights.end() && at >= next->begin) {
        excerpt->highlights.push_back({out.size(), out.size(), next->begin, next->end});
        in_highlight = true;
      }
      AppendCharacter(out, c.code);
      excerpt->end_byte = at + c.bytes;
    }
    at += c.bytes;
  }
  if (in_highlight) excerpt->highlights.back().end = out.size();
}

// Where the pieces stand in `text`, ascending.
std::vector<Range> ChoosePieces(std::string_view text, const std::vector<Match>& matches,
                                size_t terms, size_t bytes, size_t count) {
  if (matches.empty()) return {Widen(text, {}, bytes)};
  WindowFinder finder(matches, terms);
  std::vector<Range> pieces;
  std::vector<Range> gaps = {{0, text.size()}};  // ascending, around the pieces
  while (pieces.size() < count) {
    Window best;
    size_t at = 0;
    for (size_t i = 0; i < gaps.size(); ++i) {
      const Window window = finder.Best(gaps[i], std::min(bytes, gaps[i].end - gaps[i].begin));
      if (window.worth <= best.worth) continue;
      best = window;
      at = i;
    }
    if (best.worth.count == 0) break;
    finder.MarkShown(best);
    const Range around = gaps[at];
    const size_t begin = matches[best.first].begin - around.begin;
    const size_t end = std::min<size_t>(matches[best.last].end - around.begin, begin + bytes);
    Range piece = Widen(text.substr(around.begin, around.end - around.begin), {begin, end}, bytes);
    piece.begin += around.begin;
    piece.end += around.begin;
    pieces.push_back(piece);
    gaps.erase(gaps.begin() + static_cast<ptrdiff_t>(at));
    for (const Range rest : {Range{piece.end, around.end}, Range{around.begin, piece.begin}}) {
      if (rest.end - rest.begin >= std::max<size_t>(bytes / 2, 1)) {
        gaps.insert(gaps.begin() + static_cast<ptrdiff_t>(at), rest);
      }
    }
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  return pieces;
}

}  // namespace

std::vector<Excerpt> MakeExcerpts(std::string_view text, const std::vector<std::string>& terms,
                                  const Analyzer& analyzer, size_t excerpt_bytes, size_t count) {
  std::vector<Excerpt> excerpts;
  if (excerpt_bytes == 0 || count == 0 || text.empty()) return excerpts;
  const std::string_view head =
      text.substr(0, CharacterStart(text, std::min(text.size(), kExcerptTextBytesMax)));
  const size_t bytes = std::min(excerpt_bytes, head.size());
  const std::vector<Match> matches = FindMatches(head, terms, analyzer);
  for (const Range piece : ChoosePieces(head, matches, terms.size(), bytes, count)) {
    Excerpt& excerpt = excerpts.emplace_back();
    if (!AllBlank(head.substr(0, piece.begin))) excerpt.text = kCut;
    Write(head, piece, Highlights(matches, piece), &excerpt);
    const bool cut_end = head.size() < text.size() || !AllBlank(head.substr(piece.end));
    if (cut_end) excerpt.text += kCut;
  }
  return excerpts;
}

namespace {

void AppendEscaped(std::string_view text, std::string* html) {
  for (const char c : text) {
    switch (c) {
      case '&':
        *html += "&amp;";
        break;
      case '<':
        *html += "&lt;";
        break;
      case '>':
        *html += "&gt;";
        break;
      case '"':
        *html += "&quot;";
        break;
      case '\'':
        *html += "&#39;";
        break;
      default:
        *html += c;
    }
  }
}

}  // namespace

std::string ToHtml(const Excerpt& excerpt) {
  const std::string_view text = excerpt.text;
  std::string html;
  size_t at = 0;
  for (const Excerpt::Highlight& highlight : excerpt.highlights) {
    // The struct is open to its user: what makes no sense is not marked.
    if (highlight.begin < at || highlight.end <= highlight.begin || highlight.end > text.size()) {
      continue;
    }
    AppendEscaped(text.substr(at, highlight.begin - at), &html);
    html += "<em>";
    AppendEscaped(text.substr(highlight.begin, highlight.end - highlight.begin), &html);
    html += "</em>";
    at = highlight.end;
  }
  AppendEscaped(text.substr(at), &html);
  return html;
}

std::string ToHtml(const std::vector<Excerpt>& excerpts) {
  std::string html;
  for (const Excerpt& excerpt : excerpts) {
    if (!html.empty()) html += ' ';
    html += ToHtml(excerpt);
  }
  return html;
}

}  // namespace libkv
