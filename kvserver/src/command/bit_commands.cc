// Commands on the bits of a value. Those that write cost as much as the whole value is long.
#include <algorithm>
#include <string>
#include <utility>

#include "base/bits.h"
#include "base/numbers.h"
#include "command/arguments.h"
#include "command/byte_range.h"
#include "command/command.h"
#include "command/keyspace.h"

namespace kvserver {
namespace {

std::optional<size_t> ReadBitOffset(Context& context, std::string_view argument) {
  const std::optional<int64_t> offset = ParseInteger(argument);
  if (!offset || *offset < 0 || static_cast<uint64_t>(*offset) / 8 >= libkv::kValueBytesMax) {
    context.reply.Error("ERR bit offset is not an integer or out of range");
    return std::nullopt;
  }
  return static_cast<size_t>(*offset);
}

void GetBit(Context& context, Arguments arguments) {
  const auto offset = ReadBitOffset(context, arguments[2]);
  if (!offset) return;
  const absl::Status status = ViewKey(context, arguments[1], [&](std::string_view value) {
    context.reply.Integer(*offset / 8 < value.size() && BitAt(value, *offset) ? 1 : 0);
  });
  if (absl::IsNotFound(status)) return context.reply.Integer(0);
  if (!status.ok()) ReplyStatus(context, status);
}

void SetBit(Context& context, Arguments arguments) {
  constexpr std::string_view kNotABit = "ERR bit is not an integer or out of range";
  const auto offset = ReadBitOffset(context, arguments[2]);
  if (!offset) return;
  const auto bit = ReadInteger(context, arguments[3], kNotABit);
  if (!bit) return;
  if (*bit != 0 && *bit != 1) return context.reply.Error(kNotABit);
  if (!CheckSizes(context, arguments[1])) return;

  KeyWriter writer(context);
  auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  KeyWriter::Entry whole = *entry ? *std::move(*entry) : KeyWriter::Entry();
  const bool grows = *offset / 8 >= whole.value.size();
  if (grows) whole.value.resize(*offset / 8 + 1);
  const bool old = BitAt(whole.value, *offset);
  if (grows || old != (*bit == 1)) {
    char& byte = whole.value[*offset / 8];
    const int mask = 0x80 >> (*offset % 8);
    byte = static_cast<char>(*bit == 1 ? byte | mask : byte & ~mask);
    writer.Set(arguments[1], whole.value, whole.expiry);
  }
  context.reply.Integer(old ? 1 : 0);
}

// "BIT" or "BYTE"; otherwise the error is replied.
std::optional<bool> ReadIsBit(Context& context, std::string_view argument) {
  if (IsWord(argument, "bit")) return true;
  if (IsWord(argument, "byte")) return false;
  ReplySyntaxError(context);
  return std::nullopt;
}

// The bits of a value that `first` and `last`, places of bits or of bytes, are about.
ByteRange BitsWithin(int64_t first, int64_t last, bool is_bit, size_t bytes) {
  ByteRange range = RangeWithin(first, last, is_bit ? bytes * 8 : bytes);
  if (!is_bit) range = {range.begin * 8, range.count * 8};
  return range;
}

// As Redis does, wrong arguments are found only when there is a value.
void BitCount(Context& context, Arguments arguments) {
  const absl::Status status = ViewKey(context, arguments[1], [&](std::string_view value) {
    if (arguments.size() == 3 || arguments.size() > 5) return ReplySyntaxError(context);
    int64_t first = 0, last = -1;
    bool is_bit = false;
    if (arguments.size() > 3) {
      const auto given_first = ReadInteger(context, arguments[2]);
      if (!given_first) return;
      const auto given_last = ReadInteger(context, arguments[3]);
      if (!given_last) return;
      first = *given_first;
      last = *given_last;
      if (IsReversed(first, last)) return context.reply.Integer(0);  // whatever the unit is
    }
    if (arguments.size() == 5) {
      const auto unit = ReadIsBit(context, arguments[4]);
      if (!unit) return;
      is_bit = *unit;
    }
    const ByteRange range = BitsWithin(first, last, is_bit, value.size());
    context.reply.Integer(static_cast<int64_t>(CountOnes(value, range.begin, range.count)));
  });
  if (absl::IsNotFound(status)) return context.reply.Integer(0);
  if (!status.ok()) ReplyStatus(context, status);
}

void ReplyBitPosition(Context& context, Arguments arguments, bool bit, std::string_view value) {
  if (arguments.size() > 6) return ReplySyntaxError(context);
  int64_t first = 0, last = -1;
  bool is_bit = false;
  if (arguments.size() > 3) {
    const auto given = ReadInteger(context, arguments[3]);
    if (!given) return;
    first = *given;
  }
  if (arguments.size() == 6) {
    const auto unit = ReadIsBit(context, arguments[5]);
    if (!unit) return;
    is_bit = *unit;
  }
  const bool has_end = arguments.size() > 4;
  if (has_end) {
    const auto given = ReadInteger(context, arguments[4]);
    if (!given) return;
    last = *given;
  }
  const ByteRange range = BitsWithin(first, last, is_bit, value.size());
  const auto found = FindBit(value, bit, range.begin, range.count);
  if (found) return context.reply.Integer(static_cast<int64_t>(*found));
  // Behind a value come zeros without end, unless the end of the range was given.
  const bool is_behind = !bit && !has_end && range.count > 0;
  context.reply.Integer(is_behind ? static_cast<int64_t>(value.size() * 8) : -1);
}

void BitPos(Context& context, Arguments arguments) {
  const auto bit = ReadInteger(context, arguments[2]);
  if (!bit) return;
  if (*bit != 0 && *bit != 1) return context.reply.Error("ERR The bit argument must be 1 or 0.");
  const absl::Status status = ViewKey(context, arguments[1], [&](std::string_view value) {
    ReplyBitPosition(context, arguments, *bit == 1, value);
  });
  if (absl::IsNotFound(status)) return context.reply.Integer(*bit == 1 ? -1 : 0);
  if (!status.ok()) ReplyStatus(context, status);
}

enum class BitOperation { kAnd, kOr, kXor, kNot };

std::optional<BitOperation> OperationOf(std::string_view word) {
  if (IsWord(word, "and")) return BitOperation::kAnd;
  if (IsWord(word, "or")) return BitOperation::kOr;
  if (IsWord(word, "xor")) return BitOperation::kXor;
  if (IsWord(word, "not")) return BitOperation::kNot;
  return std::nullopt;
}

// Combines `other` into `result`; the shorter one has zeros at its end.
void Combine(BitOperation operation, std::string_view other, std::string& result) {
  result.resize(std::max(result.size(), other.size()));
  for (size_t i = 0; i < other.size(); ++i) {
    if (operation == BitOperation::kAnd) result[i] = static_cast<char>(result[i] & other[i]);
    if (operation == BitOperation::kOr) result[i] = static_cast<char>(result[i] | other[i]);
    if (operation == BitOperation::kXor) result[i] = static_cast<char>(result[i] ^ other[i]);
  }
  if (operation == BitOperation::kAnd) {
    std::fill(result.begin() + static_cast<ptrdiff_t>(other.size()), result.end(), '\0');
  }
}

void BitOp(Context& context, Arguments arguments) {
  const auto operation = OperationOf(arguments[1]);
  if (!operation) return ReplySyntaxError(context);
  const Arguments sources = arguments.subspan(3);
  if (*operation == BitOperation::kNot && sources.size() != 1) {
    return context.reply.Error("ERR BITOP NOT must be called with a single source key.");
  }
  const std::string_view target = arguments[2];
  if (!CheckSizes(context, target)) return;

  KeyWriter writer(context);
  std::string result;
  for (size_t i = 0; i < sources.size(); ++i) {  // one of them in memory at a time
    const auto entry = writer.Read(sources[i]);
    if (!entry.ok()) return ReplyStatus(context, entry.status());
    const std::string_view value = *entry ? std::string_view((*entry)->value) : "";
    i == 0 ? void(result = value) : Combine(*operation, value, result);
  }
  if (*operation == BitOperation::kNot) {
    for (char& byte : result) byte = static_cast<char>(~byte);
  }
  if (!result.empty()) {
    writer.Set(target, result);
  } else {
    const absl::StatusOr<bool> exists = writer.Exists(target);
    if (!exists.ok()) return ReplyStatus(context, exists.status());
    if (*exists) writer.Delete(target);
  }
  context.reply.Integer(static_cast<int64_t>(result.size()));
}

constexpr Parameter kKey = {.name = "key", .type = Parameter::kKey};
constexpr Parameter kOffset = {.name = "offset", .type = Parameter::kInteger};
constexpr Parameter kBit = {.name = "bit", .type = Parameter::kInteger};
constexpr Parameter kStart = {.name = "start", .type = Parameter::kInteger, .optional = true};
constexpr Parameter kEnd = {.name = "end", .type = Parameter::kInteger, .optional = true};
constexpr Parameter kUnit = {.name = "unit", .optional = true};  // BIT or BYTE

constexpr Parameter kBitCount[] = {kKey, kStart, kEnd, kUnit};
constexpr Parameter kBitOp[] = {{.name = "operation"},
                                {.name = "destination", .type = Parameter::kKey},
                                {.name = "key", .type = Parameter::kKey, .many = true}};
constexpr Parameter kBitPos[] = {kKey, kBit, kStart, kEnd, kUnit};
constexpr Parameter kGetBit[] = {kKey, kOffset};
constexpr Parameter kSetBit[] = {kKey, kOffset, {.name = "value", .type = Parameter::kInteger}};

constexpr Command kCommands[] = {
    {.name = "bitcount",
     .arity = -2,
     .flags = kReadOnly,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "bitmap",
     .summary = "Count the ones in a value or a part of it",
     .parameters = kBitCount,
     .run = BitCount},
    {.name = "bitop",
     .arity = -4,
     .flags = kWrite,
     .first_key = 2,
     .last_key = -1,
     .key_step = 1,
     .group = "bitmap",
     .summary = "Combine values bit by bit (AND, OR, XOR, NOT) and store the result",
     .parameters = kBitOp,
     .run = BitOp},
    {.name = "bitpos",
     .arity = -3,
     .flags = kReadOnly,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "bitmap",
     .summary = "Find the first one or zero in a value or a part of it",
     .parameters = kBitPos,
     .run = BitPos},
    {.name = "getbit",
     .arity = 3,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "bitmap",
     .summary = "Get one bit of a value",
     .parameters = kGetBit,
     .run = GetBit},
    {.name = "setbit",
     .arity = 4,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "bitmap",
     .summary = "Set one bit of a value and get the old one",
     .parameters = kSetBit,
     .run = SetBit},
};

}  // namespace

std::span<const Command> BitCommands() { return kCommands; }

}  // namespace kvserver
