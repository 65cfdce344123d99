// BITFIELD: a value as a row of integers of any width up to 64 bits.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bits.h"
#include "base/numbers.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/keyspace.h"

namespace kvserver {
namespace {

__extension__ using Wide = __int128;  // holds every sum of two integers of 64 bits

// One integer within the value.
struct Field {
  bool is_signed = false;
  size_t bits = 0;
  size_t offset = 0;  // of its first bit

  Wide max() const { return (Wide{1} << (is_signed ? bits - 1 : bits)) - 1; }
  Wide min() const { return is_signed ? -(Wide{1} << (bits - 1)) : 0; }

  // What the lowest bits of `number` mean.
  Wide Wrap(Wide number) const {
    number &= (Wide{1} << bits) - 1;
    return number > max() ? number - (Wide{1} << bits) : number;
  }

  // Behind the end of the value there are zeros.
  Wide Read(std::string_view value) const {
    Wide number = 0;
    for (size_t place = offset; place < offset + bits; ++place) {
      number = number << 1 | (place / 8 < value.size() && BitAt(value, place) ? 1 : 0);
    }
    return Wrap(number);
  }

  void Write(std::string& value, Wide number) const {
    for (size_t place = offset + bits; place > offset; number >>= 1) {
      --place;
      const int mask = 0x80 >> (place % 8);
      char& byte = value[place / 8];
      byte = static_cast<char>((number & 1) != 0 ? byte | mask : byte & ~mask);
    }
  }
};

struct Operation {
  enum Kind : uint8_t { kGet, kSet, kIncrement } kind = kGet;
  enum Overflow : uint8_t { kWrap, kSaturate, kFail } overflow = kWrap;
  Field field;
  int64_t number = 0;
};

// "i8" or "u4".
bool ReadType(Context& context, std::string_view argument, Field& field) {
  field.is_signed = argument.starts_with('i');
  const bool has_sign = field.is_signed || argument.starts_with('u');
  const auto bits = has_sign ? ParseInteger(argument.substr(1)) : std::nullopt;
  if (!bits || *bits < 1 || *bits > (field.is_signed ? 64 : 63)) {
    context.reply.Error(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
        "i64 is.");
    return false;
  }
  field.bits = static_cast<size_t>(*bits);
  return true;
}

// In bits; or "#2" in fields.
bool ReadOffset(Context& context, std::string_view argument, Field& field) {
  const bool in_fields = argument.starts_with('#');
  const auto number = ParseInteger(argument.substr(in_fields ? 1 : 0));
  int64_t offset = 0;
  const auto factor = static_cast<int64_t>(in_fields ? field.bits : 1);
  if (!number || __builtin_mul_overflow(*number, factor, &offset) || offset < 0 ||
      static_cast<uint64_t>(offset) / 8 >= libkv::kValueBytesMax) {
    context.reply.Error("ERR bit offset is not an integer or out of range");
    return false;
  }
  field.offset = static_cast<size_t>(offset);
  return true;
}

std::optional<Operation::Overflow> OverflowOf(std::string_view word) {
  if (IsWord(word, "wrap")) return Operation::kWrap;
  if (IsWord(word, "sat")) return Operation::kSaturate;
  if (IsWord(word, "fail")) return Operation::kFail;
  return std::nullopt;
}

std::optional<std::vector<Operation>> ReadOperations(Context& context, Arguments words) {
  std::vector<Operation> operations;
  Operation operation;
  for (size_t i = 0; i < words.size();) {
    const size_t left = words.size() - i - 1;
    if (IsWord(words[i], "overflow") && left >= 1) {
      const auto overflow = OverflowOf(words[i + 1]);
      if (!overflow) {
        context.reply.Error("ERR Invalid OVERFLOW type specified");
        return std::nullopt;
      }
      operation.overflow = *overflow;
      i += 2;
      continue;
    }
    if (IsWord(words[i], "get") && left >= 2) {
      operation.kind = Operation::kGet;
    } else if (IsWord(words[i], "set") && left >= 3) {
      operation.kind = Operation::kSet;
    } else if (IsWord(words[i], "incrby") && left >= 3) {
      operation.kind = Operation::kIncrement;
    } else {
      ReplySyntaxError(context);
      return std::nullopt;
    }
    if (!ReadType(context, words[i + 1], operation.field)) return std::nullopt;
    if (!ReadOffset(context, words[i + 2], operation.field)) return std::nullopt;
    i += 3;
    if (operation.kind != Operation::kGet) {
      const auto number = ReadInteger(context, words[i++]);
      if (!number) return std::nullopt;
      operation.number = *number;
    }
    operations.push_back(operation);
  }
  return operations;
}

void ReplyNumber(Context& context, Wide number) {
  context.reply.Integer(static_cast<int64_t>(number));
}

// SET or INCRBY on `value`, which has room for it.
void Change(Context& context, const Operation& operation, std::string& value) {
  const Field& field = operation.field;
  const bool is_set = operation.kind == Operation::kSet;
  const Wide old = field.Read(value);
  Wide number = is_set ? operation.number : old + operation.number;
  // What is set is taken for its 64 bits: a negative number is a large one without a sign.
  if (is_set && !field.is_signed) number = static_cast<uint64_t>(operation.number);
  if (number < field.min() || number > field.max()) {
    if (operation.overflow == Operation::kFail) return context.reply.Null();
    const bool is_wrapped = operation.overflow == Operation::kWrap;
    const Wide limit = number < field.min() ? field.min() : field.max();
    number = is_wrapped ? field.Wrap(number) : limit;
  }
  field.Write(value, number);
  ReplyNumber(context, is_set ? old : number);
}

void ReplyReads(Context& context, const std::vector<Operation>& operations,
                std::string_view value) {
  context.reply.BeginArray(operations.size());
  for (const Operation& operation : operations) {
    ReplyNumber(context, operation.field.Read(value));
  }
}

void RunReads(Context& context, std::string_view key, const std::vector<Operation>& operations) {
  const absl::Status status = ViewKey(
      context, key, [&](std::string_view value) { ReplyReads(context, operations, value); });
  if (absl::IsNotFound(status)) return ReplyReads(context, operations, "");
  if (!status.ok()) ReplyStatus(context, status);
}

// How long the value must be for all changes; 0: there is none.
size_t BytesFor(const std::vector<Operation>& operations) {
  size_t bytes = 0;
  for (const Operation& operation : operations) {
    if (operation.kind == Operation::kGet) continue;
    bytes = std::max(bytes, (operation.field.offset + operation.field.bits + 7) / 8);
  }
  return bytes;
}

void BitField(Context& context, Arguments arguments) {
  const auto operations = ReadOperations(context, arguments.subspan(2));
  if (!operations) return;
  const size_t bytes = BytesFor(*operations);
  if (bytes == 0) return RunReads(context, arguments[1], *operations);
  if (!CheckSizes(context, arguments[1])) return;
  if (bytes > libkv::kValueBytesMax) return context.reply.Error(kValueTooLong);

  KeyWriter writer(context);
  auto entry = writer.Read(arguments[1]);
  if (!entry.ok()) return ReplyStatus(context, entry.status());
  const KeyWriter::Entry old = *entry ? *std::move(*entry) : KeyWriter::Entry();
  std::string value = old.value;
  value.resize(std::max(value.size(), bytes));
  context.reply.BeginArray(operations->size());
  for (const Operation& operation : *operations) {
    if (operation.kind == Operation::kGet) {
      ReplyNumber(context, operation.field.Read(value));
    } else {
      Change(context, operation, value);
    }
  }
  if (value != old.value) writer.Set(arguments[1], value, old.expiry);
}

void BitFieldRo(Context& context, Arguments arguments) {
  const auto operations = ReadOperations(context, arguments.subspan(2));
  if (!operations) return;
  if (BytesFor(*operations) > 0) {
    return context.reply.Error("ERR BITFIELD_RO only supports the GET subcommand");
  }
  RunReads(context, arguments[1], *operations);
}

constexpr Parameter kParameters[] = {{.name = "key", .type = Parameter::kKey},
                                     {.name = "operations", .optional = true, .many = true}};

constexpr Command kCommands[] = {
    {.name = "bitfield",
     .arity = -2,
     .flags = kWrite,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "bitmap",
     .summary = "Get, set and increment integers of any width within a value",
     .parameters = kParameters,
     .run = BitField},
    {.name = "bitfield_ro",
     .arity = -2,
     .flags = kReadOnly | kFast,
     .first_key = 1,
     .last_key = 1,
     .key_step = 1,
     .group = "bitmap",
     .summary = "Get integers of any width within a value",
     .parameters = kParameters,
     .run = BitFieldRo},
};

}  // namespace

std::span<const Command> BitFieldCommands() { return kCommands; }

}  // namespace kvserver
