#include "command/space_text.h"

#include <utility>
#include <vector>

#include "base/numbers.h"
#include "command/argument_reader.h"
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

absl::Status SetAnalyzer(libkv::Space& space, std::string_view name) {
  // By its id as well: "german/1".
  auto analyzer = libkv::MakeAnalyzer(name.substr(0, name.find('/')));
  if (!analyzer.ok()) return analyzer.status();
  space.text = true;
  space.analyzer = *std::move(analyzer);
  return absl::OkStatus();
}

absl::Status SetDimension(libkv::Space& space, std::string_view text) {
  const auto value = ParseInteger(text);
  if (!value || *value < 1 || *value > int64_t{libkv::kVectorDimensionMax}) {
    return Wrong("dimension must be an integer from 1 to " +
                 std::to_string(libkv::kVectorDimensionMax) + ", not " + Quoted(text));
  }
  space.vector_dimension = static_cast<uint32_t>(*value);
  return absl::OkStatus();
}

absl::Status SetMetric(libkv::Space& space, std::string_view name) {
  if (EqualsIgnoringCase(name, "cosine")) {
    space.metric = libkv::Metric::kCosine;
  } else if (EqualsIgnoringCase(name, "l2")) {
    space.metric = libkv::Metric::kL2;
  } else if (EqualsIgnoringCase(name, "ip")) {
    space.metric = libkv::Metric::kInnerProduct;
  } else {
    return Wrong("metric must be cosine, l2 or ip, not " + Quoted(name));
  }
  return absl::OkStatus();
}

absl::Status SetPrecision(libkv::Space& space, std::string_view name) {
  const bool is_half = EqualsIgnoringCase(name, "f16");
  if (!is_half && !EqualsIgnoringCase(name, "f32")) {
    return Wrong("precision must be f32 or f16, not " + Quoted(name));
  }
  space.precision = is_half ? libkv::VectorPrecision::kFloat16 : libkv::VectorPrecision::kFloat32;
  return absl::OkStatus();
}

absl::Status SetEmbedder(libkv::Space& space, std::string_view name) {
  if (EqualsIgnoringCase(name, "none")) {
    space.embedder = nullptr;
  } else if (EqualsIgnoringCase(name, "hash") || EqualsIgnoringCase(name, "hash/1")) {
    space.embedder = libkv::MakeHashEmbedder();
  } else {
    return Wrong("embedder must be hash or none, not " + Quoted(name));
  }
  return absl::OkStatus();
}

absl::Status SetText(libkv::Space& space, std::string_view /*value*/) {
  space.text = true;
  return absl::OkStatus();
}
absl::Status SetLearn(libkv::Space& space, std::string_view /*value*/) {
  space.learn = true;
  return absl::OkStatus();
}
absl::Status SetValues(libkv::Space& space, std::string_view /*value*/) {
  space.values = true;
  return absl::OkStatus();
}
absl::Status AddTextFields(libkv::Space& space, std::string_view list) {
  return AddPaths(space.text_fields, "textfields", list);
}
absl::Status AddFields(libkv::Space& space, std::string_view list) {
  return AddPaths(space.fields, "fields", list);
}

struct OptionRow {
  std::string_view name;
  SpaceOption kind;
  absl::Status (*set)(libkv::Space& space, std::string_view value);
};
constexpr OptionRow kOptions[] = {
    {"text", SpaceOption::kFlag, SetText},
    {"learn", SpaceOption::kFlag, SetLearn},
    {"values", SpaceOption::kFlag, SetValues},
    {"analyzer", SpaceOption::kValued, SetAnalyzer},
    {"textfields", SpaceOption::kValued, AddTextFields},
    {"dimension", SpaceOption::kValued, SetDimension},
    {"metric", SpaceOption::kValued, SetMetric},
    {"precision", SpaceOption::kValued, SetPrecision},
    {"embedder", SpaceOption::kValued, SetEmbedder},
    {"fields", SpaceOption::kValued, AddFields},
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

}  // namespace

SpaceOption SpaceOptionOf(std::string_view option) {
  const OptionRow* const row = FindOption(option);
  return row == nullptr ? SpaceOption::kUnknown : row->kind;
}

absl::Status SetSpaceOption(libkv::Space& space, std::string_view option, std::string_view value) {
  const OptionRow* const row = FindOption(option);
  if (row == nullptr) return Wrong("unknown option " + Quoted(option));
  return row->set(space, value);
}

absl::StatusOr<libkv::Space> ParseSpace(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return Wrong("a space is prefix:options, and " + Quoted(text) + " has no colon");
  }
  libkv::Space space;
  space.prefix = text.substr(0, colon);
  for (const std::string& part : Split(text.substr(colon + 1), ",")) {
    const size_t equals = part.find('=');
    const std::string_view name = std::string_view(part).substr(0, equals);
    const SpaceOption kind = SpaceOptionOf(name);
    if (kind == SpaceOption::kUnknown) {
      return Wrong("unknown option " + Quoted(name) + " of the space " + Quoted(text));
    }
    if ((kind == SpaceOption::kValued) != (equals != std::string::npos)) {
      return Wrong("option " + Quoted(name) + " of the space " + Quoted(text) +
                   (kind == SpaceOption::kValued ? " needs =value" : " takes no value"));
    }
    const std::string_view value =
        kind == SpaceOption::kValued ? std::string_view(part).substr(equals + 1) : "";
    if (absl::Status status = SetSpaceOption(space, name, value); !status.ok()) return status;
  }
  return space;
}

std::string SpaceText(const libkv::Space& space) {
  std::vector<std::string> options;
  if (space.analyzer != nullptr) {
    const std::string id = space.analyzer->id();
    options.push_back("analyzer=" + id.substr(0, id.find('/')));
  } else if (space.text) {
    options.emplace_back("text");
  }
  if (!space.text_fields.empty()) options.push_back("textfields=" + Join(space.text_fields));
  if (space.learn) options.emplace_back("learn");
  const std::string embedder = space.embedder == nullptr ? "" : space.embedder->identity();
  if (!embedder.empty()) {
    options.push_back("embedder=" + (embedder == "hash/1" ? "hash" : embedder));
  } else if (space.vector_dimension != 0) {
    options.push_back("dimension=" + std::to_string(space.vector_dimension));
  }
  if (space.metric == libkv::Metric::kL2) options.emplace_back("metric=l2");
  if (space.metric == libkv::Metric::kInnerProduct) options.emplace_back("metric=ip");
  if (space.precision == libkv::VectorPrecision::kFloat16) options.emplace_back("precision=f16");
  if (space.values) options.emplace_back("values");
  if (!space.fields.empty()) options.push_back("fields=" + Join(space.fields));
  std::string text = space.prefix + ":";
  for (size_t i = 0; i < options.size(); ++i) text += (i == 0 ? "" : ",") + options[i];
  return text;
}

}  // namespace kvserver
