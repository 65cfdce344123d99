#include "cluster/merge_function.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "base/byte_codec.h"
#include "cluster/merge_built_in.h"

namespace kvserver::cluster {
namespace {

constexpr int kRounds = 330;  // of three values each
constexpr size_t kShownBytesMax = 60;

// Always the same values: what is refused once is refused always (SplitMix64).
class Chance {
 public:
  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t end) { return Next() % end; }

 private:
  uint64_t state_ = 1;
};

std::string SomeNumber(Chance& chance) {
  static constexpr std::string_view kOdd[] = {"0",   "-0", "007",  "1e3",
                                              "1E3", "1.", "-1.5", "9223372036854775807",
                                              "inf", "+1", " 1",   "0.10000000000000000001"};
  if (chance.Below(3) == 0) return std::string(kOdd[chance.Below(std::size(kOdd))]);
  std::string text = std::to_string(static_cast<int64_t>(chance.Below(7)) - 3);
  if (chance.Below(3) == 0) text += ".0";
  return text;
}

std::string SomeJson(Chance& chance, int depth) {
  std::string text;
  switch (depth > 3 ? chance.Below(3) : chance.Below(6)) {
    case 0:
      return std::to_string(chance.Below(4));
    case 1:
      return chance.Below(2) == 0 ? "null" : "true";
    case 2:
      return chance.Below(2) == 0 ? "\"a\"" : "\"\\u0061\\n\"";
    case 3:
    case 4:
      for (uint64_t i = chance.Below(4); i > 0; --i) {
        if (!text.empty()) text += chance.Below(2) == 0 ? "," : " , ";
        text += "\"" + std::string(1, static_cast<char>('a' + chance.Below(3))) +
                "\":" + SomeJson(chance, depth + 1);
      }
      return "{" + text + "}";
    default:
      for (uint64_t i = chance.Below(4); i > 0; --i) {
        if (!text.empty()) text += ",";
        text += SomeJson(chance, depth + 1);
      }
      return "[" + text + "]";
  }
}

std::string SomeValue(Chance& chance) {
  switch (chance.Below(6)) {
    case 0:
    case 1:
      return SomeNumber(chance);
    case 2:
    case 3:
      return SomeJson(chance, 0);
    case 4: {
      std::string broken = SomeJson(chance, 0);
      broken.resize(chance.Below(broken.size() + 1));
      return broken;
    }
    default:
      std::string bytes;
      for (uint64_t i = chance.Below(4); i > 0; --i) {
        bytes.push_back(static_cast<char>(chance.Below(4) * 85));  // 0, 'U', 0xAA, 0xFF
      }
      return bytes;
  }
}

std::string Shown(std::string_view bytes) {
  std::string text = "'";
  for (const char c : bytes.substr(0, kShownBytesMax)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      text.push_back(c);
    } else {
      text += "\\x";
      text.push_back("0123456789abcdef"[byte >> 4]);
      text.push_back("0123456789abcdef"[byte & 15]);
    }
  }
  return text + (bytes.size() > kShownBytesMax ? "...'" : "'");
}

// The properties, of the siblings of one key. "": they hold.
std::string BrokenProperty(const MergeFunction& f, std::span<const Sibling> s) {
  std::string states[3];
  for (size_t i = 0; i < 3; ++i) {
    states[i] = f.state(s[i]);
    if (f.state(s[i]) != states[i] || f.value(states[i]) != f.value(states[i])) {
      return "deterministic: two calls make two results of " + Shown(s[i].value);
    }
  }
  const auto& [a, b, c] = states;
  const std::string ab = f.join(a, b);
  const std::string both = Shown(s[0].value) + " and " + Shown(s[1].value);
  if (f.join(a, b) != ab) return "deterministic: two joins make two results of " + both;
  if (f.join(a, a) != a) return "idempotent: twice " + Shown(s[0].value) + " is something else";
  if (f.join(ab, b) != ab || f.join(ab, a) != ab) {
    return "idempotent: once more one of " + both + " changes what they make";
  }
  if (f.join(b, a) != ab) {
    return "commutative: of " + both + " it makes " + Shown(f.value(ab)) +
           ", and the other way round " + Shown(f.value(f.join(b, a)));
  }
  const std::string first = f.join(ab, c), last = f.join(a, f.join(b, c));
  if (first == last) return "";
  return "associative: of " + both + " and then " + Shown(s[2].value) + " it makes " +
         Shown(f.value(first)) + ", of the last two first " + Shown(f.value(last));
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

}  // namespace

std::string OrderOf(const Sibling& write) {
  std::string order;
  AppendFixed64(order, write.time);
  AppendFixed64(order, write.dot.actor.slot);
  AppendFixed64(order, write.dot.actor.generation);
  AppendFixed64(order, write.dot.counter);
  return order;
}

std::string MergeSiblings(const MergeFunction& function, std::span<const Sibling> siblings) {
  const Sibling* latest = &siblings[0];
  bool is_equal = true;
  for (const Sibling& sibling : siblings) {
    is_equal &= sibling.value == siblings[0].value;
    if (std::pair(latest->time, latest->dot) < std::pair(sibling.time, sibling.dot)) {
      latest = &sibling;
    }
  }
  if (is_equal) return std::string(latest->value);
  std::string state = function.state(siblings[0]);
  for (const Sibling& sibling : siblings.subspan(1)) {
    state = function.join(state, function.state(sibling));
  }
  std::string value = function.value(state);
  return value.size() <= kMergedBytesMax ? value : std::string(latest->value);
}

absl::Status CheckMergeFunction(const MergeFunction& function) {
  const auto refused = [&](const std::string& why) {
    return absl::InvalidArgumentError("the merge function '" + function.name + "' is not " + why);
  };
  if (!function.state || !function.join || !function.value) return refused("complete");
  Chance chance;
  for (int round = 0; round < kRounds; ++round) {
    std::string values[3];
    Sibling siblings[3];
    for (size_t i = 0; i < 3; ++i) {
      values[i] = SomeValue(chance);
      // Times may be equal, dots are not.
      siblings[i] = {values[i], chance.Below(4), {{1, chance.Below(2) + 1}, chance.Below(3) + 1}};
      siblings[i].dot.actor.slot = static_cast<Slot>(round % 3 == 0 ? 3 - i : i + 1);
    }
    try {
      const std::string broken = BrokenProperty(function, siblings);
      if (!broken.empty()) return refused(broken);
    } catch (const std::exception& error) {
      return refused("free of exceptions: it throws " + std::string(error.what()) + " for one of " +
                     Shown(values[0]) + ", " + Shown(values[1]) + ", " + Shown(values[2]));
    }
  }
  return absl::OkStatus();
}

MergeFunctions::MergeFunctions() {
  for (MergeFunction& function : BuiltInMergeFunctions()) {
    const absl::Status status = Register(std::move(function));
    if (status.ok()) continue;
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    std::abort();  // a value would depend on the node that is asked
  }
}

absl::Status MergeFunctions::Register(MergeFunction function) {
  if (!IsName(function.name)) {
    return absl::InvalidArgumentError("the name of a merge function is of a to z, 0 to 9 and _");
  }
  if (Find(function.name).ok()) {
    return absl::AlreadyExistsError("there is a merge function '" + function.name + "' already");
  }
  if (absl::Status status = CheckMergeFunction(function); !status.ok()) return status;
  functions_.push_back(std::make_unique<const MergeFunction>(std::move(function)));
  std::sort(functions_.begin(), functions_.end(),
            [](const auto& a, const auto& b) { return a->name < b->name; });
  return absl::OkStatus();
}

absl::StatusOr<const MergeFunction*> MergeFunctions::Find(std::string_view name) const {
  for (const auto& function : functions_) {
    if (function->name == name) return function.get();
  }
  std::string all;
  for (const std::string& one : names()) all += (all.empty() ? "" : ", ") + one;
  return absl::InvalidArgumentError("conflict must be one of " + all + ", not " + Shown(name));
}

std::vector<std::string> MergeFunctions::names() const {
  std::vector<std::string> names;
  for (const auto& function : functions_) names.push_back(function->name);
  return names;
}

MergeFunctions& Merges() {
  static MergeFunctions functions;
  return functions;
}

}  // namespace kvserver::cluster
