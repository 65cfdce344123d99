#include "command/space_text.h"

#include <utility>
#include <vector>

#include "base/numbers.h"
#include "cluster/merge_function.h"
#include "command/argument_reader.h"
#include "command/embedders.h"
#include "libkv/analyzer.h"
#include "libkv/embedder.h"

namespace kvserver {
namespace {

absl::Status Wrong(const std::string& message) { return absl::InvalidArgumentError(message); }

std::vector<std::string> Split(std::string_view list, std::string_view separators) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const size_t end = std::min(list.find_first_of(separators), list.size());
    if (end > 0) parts.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

absl::Status AddPaths(std::vector<std::string>& paths, std::string_view option,
                      std::string_view list) {
  std::vector<std::string> added = Split(list, ",;");
  if (added.empty()) return Wrong(std::string(option) + " needs at least one path");
  for (std::string& path : added) paths.push_back(std::move(path));
  return absl::OkStatus();
}

absl::Status SetAnalyzer(SpaceDefinition& space, std::string_view name) {
  // By its id as well: "german/1".
  auto analyzer = libkv::MakeAnalyzer(name.substr(0, name.find('/')));
  if (!analyzer.ok()) return analyzer.status();
  space.text = true;
  space.analyzer = *std::move(analyzer);
  return absl::OkStatus();
}

absl::Status SetDimension(SpaceDefinition& space, std::string_view text) {
  const auto value = ParseInteger(text);
  if (!value || *value < 1 || *value > int64_t{libkv::kVectorDimensionMax}) {
    return Wrong("dimension must be an integer from 1 to " +
                 std::to_string(libkv::kVectorDimensionMax) + ", not " + QuotedWord(text));
  }
  space.vector_dimension = static_cast<uint32_t>(*value);
  return absl::OkStatus();
}

absl::Status SetMetric(SpaceDefinition& space, std::string_view name) {
  if (EqualsIgnoringCase(name, "cosine")) {
    space.metric = libkv::Metric::kCosine;
  } else if (EqualsIgnoringCase(name, "l2")) {
    space.metric = libkv::Metric::kL2;
  } else if (EqualsIgnoringCase(name, "ip")) {
    space.metric = libkv::Metric::kInnerProduct;
  } else {
    return Wrong("metric must be cosine, l2 or ip, not " + QuotedWord(name));
  }
  return absl::OkStatus();
}

absl::Status SetPrecision(SpaceDefinition& space, std::string_view name) {
  const bool is_half = EqualsIgnoringCase(name, "f16");
  if (!is_half && !EqualsIgnoringCase(name, "f32")) {
    return Wrong("precision must be f32 or f16, not " + QuotedWord(name));
  }
  space.precision = is_half ? libkv::VectorPrecision::kFloat16 : libkv::VectorPrecision::kFloat32;
  return absl::OkStatus();
}

absl::Status SetMemory(SpaceDefinition& space, std::string_view name) {
  const bool is_bits = EqualsIgnoringCase(name, "bits");
  if (!is_bits && !EqualsIgnoringCase(name, "codes")) {
    return Wrong("memory must be codes or bits, not " + QuotedWord(name));
  }
  space.vector_memory = is_bits ? libkv::VectorMemory::kBits : libkv::VectorMemory::kCodes;
  return absl::OkStatus();
}

absl::Status SetEmbedder(SpaceDefinition& space, std::string_view name) {
  space.embedder_name.clear();
  if (EqualsIgnoringCase(name, "none")) {
    space.embedder = nullptr;
  } else if (EqualsIgnoringCase(name, "hash") || EqualsIgnoringCase(name, "hash/1")) {
    space.embedder = libkv::MakeHashEmbedder();
  } else {
    space.embedder_name = name;
    space.embedder = NamedEmbedders().Find(name);
    if (space.embedder == nullptr) {
      std::string known = "hash";
      for (const std::string& one : NamedEmbedders().names()) known += ", " + one;
      return Wrong("embedder must be " + known + " or none, not " + QuotedWord(name));
    }
  }
  return absl::OkStatus();
}

absl::Status SetConflict(SpaceDefinition& space, std::string_view name) {
  const auto function = cluster::Merges().Find(name);
  if (!function.ok()) return function.status();
  space.conflict = name == "lww" ? "" : name;
  return absl::OkStatus();
}

absl::Status SetText(SpaceDefinition& space, std::string_view /*value*/) {
  space.text = true;
  return absl::OkStatus();
}
absl::Status SetDeferred(SpaceDefinition& space, std::string_view /*value*/) {
  space.deferred = true;
  return absl::OkStatus();
}
absl::Status SetLearn(SpaceDefinition& space, std::string_view /*value*/) {
  space.learn = true;
  return absl::OkStatus();
}
absl::Status SetValues(SpaceDefinition& space, std::string_view /*value*/) {
  space.values = true;
  return absl::OkStatus();
}
absl::Status AddTextFields(SpaceDefinition& space, std::string_view list) {
  return AddPaths(space.text_fields, "textfields", list);
}
absl::Status AddFields(SpaceDefinition& space, std::string_view list) {
  return AddPaths(space.fields, "fields", list);
}

struct OptionRow {
  std::string_view name;
  SpaceOption kind;
  absl::Status (*set)(SpaceDefinition& space, std::string_view value);
};
constexpr OptionRow kOptions[] = {
    {"text", SpaceOption::kFlag, SetText},
    {"deferred", SpaceOption::kFlag, SetDeferred},
    {"learn", SpaceOption::kFlag, SetLearn},
    {"values", SpaceOption::kFlag, SetValues},
    {"analyzer", SpaceOption::kValued, SetAnalyzer},
    {"textfields", SpaceOption::kValued, AddTextFields},
    {"dimension", SpaceOption::kValued, SetDimension},
    {"metric", SpaceOption::kValued, SetMetric},
    {"precision", SpaceOption::kValued, SetPrecision},
    {"memory", SpaceOption::kValued, SetMemory},
    {"embedder", SpaceOption::kValued, SetEmbedder},
    {"fields", SpaceOption::kValued, AddFields},
    {"conflict", SpaceOption::kValued, SetConflict},
};

const OptionRow* FindOption(std::string_view name) {
  for (const OptionRow& row : kOptions) {
    if (EqualsIgnoringCase(row.name, name)) return &row;
  }
  return nullptr;
}

std::string Join(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ";") + item;
  return out;
}

using Options = std::vector<std::pair<std::string, std::string>>;

Options IndexOptions(const libkv::Space& space, const std::string& embedder_name) {
  Options options;
  const auto add = [&options](std::string name, std::string value = "") {
    options.emplace_back(std::move(name), std::move(value));
  };
  if (space.analyzer != nullptr) {
    const std::string id = space.analyzer->id();
    add("analyzer", id.substr(0, id.find('/')));
  } else if (space.text) {
    add("text");
  }
  if (!space.text_fields.empty()) add("textfields", Join(space.text_fields));
  if (space.learn) add("learn");
  const std::string embedder = space.embedder == nullptr ? "" : space.embedder->identity();
  if (!embedder_name.empty()) {
    add("embedder", embedder_name);
  } else if (!embedder.empty()) {
    add("embedder", embedder == "hash/1" ? "hash" : embedder);
  }
  if (space.vector_dimension != 0 && (embedder.empty() || !embedder_name.empty())) {
    add("dimension", std::to_string(space.vector_dimension));
  }
  if (space.metric == libkv::Metric::kL2) add("metric", "l2");
  if (space.metric == libkv::Metric::kInnerProduct) add("metric", "ip");
  if (space.precision == libkv::VectorPrecision::kFloat16) add("precision", "f16");
  if (space.vector_memory == libkv::VectorMemory::kBits) add("memory", "bits");
  if (space.deferred) add("deferred");
  if (space.values) add("values");
  if (!space.fields.empty()) add("fields", Join(space.fields));
  return options;
}

std::string TextOf(const std::string& prefix, const Options& options) {
  std::string text = prefix + ":";
  for (size_t i = 0; i < options.size(); ++i) {
    const auto& [name, value] = options[i];
    text += (i == 0 ? "" : ",") + name + (value.empty() ? "" : "=" + value);
  }
  return text;
}

}  // namespace

SpaceOption SpaceOptionOf(std::string_view option) {
  const OptionRow* const row = FindOption(option);
  return row == nullptr ? SpaceOption::kUnknown : row->kind;
}

absl::Status SetSpaceOption(SpaceDefinition& space, std::string_view option, std::string_view value,
                            bool needs_embedder) {
  const OptionRow* const row = FindOption(option);
  if (row == nullptr) return Wrong("unknown option " + QuotedWord(option));
  absl::Status status = row->set(space, value);
  const bool is_missing = row->set == SetEmbedder && !space.embedder_name.empty();
  return is_missing && !needs_embedder ? absl::OkStatus() : status;
}

absl::StatusOr<SpaceDefinition> ParseSpace(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return Wrong("a space is prefix:options, and " + QuotedWord(text) + " has no colon");
  }
  SpaceDefinition space;
  space.prefix = text.substr(0, colon);
  for (const std::string& part : Split(text.substr(colon + 1), ",")) {
    const size_t equals = part.find('=');
    const std::string_view name = std::string_view(part).substr(0, equals);
    const SpaceOption kind = SpaceOptionOf(name);
    if (kind == SpaceOption::kUnknown) {
      return Wrong("unknown option " + QuotedWord(name) + " of the space " + QuotedWord(text));
    }
    if ((kind == SpaceOption::kValued) != (equals != std::string::npos)) {
      return Wrong("option " + QuotedWord(name) + " of the space " + QuotedWord(text) +
                   (kind == SpaceOption::kValued ? " needs =value" : " takes no value"));
    }
    const std::string_view value =
        kind == SpaceOption::kValued ? std::string_view(part).substr(equals + 1) : "";
    if (absl::Status status = SetSpaceOption(space, name, value); !status.ok()) return status;
  }
  return space;
}

std::vector<std::pair<std::string, std::string>> SpaceOptions(const SpaceDefinition& space) {
  Options options = IndexOptions(space, space.embedder_name);
  if (!space.conflict.empty()) options.emplace_back("conflict", space.conflict);
  return options;
}

std::string SpaceText(const libkv::Space& space) {
  return TextOf(space.prefix, IndexOptions(space, ""));
}

std::string SpaceText(const SpaceDefinition& space) {
  return TextOf(space.prefix, SpaceOptions(space));
}

bool AsksForIndex(const libkv::Space& space) {
  return space.text || space.learn || space.embedder != nullptr || space.vector_dimension != 0 ||
         space.values || !space.fields.empty();
}

}  // namespace kvserver
