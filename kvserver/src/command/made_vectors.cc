#include "command/made_vectors.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/json_tree.h"
#include "base/utf8.h"
#include "command/argument_reader.h"
#include "command/node.h"
#include "command/session.h"
#include "command/table.h"

namespace kvserver {
namespace {

constexpr size_t kTextsOfCall = 256;

struct Item {
  std::string_view key, value;
};

void AddItems(const Command& command, Arguments arguments, std::vector<Item>* items) {
  const std::string_view name = command.name;
  if (name == "set" || name == "setnx" || name == "getset" || name == "kv.setx") {
    if (arguments.size() >= 3) items->push_back({arguments[1], arguments[2]});
  } else if (name == "setex" || name == "psetex") {
    if (arguments.size() >= 4) items->push_back({arguments[1], arguments[3]});
  } else if (name == "mset" || name == "msetnx" || name == "kv.bulkset") {
    for (size_t i = 1; i + 1 < arguments.size(); i += 2) {
      items->push_back({arguments[i], arguments[i + 1]});
    }
  }
}

bool HasNamedEmbedders(const Context& context) {
  return context.node.spaces() != nullptr && context.node.spaces()->has_named_embedders();
}

// What the request, or what is queued for EXEC, sets in spaces whose embedders have names.
std::vector<std::pair<Item, SpaceDefinition>> ItemsOf(const Context& context,
                                                      const Command& command, Arguments arguments) {
  std::vector<Item> items;
  if (command.name == "exec") {
    for (const OwnedRequest& request : context.session.queued) {
      const Command* const queued = FindCommand(request[0]);
      if (queued == nullptr) continue;
      // Views of the queued request, which lives as long as EXEC runs.
      const std::vector<std::string_view> views(request.begin(), request.end());
      AddItems(*queued, views, &items);
    }
  } else if (command.has(kWrite)) {
    AddItems(command, arguments, &items);
  }
  std::vector<std::pair<Item, SpaceDefinition>> chosen;
  for (const Item& item : items) {
    std::optional<SpaceDefinition> space = context.node.spaces()->Of(item.key);
    if (space && !space->embedder_name.empty()) chosen.emplace_back(item, *std::move(space));
  }
  return chosen;
}

absl::Status NoEmbedder(const SpaceDefinition& space) {
  return absl::FailedPreconditionError("the space " + QuotedWord(space.prefix) +
                                       " has the embedder '" + space.embedder_name +
                                       "', which this node was not given: see --embedder, or ask "
                                       "another node");
}

absl::Status Failed(const SpaceDefinition& space, const absl::Status& status) {
  return {status.code(),
          "the embedder '" + space.embedder_name + "' fails: " + std::string(status.message())};
}

void AddText(std::string* out, std::string_view text) {
  if (text.empty()) return;
  if (!out->empty()) out->push_back(' ');
  *out += text;
}

void AddStrings(const JsonTree& tree, std::string* out) {
  if (tree.kind == JsonTree::Kind::kString) AddText(out, tree.text);
  for (const JsonTree& element : tree.elements) AddStrings(element, out);
  for (const auto& [name, member] : tree.members) AddStrings(member, out);
}

// The strings at the dotted path; an array means each of its elements.
void AddPath(const JsonTree& tree, std::string_view path, std::string* out) {
  if (tree.kind == JsonTree::Kind::kArray) {
    for (const JsonTree& element : tree.elements) AddPath(element, path, out);
    return;
  }
  if (path.empty()) return AddStrings(tree, out);
  const size_t dot = std::min(path.find('.'), path.size());
  const auto member = tree.members.find(std::string(path.substr(0, dot)));
  if (member == tree.members.end()) return;
  AddPath(member->second, path.substr(std::min(dot + 1, path.size())), out);
}

}  // namespace

std::string EmbeddedText(std::string_view value, const std::vector<std::string>& paths) {
  const std::optional<JsonTree> tree = ParseJsonTree(value);
  const bool is_tree =
      tree && (tree->kind == JsonTree::Kind::kArray || tree->kind == JsonTree::Kind::kObject);
  std::string text;
  if (!is_tree) {
    if (IsUtf8(value)) text = value;
  } else if (paths.empty()) {
    AddStrings(*tree, &text);
  } else {
    for (const std::string& path : paths) AddPath(*tree, path, &text);
  }
  return text;
}

std::span<const float> MadeVectors::Of(std::string_view key, std::string_view value) const {
  const auto [begin, end] = by_key_.equal_range(key);
  for (auto it = begin; it != end; ++it) {
    if (it->second.value == value) return it->second.vector;
  }
  return {};
}

absl::Status MadeVectors::Make(Context& context, const Command& command, Arguments arguments) {
  if (!HasNamedEmbedders(context)) return absl::OkStatus();
  const auto items = ItemsOf(context, command, arguments);
  size_t bytes = 0;
  for (size_t first = 0; first < items.size();) {
    const SpaceDefinition& space = items[first].second;
    const std::shared_ptr<const libkv::Embedder> embedder = space.embedder;
    if (embedder == nullptr) return NoEmbedder(space);
    const size_t dimension = embedder->dimension();
    std::vector<std::string> texts;
    std::vector<std::string_view> views;
    std::vector<size_t> chosen;
    size_t end = first;
    for (; end < items.size() && chosen.size() < kTextsOfCall; ++end) {
      if (items[end].second.prefix != space.prefix) break;
      std::string text = EmbeddedText(items[end].first.value, space.text_fields);
      if (text.empty()) continue;
      texts.push_back(std::move(text));
      chosen.push_back(end);
    }
    first = end;
    if (chosen.empty()) continue;
    bytes += chosen.size() * dimension * sizeof(float);
    if (bytes > Replication::kRequestBytesMax) {
      return absl::InvalidArgumentError(
          "a request in a cluster writes at most 16 MiB, its vectors included");
    }
    views.assign(texts.begin(), texts.end());
    std::vector<float> floats(chosen.size() * dimension);
    const absl::Status status = embedder->Embed(libkv::EmbedKind::kDocument, views, floats);
    if (!status.ok()) return Failed(space, status);
    for (size_t i = 0; i < chosen.size(); ++i) {
      const auto vector = std::span(floats).subspan(i * dimension, dimension);
      if (std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; })) continue;
      const Item& item = items[chosen[i]].first;
      by_key_.emplace(item.key, Made{item.value, {vector.begin(), vector.end()}});
    }
  }
  return absl::OkStatus();
}

bool NeedsVectors(const Context& context, const Command& command, Arguments arguments) {
  return HasNamedEmbedders(context) && !ItemsOf(context, command, arguments).empty();
}

absl::StatusOr<bool> EmbedQuestion(Context& context, std::string_view prefix, std::string_view text,
                                   libkv::EmbedKind kind, std::vector<float>* vector) {
  if (!HasNamedEmbedders(context)) return false;
  std::optional<SpaceDefinition> space = context.node.spaces()->Of(prefix);
  if (!space) {
    // Or the one under the prefix that has vectors.
    size_t count = 0;
    for (SpaceDefinition& one : context.node.spaces()->definitions()) {
      const bool has_vectors = one.embedder != nullptr || one.vector_dimension != 0 || one.learn;
      if (!has_vectors || !one.prefix.starts_with(prefix)) continue;
      ++count;
      space = std::move(one);
    }
    if (count != 1) return false;
  }
  if (space->embedder_name.empty()) return false;
  if (space->embedder == nullptr) return NoEmbedder(*space);
  vector->resize(space->embedder->dimension());
  const std::string_view texts[] = {text};
  const absl::Status status = space->embedder->Embed(kind, texts, *vector);
  if (!status.ok()) return Failed(*space, status);
  return true;
}

}  // namespace kvserver
