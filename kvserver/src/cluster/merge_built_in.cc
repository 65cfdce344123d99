// A state begins with one byte: kOther for a write that is not of the type that the function wants,
// kWanted for what is. Of two others the later is kept, and none beside one that is wanted. What
// follows:
//
//   other, and all of lww   order:32 value                 so the greater string is the later write
//   max, min                order:32 value                 of the number that is kept
//   set_union               { element:bytes }*             their one spelling, ascending
//   json_merge              node
//   node := has:u8 [object order:32] [leaf order:32 text:bytes] count:varint { name:bytes node }*
//           has: 1 one write at least has an object at this place, 2 one has something else
#include "cluster/merge_built_in.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/byte_codec.h"
#include "base/decimal.h"
#include "base/json_tree.h"

namespace kvserver::cluster {
namespace {

constexpr char kOther = 'o', kWanted = 'w';
constexpr size_t kOrderBytes = 32;
constexpr size_t kHeadBytes = 1 + kOrderBytes;

std::string WriteState(char tag, const Sibling& write) {
  std::string state(1, tag);
  state += OrderOf(write);
  state += write.value;
  return state;
}

// Joins states of which at least one is kOther.
std::string JoinOther(std::string_view a, std::string_view b) {
  if (a[0] != b[0]) return std::string(a[0] == kWanted ? a : b);
  return std::string(std::max(a, b));
}
bool IsOther(std::string_view a, std::string_view b) { return a[0] == kOther || b[0] == kOther; }

std::string ValueOfWrite(std::string_view state) { return std::string(state.substr(kHeadBytes)); }

// -- lww, siblings --------------------------------------------------------------------------------

MergeFunction LastWriter(std::string name, std::string summary) {
  MergeFunction function;
  function.name = std::move(name);
  function.summary = std::move(summary);
  function.state = [](const Sibling& write) { return WriteState(kOther, write); };
  function.join = JoinOther;
  function.value = ValueOfWrite;
  return function;
}

// -- max, min -------------------------------------------------------------------------------------

MergeFunction Extreme(std::string name, std::string summary, bool is_max) {
  MergeFunction function;
  function.name = std::move(name);
  function.summary = std::move(summary);
  function.state = [](const Sibling& write) {
    return WriteState(ParseDecimal(write.value) ? kWanted : kOther, write);
  };
  function.join = [is_max](std::string_view a, std::string_view b) {
    if (IsOther(a, b)) return JoinOther(a, b);
    const auto order = *ParseDecimal(a.substr(kHeadBytes)) <=> *ParseDecimal(b.substr(kHeadBytes));
    // The same number, spelled in two ways.
    if (order == 0) return std::string(std::max(a, b));
    return std::string((order > 0) == is_max ? a : b);
  };
  function.value = ValueOfWrite;
  return function;
}

// -- set_union ------------------------------------------------------------------------------------

std::string ElementsState(std::vector<std::string> elements) {
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  std::string state(1, kWanted);
  for (const std::string& element : elements) AppendBytes(state, element);
  return state;
}

std::vector<std::string> ElementsOf(std::string_view state) {
  std::vector<std::string> elements;
  ByteReader reader(state.substr(1));
  std::string_view element;
  while (reader.Bytes(&element)) elements.emplace_back(element);
  return elements;
}

MergeFunction SetUnion() {
  MergeFunction function;
  function.name = "set_union";
  function.summary = "the elements of all JSON arrays, each once";
  function.state = [](const Sibling& write) {
    const std::optional<JsonTree> tree = ParseJsonTree(write.value);
    if (!tree || tree->kind != JsonTree::Kind::kArray) return WriteState(kOther, write);
    std::vector<std::string> elements(tree->elements.size());
    for (size_t i = 0; i < elements.size(); ++i) AppendJson(elements[i], tree->elements[i]);
    return ElementsState(std::move(elements));
  };
  function.join = [](std::string_view a, std::string_view b) {
    if (IsOther(a, b)) return JoinOther(a, b);
    std::vector<std::string> elements = ElementsOf(a);
    for (std::string& element : ElementsOf(b)) elements.push_back(std::move(element));
    return ElementsState(std::move(elements));
  };
  function.value = [](std::string_view state) {
    if (state[0] == kOther) return ValueOfWrite(state);
    std::string value = "[";
    for (const std::string& element : ElementsOf(state)) {
      if (value.size() > 1) value.push_back(',');
      value += element;
    }
    return value + "]";
  };
  return function;
}

// -- json_merge -----------------------------------------------------------------------------------

// One place of the merged value.
struct Node {
  std::string object;  // the order of the latest write that has an object here; "": none
  std::string leaf;    // likewise of what is no object
  std::string text;    // of the leaf
  std::map<std::string, Node> members;
};

Node NodeOf(const JsonTree& tree, const std::string& order) {
  Node node;
  if (tree.kind != JsonTree::Kind::kObject) {
    node.leaf = order;
    AppendJson(node.text, tree);
    return node;
  }
  node.object = order;
  for (const auto& [name, member] : tree.members) node.members[name] = NodeOf(member, order);
  return node;
}

void AppendNode(std::string& out, const Node& node) {
  out.push_back(static_cast<char>((node.object.empty() ? 0 : 1) | (node.leaf.empty() ? 0 : 2)));
  out += node.object;
  if (!node.leaf.empty()) {
    out += node.leaf;
    AppendBytes(out, node.text);
  }
  AppendVarint(out, node.members.size());
  for (const auto& [name, member] : node.members) {
    AppendBytes(out, name);
    AppendNode(out, member);
  }
}

// Of what AppendNode has written; as deep as a JsonTree may be.
Node ReadNode(ByteReader& reader) {
  Node node;
  uint8_t has = 0;
  std::string_view bytes;
  uint64_t count = 0;
  reader.Byte(&has);
  if ((has & 1) != 0 && reader.Raw(kOrderBytes, &bytes)) node.object = bytes;
  if ((has & 2) != 0 && reader.Raw(kOrderBytes, &bytes)) {
    node.leaf = bytes;
    if (reader.Bytes(&bytes)) node.text = bytes;
  }
  reader.Varint(&count);
  for (uint64_t i = 0; i < count && reader.Bytes(&bytes); ++i) {
    node.members[std::string(bytes)] = ReadNode(reader);
  }
  return node;
}

void JoinNodes(Node& a, Node&& b) {
  a.object = std::max(a.object, b.object);
  if (std::pair(b.leaf, b.text) > std::pair(a.leaf, a.text)) {
    a.leaf = std::move(b.leaf);
    a.text = std::move(b.text);
  }
  for (auto& [name, member] : b.members) {
    const auto [found, is_new] = a.members.try_emplace(name);
    if (is_new) {
      found->second = std::move(member);
    } else {
      JoinNodes(found->second, std::move(member));
    }
  }
}

void AppendValue(std::string& out, const Node& node) {
  if (node.leaf > node.object) {
    out += node.text;
    return;
  }
  bool is_first = true;
  out.push_back('{');
  for (const auto& [name, member] : node.members) {
    if (!is_first) out.push_back(',');
    is_first = false;
    AppendJsonText(out, name);
    out.push_back(':');
    AppendValue(out, member);
  }
  out.push_back('}');
}

MergeFunction JsonMerge() {
  MergeFunction function;
  function.name = "json_merge";
  function.summary = "the fields of all JSON objects, of each the latest";
  function.state = [](const Sibling& write) {
    const std::optional<JsonTree> tree = ParseJsonTree(write.value);
    if (!tree || tree->kind != JsonTree::Kind::kObject) return WriteState(kOther, write);
    std::string state(1, kWanted);
    AppendNode(state, NodeOf(*tree, OrderOf(write)));
    return state;
  };
  function.join = [](std::string_view a, std::string_view b) {
    if (IsOther(a, b)) return JoinOther(a, b);
    ByteReader first(a.substr(1)), second(b.substr(1));
    Node joined = ReadNode(first);
    JoinNodes(joined, ReadNode(second));
    std::string state(1, kWanted);
    AppendNode(state, joined);
    return state;
  };
  function.value = [](std::string_view state) {
    if (state[0] == kOther) return ValueOfWrite(state);
    ByteReader reader(state.substr(1));
    std::string value;
    AppendValue(value, ReadNode(reader));
    return value;
  };
  return function;
}

}  // namespace

std::vector<MergeFunction> BuiltInMergeFunctions() {
  std::vector<MergeFunction> functions;
  functions.push_back(LastWriter("lww", "the value of the latest write"));
  functions.push_back(LastWriter("siblings", "the same; KV.GETX is to show all of them"));
  functions.push_back(Extreme("max", "the greatest number", true));
  functions.push_back(Extreme("min", "the least number", false));
  functions.push_back(SetUnion());
  functions.push_back(JsonMerge());
  return functions;
}

}  // namespace kvserver::cluster
