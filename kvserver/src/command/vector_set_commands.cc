// V*: the shapes of Redis vector sets over a space of vectors (vector_set.h).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/numbers.h"
#include "command/argument_reader.h"
#include "command/command.h"
#include "command/filter_expression.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/session.h"
#include "command/vector_argument.h"
#include "command/vector_set.h"

namespace kvserver {
namespace {

constexpr size_t kRandomMembersMax = 10'000;
constexpr size_t kEffortMax = 1'000'000;  // EF, M: accepted, and of no effect

// -- VADD -----------------------------------------------------------------------------------------

struct Addition {
  std::vector<float> vector;
  std::string_view element;
  std::optional<std::string_view> attributes;
};

void ReadAddition(ArgumentReader& reader, Addition& addition) {
  if (!reader.NextOption()) return;
  if (reader.Is("REDUCE")) {
    return reader.Fail("REDUCE is not supported: project the vectors before VADD");
  }
  if (!IsVector(reader)) return reader.Fail("the vector must begin with VALUES or FP32");
  addition.vector = ReadVector(reader);
  if (reader.ok() && reader.left() == 0) return reader.Fail("the element is missing");
  addition.element = reader.Bytes();
  while (reader.NextOption()) {
    if (reader.Is("SETATTR")) {
      addition.attributes = reader.Bytes();
    } else if (reader.Is("EF") || reader.Is("M")) {
      reader.Count(1, kEffortMax);
    } else if (!reader.Is("CAS") && !reader.Is("NOQUANT") && !reader.Is("Q8") &&
               !reader.Is("BIN")) {
      reader.Unknown();
    }
  }
}

bool CheckDirection(Context& context, const libkv::Space& space, std::span<const float> vector) {
  if (vector.size() != space.vector_dimension) {
    context.reply.Error("ERR Vector dimension mismatch - got " + std::to_string(vector.size()) +
                        " but set has " + std::to_string(space.vector_dimension));
    return false;
  }
  const bool is_zero = std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; });
  if (is_zero && space.metric == libkv::Metric::kCosine) {
    context.reply.Error("ERR a vector of zeros has no direction: it cannot be compared by cosine");
    return false;
  }
  return true;
}

// The first element of a set makes the space: that waits for the disk, and for others who define.
bool MakesSet(Context& context, Arguments arguments) {
  return !FindVectorSet(context.node.store(), arguments[1]);
}

// Writes past the turns: from a worker thread, whose turns may be over before the reply is held.
void AddFirst(Context& context, const std::string& key, const Addition& addition) {
  Node& node = context.node;
  absl::Status status;
  bool is_new = false;
  {
    const std::unique_lock<std::mutex> quiet = node.turns().Quiesce();
    is_new = absl::IsNotFound(node.store().View({}, key, [](std::string_view) {}));
    status = node.store().Set({.durability = context.session.durability}, key,
                              addition.attributes.value_or(""), {.vector = addition.vector});
  }
  node.watched_keys().Written(key);
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.Bool(is_new);
}

void VAdd(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(2));
  Addition addition;
  ReadAddition(reader, addition);
  if (!reader.ok()) return context.reply.Error(reader.error());
  libkv::Store& store = context.node.store();
  const std::string_view set = arguments[1];
  const std::string key = ElementKey(set, addition.element);
  if (!CheckSizes(context, key, addition.attributes.value_or(""))) return;

  std::optional<libkv::Space> space = FindVectorSet(store, set);
  const bool makes_set = !space.has_value();
  if (makes_set) {
    if (context.session.writer != nullptr) {
      return context.reply.Error("ERR the first VADD to a set cannot be part of a transaction");
    }
    const auto define = [&](const libkv::Space& made) {
      if (context.node.spaces() == nullptr) return store.DefineSpace(made);
      SpaceDefinition definition;
      static_cast<libkv::Space&>(definition) = made;
      return context.node.spaces()->Define(std::move(definition), SystemWriter(context));
    };
    const absl::Status status = DefineVectorSet(store, set, addition.vector.size(), define);
    if (!status.ok()) return ReplyStatus(context, status);
    space = FindVectorSet(store, set);
    if (!space) return context.reply.Error("TRYAGAIN the set is being dropped");
  }
  if (!CheckDirection(context, *space, addition.vector)) return;
  if (!BelongsTo(store, key, space->prefix)) {
    return context.reply.Error("ERR the element's key " + QuotedWord(key) +
                               " belongs to another space, with a longer prefix");
  }
  // In a cluster every write is replicated.
  const bool is_alone = context.node.replication() == nullptr;
  if (makes_set && is_alone) return AddFirst(context, key, addition);
  KeyWriter writer(context);
  const auto before = writer.Read(key);
  if (!before.ok()) return ReplyStatus(context, before.status());
  // Without SETATTR an element keeps its attributes.
  const std::string_view kept = *before ? std::string_view((*before)->value) : "";
  writer.Set(key, addition.attributes.value_or(kept), *before ? (*before)->expiry : 0,
             addition.vector);
  context.reply.Bool(!*before);
}

void VRem(Context& context, Arguments arguments) {
  libkv::Store& store = context.node.store();
  const std::string key = ElementKey(arguments[1], arguments[2]);
  if (key.size() > libkv::kKeyBytesMax || !FindVectorSet(store, arguments[1]) ||
      !BelongsTo(store, key, SetPrefix(arguments[1]))) {
    return context.reply.Bool(false);
  }
  KeyWriter writer(context);
  const auto exists = writer.Exists(key);
  if (!exists.ok()) return ReplyStatus(context, exists.status());
  if (*exists) writer.Delete(key);
  context.reply.Bool(*exists);
}

// -- VSIM -----------------------------------------------------------------------------------------

struct Question {
  libkv::SimilarOptions options;
  std::vector<float> vector;
  std::optional<std::string_view> element;
  double score_min = -std::numeric_limits<double>::infinity();
  bool with_scores = false, with_attributes = false, has_epsilon = false;
};

bool ReadFilterOption(ArgumentReader& reader, Question& question) {
  if (!reader.Is("FILTER")) return false;
  const std::string_view text = reader.Bytes();
  if (!reader.ok()) return true;
  auto filters = ParseFilterExpression(text);
  if (filters.ok()) {
    question.options.filters = *std::move(filters);
  } else {
    reader.Fail(std::string(filters.status().message()));
  }
  return true;
}

void ReadQuestion(ArgumentReader& reader, Question& question) {
  if (!reader.NextOption()) return;
  if (reader.Is("ELE")) {
    question.element = reader.Bytes();
  } else if (IsVector(reader)) {
    question.vector = ReadVector(reader);
  } else {
    return reader.Fail("what to compare with must begin with ELE, VALUES or FP32");
  }
  while (reader.NextOption()) {
    if (reader.Is("WITHSCORES")) {
      question.with_scores = true;
    } else if (reader.Is("WITHATTRIBS")) {
      question.with_attributes = true;
    } else if (reader.Is("COUNT")) {
      question.options.limit = reader.Count(1, libkv::kSimilarLimitMax);
    } else if (reader.Is("EPSILON")) {
      question.score_min = 1 - reader.Number(0, 1);
      question.has_epsilon = true;
    } else if (reader.Is("EF") || reader.Is("FILTER-EF")) {
      reader.Count(0, kEffortMax);
    } else if (reader.Is("TRUTH")) {
      question.options.exact = true;
    } else if (!reader.Is("NOTHREAD") && !ReadFilterOption(reader, question)) {
      reader.Unknown();
    }
  }
}

// The score that Redis gives: 1 for the same direction, 0 for the opposite one.
double ScoreOf(const libkv::Space& space, const libkv::Neighbor& neighbor) {
  return space.metric == libkv::Metric::kCosine ? (1 + neighbor.score) / 2 : neighbor.score;
}

void ReplyAttributes(Context& context, const std::shared_ptr<const libkv::Snapshot>& snapshot,
                     const std::string& key) {
  std::string attributes;
  static_cast<void>(context.node.store().View({.snapshot = snapshot, .fill_cache = true}, key,
                                              [&](std::string_view value) { attributes = value; }));
  if (attributes.empty()) return context.reply.Null();
  context.reply.Value(attributes);
}

// RESP3: elements, or a map from them to what was asked for. RESP2: all of it in a row.
void ReplyNear(Context& context, const libkv::Space& space, const Question& question,
               std::span<const libkv::Neighbor> near) {
  ReplyWriter& reply = context.reply;
  const size_t extras = size_t{question.with_scores} + size_t{question.with_attributes};
  const bool nests = extras == 2 && reply.resp_version() != 2;
  if (extras == 0) {
    reply.BeginArray(near.size());
  } else if (extras == 1 || nests) {
    reply.BeginMap(near.size());
  } else {
    reply.BeginArray(3 * near.size());
  }
  for (const libkv::Neighbor& neighbor : near) {
    reply.Value(std::string_view(neighbor.key).substr(space.prefix.size()));
    if (nests) reply.BeginArray(2);
    if (question.with_scores) reply.Double(ScoreOf(space, neighbor));
    if (question.with_attributes) {
      ReplyAttributes(context, question.options.snapshot, neighbor.key);
    }
  }
}

// What FILTER needs, said before the store says it in its own words.
bool CheckFilters(Context& context, const libkv::Space& space, const Question& question) {
  for (const libkv::FieldFilter& filter : question.options.filters) {
    if (std::count(space.fields.begin(), space.fields.end(), filter.field) > 0) continue;
    context.reply.Error("ERR FILTER needs an index of ." + filter.field + ": KV.CREATEINDEX " +
                        space.prefix + " " + filter.field);
    return false;
  }
  return true;
}

void VSim(Context& context, Arguments arguments) {
  ArgumentReader reader(arguments.subspan(2));
  Question question;
  ReadQuestion(reader, question);
  if (!reader.ok()) return context.reply.Error(reader.error());
  libkv::Store& store = context.node.store();
  const auto space = FindVectorSet(store, arguments[1]);
  if (!space) return context.reply.BeginArray(0);
  if (question.has_epsilon && space->metric != libkv::Metric::kCosine) {
    return context.reply.Error("ERR EPSILON is for sets that are compared by cosine");
  }
  if (!CheckFilters(context, *space, question)) return;
  if (question.element) {
    auto vector = store.GetVector({}, ElementKey(arguments[1], *question.element));
    if (absl::IsNotFound(vector.status())) {
      return context.reply.Error("ERR element not found in set");
    }
    if (!vector.ok()) return ReplyStatus(context, vector.status());
    question.vector = *std::move(vector);
  }
  if (!CheckDirection(context, *space, question.vector)) return;
  question.options.prefix = space->prefix;
  question.options.snapshot = store.GetSnapshot();
  auto near = store.Similar(question.options, question.vector);
  if (!near.ok()) return ReplyStatus(context, near.status());
  std::erase_if(*near, [&](const libkv::Neighbor& neighbor) {
    return ScoreOf(*space, neighbor) < question.score_min;
  });
  ReplyNear(context, *space, question, *near);
}

// -- What is stored -------------------------------------------------------------------------------

void VCard(Context& context, Arguments arguments) {
  libkv::Store& store = context.node.store();
  const auto stats =
      FindVectorSet(store, arguments[1]) ? VectorSetStats(store, arguments[1]) : std::nullopt;
  context.reply.Integer(stats ? static_cast<int64_t>(stats->vectors) : 0);
}

void VDim(Context& context, Arguments arguments) {
  const auto space = FindVectorSet(context.node.store(), arguments[1]);
  if (!space) return context.reply.Error("ERR key does not exist");
  context.reply.Integer(space->vector_dimension);
}

void VInfo(Context& context, Arguments arguments) {
  libkv::Store& store = context.node.store();
  const auto space = FindVectorSet(store, arguments[1]);
  const auto stats = space ? VectorSetStats(store, arguments[1]) : std::nullopt;
  if (!stats) return context.reply.NullArray();
  ReplyWriter& reply = context.reply;
  reply.BeginMap(5);
  reply.Value("quant-type");
  reply.Value(space->precision == libkv::VectorPrecision::kFloat16 ? "f16" : "f32");
  reply.Value("vector-dim");
  reply.Integer(space->vector_dimension);
  reply.Value("projection-input-dim");
  reply.Integer(0);
  reply.Value("size");
  reply.Integer(static_cast<int64_t>(stats->vectors));
  reply.Value("vector-lists");
  reply.Integer(static_cast<int64_t>(stats->vector_lists));
}

void VEmb(Context& context, Arguments arguments) {
  if (arguments.size() > 4 || (arguments.size() == 4 && !EqualsIgnoringCase(arguments[3], "RAW"))) {
    return context.reply.Error("ERR syntax error");
  }
  libkv::Store& store = context.node.store();
  const auto space = FindVectorSet(store, arguments[1]);
  if (!space) return context.reply.NullArray();
  auto vector = store.GetVector({}, ElementKey(arguments[1], arguments[2]));
  if (absl::IsNotFound(vector.status())) return context.reply.NullArray();
  if (!vector.ok()) return ReplyStatus(context, vector.status());
  if (arguments.size() == 3) return ReplyVector(context.reply, *vector);
  // Of length 1, and the length it had.
  double squares = 0;
  for (const float x : *vector) squares += double{x} * x;
  const double length = std::sqrt(squares);
  if (length > 0) {
    for (float& x : *vector) x = static_cast<float>(x / length);
  }
  std::string bytes(vector->size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), vector->data(), bytes.size());
  context.reply.BeginArray(3);
  context.reply.Simple("fp32");
  context.reply.Value(bytes);
  context.reply.Double(length);
}

// The attributes of an element; NotFound: it is none.
absl::StatusOr<std::string> AttributesOf(Context& context, Arguments arguments) {
  libkv::Store& store = context.node.store();
  const std::string key = ElementKey(arguments[1], arguments[2]);
  if (key.size() > libkv::kKeyBytesMax || !FindVectorSet(store, arguments[1]) ||
      !BelongsTo(store, key, SetPrefix(arguments[1]))) {
    return absl::NotFoundError("");
  }
  std::string attributes;
  const absl::Status status =
      ViewKey(context, key, [&](std::string_view value) { attributes = value; });
  if (!status.ok()) return status;
  return attributes;
}

void VIsMember(Context& context, Arguments arguments) {
  const auto attributes = AttributesOf(context, arguments);
  if (!attributes.ok() && !absl::IsNotFound(attributes.status())) {
    return ReplyStatus(context, attributes.status());
  }
  context.reply.Bool(attributes.ok());
}

void VGetAttr(Context& context, Arguments arguments) {
  const auto attributes = AttributesOf(context, arguments);
  if (attributes.ok() && !attributes->empty()) return context.reply.Value(*attributes);
  if (attributes.ok() || absl::IsNotFound(attributes.status())) return context.reply.Null();
  ReplyStatus(context, attributes.status());
}

void VSetAttr(Context& context, Arguments arguments) {
  libkv::Store& store = context.node.store();
  const std::string key = ElementKey(arguments[1], arguments[2]);
  if (!CheckSizes(context, key, arguments[3])) return;
  if (!FindVectorSet(store, arguments[1]) || !BelongsTo(store, key, SetPrefix(arguments[1]))) {
    return context.reply.Bool(false);
  }
  KeyWriter writer(context);
  const auto before = writer.Read(key);
  if (!before.ok()) return ReplyStatus(context, before.status());
  if (!*before) return context.reply.Bool(false);
  const auto vector = writer.VectorOf(key);
  if (!vector.ok()) return ReplyStatus(context, vector.status());
  writer.Set(key, arguments[3], (*before)->expiry, *vector);
  context.reply.Bool(true);
}

// -- VRANDMEMBER ----------------------------------------------------------------------------------

// Another one for every request and every start of the server.
uint64_t SeedOf(const Context& context) {
  return std::hash<std::string>()(context.node.run_id()) + context.session.id +
         static_cast<uint64_t>(NowMicroseconds());
}

// A walk over the set that keeps `count` of its elements, any of them with the same probability
// (reservoir sampling: Vitter, "Random Sampling with a Reservoir", 1985, algorithm R).
absl::StatusOr<std::vector<std::string>> SampleOf(const libkv::Store& store,
                                                  const std::string& prefix, size_t count,
                                                  std::mt19937_64& random) {
  std::vector<std::string> sample;
  size_t seen = 0;
  const auto it = store.NewIterator({.snapshot = nullptr, .fill_cache = false}, {.prefix = prefix});
  for (it->SeekToFirst(); it->Valid(); it->Next(), ++seen) {
    const std::string_view element = it->key().substr(prefix.size());
    if (sample.size() < count) {
      sample.emplace_back(element);
      continue;
    }
    const size_t place = std::uniform_int_distribution<size_t>(0, seen)(random);
    if (place < count) sample[place] = element;
  }
  if (!it->status().ok()) return it->status();
  std::shuffle(sample.begin(), sample.end(), random);
  return sample;
}

// The elements at `count` places drawn with repetition: one walk for their number, one for them.
absl::StatusOr<std::vector<std::string>> DrawFrom(const libkv::Store& store,
                                                  const std::string& prefix, size_t count,
                                                  std::mt19937_64& random) {
  const libkv::ReadOptions read{.snapshot = store.GetSnapshot(), .fill_cache = false};
  size_t total = 0;
  const auto it = store.NewIterator(read, {.prefix = prefix});
  for (it->SeekToFirst(); it->Valid(); it->Next()) ++total;
  if (!it->status().ok()) return it->status();
  std::vector<std::string> drawn;
  if (total == 0) return drawn;
  std::vector<size_t> places(count);
  for (size_t& place : places) place = std::uniform_int_distribution<size_t>(0, total - 1)(random);
  std::sort(places.begin(), places.end());
  size_t at = 0;
  auto wanted = places.begin();
  for (it->SeekToFirst(); it->Valid() && wanted != places.end(); it->Next(), ++at) {
    for (; wanted != places.end() && *wanted == at; ++wanted) {
      drawn.emplace_back(it->key().substr(prefix.size()));
    }
  }
  std::shuffle(drawn.begin(), drawn.end(), random);
  return drawn;
}

void VRandMember(Context& context, Arguments arguments) {
  if (arguments.size() > 3) return context.reply.Error("ERR syntax error");
  int64_t count = 1;
  if (arguments.size() == 3) {
    const auto number = ParseInteger(arguments[2]);
    constexpr auto kMax = static_cast<int64_t>(kRandomMembersMax);
    if (!number || *number < -kMax || *number > kMax) {
      return context.reply.Error("ERR COUNT must be an integer from -10000 to 10000");
    }
    count = *number;
  }
  libkv::Store& store = context.node.store();
  std::vector<std::string> members;
  if (count != 0 && FindVectorSet(store, arguments[1])) {
    std::mt19937_64 random(SeedOf(context));
    auto drawn =
        count > 0 ? SampleOf(store, SetPrefix(arguments[1]), static_cast<size_t>(count), random)
                  : DrawFrom(store, SetPrefix(arguments[1]), static_cast<size_t>(-count), random);
    if (!drawn.ok()) return ReplyStatus(context, drawn.status());
    members = *std::move(drawn);
  }
  if (arguments.size() == 2) {
    if (members.empty()) return context.reply.Null();
    return context.reply.Value(members[0]);
  }
  context.reply.BeginArray(members.size());
  for (const std::string& member : members) context.reply.Value(member);
}

// -- The table ------------------------------------------------------------------------------------

using P = Parameter;

constexpr P kSet = {.name = "key", .type = P::kKey};
constexpr P kElement = {.name = "element"};
constexpr P kVector = {.name = "vector", .type = P::kVector};

constexpr P kAddParameters[] = {
    kSet,
    kVector,
    kElement,
    {.name = "cas", .type = P::kFlag, .token = "CAS", .optional = true},
    {.name = "noquant", .type = P::kFlag, .token = "NOQUANT", .optional = true},
    {.name = "q8", .type = P::kFlag, .token = "Q8", .optional = true},
    {.name = "bin", .type = P::kFlag, .token = "BIN", .optional = true},
    {.name = "ef", .type = P::kInteger, .token = "EF", .optional = true},
    {.name = "attributes", .token = "SETATTR", .optional = true},
    {.name = "m", .type = P::kInteger, .token = "M", .optional = true},
};
// One of the first two.
constexpr P kSimParameters[] = {
    kSet,
    {.name = "element", .token = "ELE", .optional = true},
    {.name = "vector", .type = P::kVector, .optional = true},
    {.name = "with_scores", .type = P::kFlag, .token = "WITHSCORES", .optional = true},
    {.name = "with_attributes", .type = P::kFlag, .token = "WITHATTRIBS", .optional = true},
    {.name = "count", .type = P::kInteger, .token = "COUNT", .optional = true},
    {.name = "epsilon", .type = P::kNumber, .token = "EPSILON", .optional = true},
    {.name = "ef", .type = P::kInteger, .token = "EF", .optional = true},
    {.name = "filter", .token = "FILTER", .optional = true},
    {.name = "filter_ef", .type = P::kInteger, .token = "FILTER-EF", .optional = true},
    {.name = "truth", .type = P::kFlag, .token = "TRUTH", .optional = true},
    {.name = "no_thread", .type = P::kFlag, .token = "NOTHREAD", .optional = true},
};
constexpr P kSetOnly[] = {kSet};
constexpr P kSetAndElement[] = {kSet, kElement};
constexpr P kEmbParameters[] = {
    kSet, kElement, {.name = "raw", .type = P::kFlag, .token = "RAW", .optional = true}};
constexpr P kSetAttrParameters[] = {kSet, kElement, {.name = "attributes"}};
constexpr P kRandMemberParameters[] = {kSet,
                                       {.name = "count", .type = P::kInteger, .optional = true}};

constexpr uint32_t kSlowRead = kReadOnly | kSlow | kNoMulti;

constexpr Command VectorSetCommand(std::string_view name, int arity, uint32_t flags,
                                   std::string_view summary, std::span<const P> parameters,
                                   void (*run)(Context&, Arguments),
                                   bool (*is_slow)(Context&, Arguments) = nullptr) {
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .first_key = 1,
          .last_key = 1,
          .key_step = 1,
          .group = "vector_set",
          .summary = summary,
          .parameters = parameters,
          .run = run,
          .is_slow = is_slow};
}

constexpr Command kCommands[] = {
    VectorSetCommand("vadd", -5, kWrite, "Add an element to a vector set, or change its vector",
                     kAddParameters, VAdd, MakesSet),
    VectorSetCommand("vcard", 2, kSlowRead, "Count the elements of a vector set", kSetOnly, VCard),
    VectorSetCommand("vdim", 2, kReadOnly | kFast, "Get the dimension of a vector set", kSetOnly,
                     VDim),
    VectorSetCommand("vemb", -3, kSlowRead, "Get the vector of an element", kEmbParameters, VEmb),
    VectorSetCommand("vgetattr", 3, kReadOnly | kFast, "Get the attributes of an element",
                     kSetAndElement, VGetAttr),
    VectorSetCommand("vinfo", 2, kSlowRead, "What a vector set holds", kSetOnly, VInfo),
    VectorSetCommand("vismember", 3, kReadOnly | kFast, "Whether an element is in a vector set",
                     kSetAndElement, VIsMember),
    VectorSetCommand("vrandmember", -2, kSlowRead, "Get elements of a vector set at random",
                     kRandMemberParameters, VRandMember),
    VectorSetCommand("vrem", 3, kWrite | kFast, "Remove an element from a vector set",
                     kSetAndElement, VRem),
    VectorSetCommand("vsetattr", 4, kWrite | kFast, "Set the attributes of an element",
                     kSetAttrParameters, VSetAttr),
    VectorSetCommand("vsim", -4, kSlowRead, "Find the elements nearest to one, or to a vector",
                     kSimParameters, VSim),
};

}  // namespace

std::span<const Command> VectorSetCommands() { return kCommands; }

}  // namespace kvserver
