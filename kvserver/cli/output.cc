#include "output.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <vector>

#include "encoding.h"

namespace kvcli {
namespace {

using Kind = Reply::Kind;

constexpr std::string_view kBold = "\x1b[1m", kPlainAgain = "\x1b[0m";

std::string NumberText(double number) {
  char text[64];
  return std::string(text, std::to_chars(text, text + sizeof(text), number).ptr);
}

// A value that is no list, as text.
std::string Scalar(const Reply& reply) {
  switch (reply.kind) {
    case Kind::kInteger:
      return std::to_string(reply.integer);
    case Kind::kDouble:
      return NumberText(reply.number);
    case Kind::kBool:
      return reply.integer != 0 ? "true" : "false";
    default:
      return reply.bytes;
  }
}

bool IsList(const Reply& reply) { return reply.kind == Kind::kArray || reply.kind == Kind::kMap; }

// What a cell of a table shows: a list as JSON.
std::string Cell(const Reply& reply) {
  if (!IsList(reply)) return Printable(Scalar(reply));
  std::string text;
  AppendJson(text, reply);
  return text;
}

// On a terminal characters, not bytes, take room; wide ones are not looked for.
size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

using Rows = std::vector<std::vector<std::string>>;

void PrintRows(const Rows& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  Print(out);
}

void AppendReadable(std::string& out, const Reply& reply, size_t indent) {
  switch (reply.kind) {
    case Kind::kNil:
      out += "(nil)\n";
      return;
    case Kind::kInteger:
      out += "(integer) " + Scalar(reply) + "\n";
      return;
    case Kind::kDouble:
      out += "(double) " + Scalar(reply) + "\n";
      return;
    case Kind::kBool:
      out += "(" + Scalar(reply) + ")\n";
      return;
    case Kind::kWord:
      out += Printable(reply.bytes) + "\n";
      return;
    case Kind::kError:
      out += "(error) " + Printable(reply.bytes) + "\n";
      return;
    case Kind::kBytes:
      out += "\"" + Printable(reply.bytes) + "\"\n";
      return;
    case Kind::kArray:
    case Kind::kMap:
      break;
  }
  if (reply.elements.empty()) out += "(empty)\n";
  const size_t step = reply.kind == Kind::kMap ? 2 : 1;
  for (size_t i = 0; i < reply.elements.size(); i += step) {
    if (i > 0) out.append(indent, ' ');
    std::string label = std::to_string(i / step + 1) + ") ";
    if (step == 2) label += Cell(reply.elements[i]) + ": ";
    out += label;
    AppendReadable(out, reply.elements[i + step - 1], indent + Width(label));
  }
}

// A value as a member of a JSON object. What is no UTF-8 takes another name.
void AppendMember(std::string& out, const Reply& name, const Reply& value) {
  const std::string key = IsUtf8(Scalar(name)) ? Scalar(name) : Base64(Scalar(name));
  if (value.has_bytes()) return AppendJsonMember(out, key, value.bytes);
  AppendJsonString(out, key);
  out += ':';
  AppendJson(out, value);
}

// "NOT_FOUND" for the status that is printed as NOT_FOUND.
std::string CodeOf(const absl::Status& status) { return absl::StatusCodeToString(status.code()); }

}  // namespace

bool Print(std::string_view bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
}

void AppendJson(std::string& out, const Reply& reply) {
  switch (reply.kind) {
    case Kind::kNil:
      out += "null";
      return;
    case Kind::kDouble:
      // JSON has no infinities.
      out += std::isfinite(reply.number) ? Scalar(reply) : '"' + Scalar(reply) + '"';
      return;
    case Kind::kInteger:
    case Kind::kBool:
      out += Scalar(reply);
      return;
    case Kind::kError:
      out += "{\"error\":";
      AppendJsonString(out, IsUtf8(reply.bytes) ? reply.bytes : Base64(reply.bytes));
      out += '}';
      return;
    case Kind::kWord:
    case Kind::kBytes:
      if (IsUtf8(reply.bytes)) return AppendJsonString(out, reply.bytes);
      out += "{\"b64\":\"" + Base64(reply.bytes) + "\"}";
      return;
    case Kind::kArray:
      out += '[';
      for (const Reply& element : reply.elements) {
        if (&element != &reply.elements.front()) out += ',';
        AppendJson(out, element);
      }
      out += ']';
      return;
    case Kind::kMap:
      out += '{';
      for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        if (i > 0) out += ',';
        AppendMember(out, reply.elements[i], reply.elements[i + 1]);
      }
      out += '}';
      return;
  }
}

std::string Readable(const Reply& reply) {
  std::string out;
  AppendReadable(out, reply, 0);
  return out;
}

void Output::Value(std::string_view key, std::string_view value) const {
  std::string out;
  switch (format_) {
    case Format::kTable:
      out = Printable(value) + '\n';
      break;
    case Format::kJson:
      out = "{";
      AppendJsonMember(out, "key", key);
      out += ',';
      AppendJsonMember(out, "value", value);
      out += "}\n";
      break;
    case Format::kPlain:
      out = value;
      if (is_terminal_) out += '\n';
      break;
  }
  Print(out);
}

void Output::Line(const Record& record, bool with_value) const {
  std::string out;
  switch (format_) {
    case Format::kTable:
      out = Printable(record.key);
      if (with_value) out += "  " + Printable(record.value);
      break;
    case Format::kJson:
      out = "{";
      AppendJsonMember(out, "key", record.key);
      if (with_value) {
        out += ',';
        AppendJsonMember(out, "value", record.value);
      }
      out += '}';
      break;
    case Format::kPlain:
      out = record.key;
      if (with_value) out += '\t' + record.value;
      break;
  }
  Print(out + '\n');
}

std::string Output::Excerpt(const Reply& excerpt) const {
  const Reply* const text = excerpt.Find("text");
  const Reply* const highlights = excerpt.Find("highlights");
  if (text == nullptr) return "";
  if (highlights == nullptr || !is_terminal_) return Printable(text->bytes);
  std::string out;
  size_t at = 0;
  for (const Reply& range : highlights->elements) {
    if (range.elements.size() != 2) continue;
    const auto begin = static_cast<size_t>(range.elements[0].AsInteger());
    const auto end = static_cast<size_t>(range.elements[1].AsInteger());
    if (begin < at || end < begin || end > text->bytes.size()) continue;
    out += Printable(std::string_view(text->bytes).substr(at, begin - at));
    out += kBold;
    out += Printable(std::string_view(text->bytes).substr(begin, end - begin));
    out += kPlainAgain;
    at = end;
  }
  return out + Printable(std::string_view(text->bytes).substr(at));
}

void Output::Hits(const Reply& reply) const {
  const Reply* const hits = reply.Find("hits");
  if (format_ == Format::kJson || hits == nullptr) return Result(reply);
  Rows rows;
  for (const Reply& hit : hits->elements) {
    const Reply *const key = hit.Find("key"), *const score = hit.Find("score");
    const Reply* const excerpts = hit.Find("excerpts");
    if (key == nullptr || score == nullptr) continue;
    char number[32];
    std::snprintf(number, sizeof(number), "%.4f", score->AsNumber());
    if (format_ == Format::kPlain) {
      Print(key->bytes + '\t' + number + '\n');
      continue;
    }
    rows.push_back({number, Printable(key->bytes)});
    if (excerpts == nullptr) continue;
    std::string text;
    for (const Reply& excerpt : excerpts->elements) {
      if (!text.empty()) text += ' ';
      text += Excerpt(excerpt);
    }
    if (!text.empty()) rows.back().push_back(std::move(text));
  }
  if (format_ == Format::kPlain) return;
  PrintRows(rows);
  if (const Reply* const total = reply.Find("total")) {
    Print(std::to_string(hits->elements.size()) + " of " + std::to_string(total->AsInteger()) +
          "\n");
  }
  if (const Reply* const meant = reply.Find("did_you_mean"); meant && !meant->bytes.empty()) {
    Print("Did you mean: " + Printable(meant->bytes) + "\n");
  }
}

void Output::Result(const Reply& reply) const {
  if (format_ == Format::kTable) return Table(reply);
  if (format_ == Format::kPlain) return Plain(reply);
  std::string out;
  AppendJson(out, reply);
  Print(out + '\n');
}

void Output::Table(const Reply& reply) const {
  if (!IsList(reply)) {
    Print(Cell(reply) + '\n');
    return;
  }
  Rows rows;
  const Reply* const first = reply.elements.empty() ? nullptr : &reply.elements.front();
  if (reply.kind == Kind::kMap) {
    for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
      rows.push_back({Cell(reply.elements[i]), Cell(reply.elements[i + 1])});
    }
  } else if (first != nullptr && first->kind == Kind::kMap) {
    // Maps of the same names: one row each, under a row of names.
    rows.emplace_back();
    for (size_t i = 0; i < first->elements.size(); i += 2) {
      rows[0].push_back(Cell(first->elements[i]));
    }
    for (const Reply& element : reply.elements) {
      rows.emplace_back();
      for (size_t i = 1; i < element.elements.size(); i += 2) {
        rows.back().push_back(Cell(element.elements[i]));
      }
    }
  } else {
    for (const Reply& element : reply.elements) rows.push_back({Cell(element)});
  }
  PrintRows(rows);
}

void Output::Plain(const Reply& reply) const {
  if (!IsList(reply)) {
    Print(Scalar(reply) + '\n');
    return;
  }
  const size_t step = reply.kind == Kind::kMap ? 2 : 1;
  const auto text = [](const Reply& element) {
    if (!IsList(element)) return Scalar(element);
    std::string json;
    AppendJson(json, element);
    return json;
  };
  for (size_t i = 0; i + step <= reply.elements.size(); i += step) {
    const Reply& element = reply.elements[i];
    std::string out = text(element);
    if (step == 2) {
      out += '\t' + text(reply.elements[i + 1]);
    } else if (element.kind == Kind::kMap) {
      out.clear();
      for (size_t k = 1; k < element.elements.size(); k += 2) {
        if (k > 1) out += '\t';
        out += text(element.elements[k]);
      }
    }
    Print(out + '\n');
  }
}

void Output::Error(const absl::Status& status) const {
  Error(CodeOf(status), std::string(status.message()));
}

void Output::Error(std::string_view code, std::string_view message) const {
  std::string out;
  if (format_ == Format::kJson) {
    out = "{\"error\":{\"code\":";
    AppendJsonString(out, code);
    out += ",\"message\":";
    AppendJsonString(out, IsUtf8(message) ? std::string(message) : Printable(message));
    out += "}}\n";
  } else {
    out = "kv: " + Printable(message) + '\n';
  }
  std::fflush(stdout);
  std::fwrite(out.data(), 1, out.size(), stderr);
}

}  // namespace kvcli
