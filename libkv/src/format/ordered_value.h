// Values of JSON fields as bytes that sort as the values do: null < false < true < numbers < text.
//
//   ordered := 0x10                                    null
//            | 0x20 bool:u8
//            | 0x30 number:u64                         OrderedFromDouble
//            | 0x40 text 0x00 0x01                     0x00 in text becomes 0x00 0xFF
//            | 0x40 first 240 bytes 0x00 0x02 hash:16  longer text: XXH3-128 of the whole
#ifndef LIBKV_SRC_FORMAT_ORDERED_VALUE_H_
#define LIBKV_SRC_FORMAT_ORDERED_VALUE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace libkv {

inline constexpr size_t kOrderedTextBytesMax = 240;

std::string OrderedNull();
std::string OrderedBool(bool value);
std::string OrderedNumber(double value);  // not NaN
std::string OrderedText(std::string_view text);

// What OrderedText of every text that begins with `text` begins with; of long ones, their first
// kOrderedTextBytesMax bytes.
std::string OrderedTextBeginning(std::string_view text);

// A value taken apart. Of a long text only the beginning is there.
struct OrderedValue {
  enum class Kind { kNull, kBool, kNumber, kText };
  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string text;
  bool text_is_cut = false;
};

// False: `ordered` is not one whole ordered value.
bool ParseOrderedValue(std::string_view ordered, OrderedValue* value);

// How many bytes of the front of `bytes` are one ordered value; 0 when they are malformed.
size_t OrderedValueBytes(std::string_view bytes);

}  // namespace libkv

#endif  // LIBKV_SRC_FORMAT_ORDERED_VALUE_H_
