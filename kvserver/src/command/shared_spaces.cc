#include "command/shared_spaces.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/byte_codec.h"
#include "cluster/merge_function.h"
#include "cluster/stamp.h"
#include "command/argument_reader.h"
#include "command/conflict_rules.h"
#include "command/made_vectors.h"
#include "command/parked_vector.h"
#include "command/system_keys.h"
#include "libkv/analyzer.h"

namespace kvserver {
namespace {

constexpr auto kLook = std::chrono::milliseconds(100);  // while there is something to publish
constexpr auto kRetry = std::chrono::milliseconds(5'000);
constexpr auto kRest = std::chrono::milliseconds(60'000);
constexpr int64_t kTurnMs = 300;  // nodes publish one after the other, to write a definition once
constexpr size_t kRewriteKeysMax = 64, kEmbedTextsMax = 32;
constexpr uint8_t kVersion = 1;
constexpr std::string_view kSpaceRest = "space:";
constexpr std::string_view kAppliedPrefix = "applied:";
constexpr char kBegun = '0', kDone = '1';

std::string KeyOfSpace(std::string_view prefix) {
  return SystemKey(std::string(kSpaceRest) + std::string(prefix));
}

std::string ValueOf(const SpaceDefinition& space) {
  std::string value(1, static_cast<char>(kVersion));
  for (const auto& [name, setting] : SpaceOptions(space)) {
    AppendBytes(value, name);
    AppendBytes(value, setting);
  }
  return value;
}

// What is understood of it is in `space` even so.
absl::Status ReadValue(std::string_view value, SpaceDefinition* space) {
  ByteReader reader(value);
  uint8_t version = 0;
  if (!reader.Byte(&version) || version != kVersion) {
    return absl::InvalidArgumentError("the definition is of a newer kvserver");
  }
  absl::Status first;
  while (!reader.at_end()) {
    std::string_view name, setting;
    if (!reader.Bytes(&name) || !reader.Bytes(&setting)) {
      return absl::InvalidArgumentError("the definition is malformed");
    }
    const absl::Status status = SetSpaceOption(*space, name, setting, false);
    if (!status.ok() && first.ok()) first = status;
  }
  return first;
}

// Equal definitions are spelled equally.
void Normalise(SpaceDefinition& space) {
  if (space.text && space.analyzer == nullptr) space.analyzer = libkv::MakeEnglishAnalyzer();
  if (!space.embedder_name.empty() && space.vector_dimension == 0 && space.embedder != nullptr) {
    space.vector_dimension = static_cast<uint32_t>(space.embedder->dimension());
  }
  if (space.embedder_name.empty() && space.embedder != nullptr) space.vector_dimension = 0;
}

// What the store is told: vectors of an embedder with a name come with the values.
libkv::Space ForStore(const SpaceDefinition& space) {
  libkv::Space own = space;
  if (!space.embedder_name.empty()) {
    own.embedder = nullptr;
    if (!own.text) own.text_fields.clear();
  }
  return own;
}

// Of what it takes to build the index anew.
std::string TextOfIndex(libkv::Space space) {
  if (space.text && space.analyzer == nullptr) space.analyzer = libkv::MakeEnglishAnalyzer();
  space.fields.clear();
  space.vector_memory = libkv::VectorMemory::kCodes;
  return SpaceText(space);
}

std::optional<libkv::Space> SpaceAt(const libkv::Store& store, const std::string& prefix) {
  for (libkv::Space& space : store.Spaces()) {
    if (space.prefix == prefix) return std::move(space);
  }
  return std::nullopt;
}

bool HasPath(const std::vector<std::string>& paths, const std::string& path) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

absl::Status CheckShareable(const SpaceDefinition& space) {
  if (space.prefix.size() + kSpaceRest.size() > kSystemRestBytesMax) {
    return absl::InvalidArgumentError("the prefix of a space in a cluster has at most 990 bytes");
  }
  for (const auto* paths : {&space.fields, &space.text_fields}) {
    for (const std::string& path : *paths) {
      if (path.find_first_of(",;") == std::string::npos) continue;
      return absl::InvalidArgumentError("a path in a cluster has neither ',' nor ';'");
    }
  }
  if (!space.embedder_name.empty() && space.embedder != nullptr &&
      space.vector_dimension != space.embedder->dimension()) {
    return absl::InvalidArgumentError(
        "dimension is " + std::to_string(space.vector_dimension) + " but the embedder '" +
        space.embedder_name + "' makes vectors of " + std::to_string(space.embedder->dimension()));
  }
  if (space.deferred) {
    return absl::InvalidArgumentError(
        "deferred is not for clusters: the vector of a value goes with it, so that one node alone "
        "asks the embedder");
  }
  if (!AsksForIndex(space) && space.conflict.empty()) {
    return absl::InvalidArgumentError(
        "a space needs an index or conflict=; KV.SPACE DROP removes it");
  }
  return absl::OkStatus();
}

}  // namespace

SharedSpaces::SharedSpaces(libkv::Store& store, WriteTurns& turns, Replication& replication)
    : store_(store), turns_(turns), replication_(replication) {}

SharedSpaces::~SharedSpaces() {
  turns_.OnSystemKeys(nullptr);
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

absl::Status SharedSpaces::Start(std::vector<SpaceDefinition> wanted) {
  const auto written = ReadWanted();
  const auto applied = ReadApplied();
  if (!written.ok()) return written.status();
  if (!applied.ok()) return applied.status();
  for (SpaceDefinition& space : wanted) {
    Normalise(space);
    if (absl::Status status = CheckShareable(space); !status.ok()) return status;
    if (!written->contains(space.prefix) && AsksForIndex(space)) {
      if (absl::Status status = store_.DefineSpace(ForStore(space)); !status.ok()) return status;
    }
    to_publish_.push_back(std::move(space));
  }
  for (libkv::Space& space : store_.Spaces()) {
    const bool is_known = written->contains(space.prefix) || applied->contains(space.prefix) ||
                          std::any_of(to_publish_.begin(), to_publish_.end(),
                                      [&](const auto& one) { return one.prefix == space.prefix; });
    if (is_known) continue;
    SpaceDefinition& own = to_publish_.emplace_back();
    static_cast<libkv::Space&>(own) = std::move(space);
    Normalise(own);
    if (!CheckShareable(own).ok()) to_publish_.pop_back();
  }
  SetRules(*written);
  replication_.SetExpectedDimension([this](std::string_view key) -> size_t {
    if (!has_named_embedders()) return 0;
    const std::optional<SpaceDefinition> space = Of(key);
    return space && !space->embedder_name.empty() ? space->vector_dimension : 0;
  });
  turns_.OnSystemKeys([this] { Wake(); });
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void SharedSpaces::SetWarn(std::function<void(const std::string& line)> warn) {
  const std::lock_guard lock(mutex_);
  warn_ = std::move(warn);
}

void SharedSpaces::Warn(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (warn_) warn_(line);
}

void SharedSpaces::Wake() {
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  changed_.notify_all();
}

void SharedSpaces::Run() {
  std::unique_lock lock(mutex_);
  auto wait = kLook;
  while (!is_stopping_) {
    changed_.wait_for(lock, wait, [this] { return is_stopping_ || is_woken_; });
    if (is_stopping_) return;
    is_woken_ = false;
    lock.unlock();
    const bool is_done = Reconcile();
    if (!to_publish_.empty() && replication_.is_ready()) {
      ready_ms_ += kLook.count();
      Publish();
    }
    wait = !to_publish_.empty() ? kLook : is_done ? kRest : kRetry;
    lock.lock();
  }
}

// -- What is written, and what is in force --------------------------------------------------------

absl::StatusOr<std::map<std::string, SharedSpaces::Wanted>> SharedSpaces::ReadWanted() {
  std::vector<std::string> prefixes;
  const std::string rows = std::string(kSystemRowPrefix) + std::string(kSpaceRest);
  const absl::Status walked =
      store_.ForEachRow({}, rows, [&](std::string_view name, std::string_view) {
        prefixes.emplace_back(name.substr(rows.size()));
        return true;
      });
  // What cannot be read must not look as if it had been dropped.
  if (!walked.ok()) return walked;
  std::map<std::string, Wanted> wanted;
  for (const std::string& prefix : prefixes) {
    const absl::StatusOr<cluster::KeyState> state = replication_.State(KeyOfSpace(prefix));
    if (!state.ok()) return state.status();
    if (state->versions.empty()) continue;
    Wanted& one = wanted[prefix];
    one.value = cluster::Resolve(state->versions).value;
    one.definition.prefix = prefix;
    one.error = std::string(ReadValue(one.value, &one.definition).message());
    for (const cluster::Version& version : state->versions) {
      if (version.value == one.value) continue;
      SpaceDefinition other;
      other.prefix = prefix;
      ReadValue(version.value, &other).IgnoreError();
      one.rejected.push_back(SpaceText(other));
    }
    std::sort(one.rejected.begin(), one.rejected.end());
  }
  return wanted;
}

absl::StatusOr<std::map<std::string, SharedSpaces::Applied>> SharedSpaces::ReadApplied() const {
  std::map<std::string, Applied> applied;
  const absl::Status status =
      store_.ForEachRow({}, kAppliedPrefix, [&](std::string_view name, std::string_view row) {
        Applied& one = applied[std::string(name.substr(kAppliedPrefix.size()))];
        one.is_done = !row.empty() && row[0] == kDone;
        one.value = row.substr(std::min<size_t>(1, row.size()));
        return true;
      });
  if (!status.ok()) return status;
  return applied;
}

absl::Status SharedSpaces::PutApplied(const std::string& prefix, const std::string& row) {
  libkv::Batch batch;
  const std::string name = std::string(kAppliedPrefix) + prefix;
  if (row.empty()) {
    batch.DeleteRow(name);
  } else {
    batch.PutRow(name, row);
  }
  return store_.Apply({}, batch);
}

void SharedSpaces::SetRules(const std::map<std::string, Wanted>& wanted) {
  std::vector<ConflictRules::Rule> rules;
  std::vector<SpaceDefinition> definitions;
  bool has_named = false;
  for (const auto& [prefix, one] : wanted) {
    const auto function = cluster::Merges().Find(one.definition.conflict);
    rules.push_back({prefix, function.ok() ? *function : nullptr});
    definitions.push_back(one.definition);
    has_named |= !one.definition.embedder_name.empty();
  }
  turns_.SetConflictRules(std::make_shared<ConflictRules>(std::move(rules)));
  const std::lock_guard lock(mutex_);
  definitions_ = std::move(definitions);
  has_named_embedders_ = has_named;
}

void SharedSpaces::RenewRules() {
  if (const auto wanted = ReadWanted(); wanted.ok()) SetRules(*wanted);
}

void SharedSpaces::SetState(const std::string& prefix, State state) {
  const std::lock_guard lock(mutex_);
  states_[prefix] = std::move(state);
}

std::map<std::string, SharedSpaces::State> SharedSpaces::states() const {
  const std::lock_guard lock(mutex_);
  return states_;
}

std::vector<SpaceDefinition> SharedSpaces::definitions() const {
  const std::lock_guard lock(mutex_);
  return definitions_;
}

std::optional<SpaceDefinition> SharedSpaces::Of(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const SpaceDefinition* longest = nullptr;
  for (const SpaceDefinition& space : definitions_) {
    if (!key.starts_with(space.prefix)) continue;
    if (longest == nullptr || space.prefix.size() > longest->prefix.size()) longest = &space;
  }
  if (longest == nullptr) return std::nullopt;
  return *longest;
}

// -- Bringing the store to it ---------------------------------------------------------------------

bool SharedSpaces::Reconcile() {
  const std::lock_guard changing(change_mutex_);
  const auto wanted = ReadWanted();
  const auto applied = ReadApplied();
  const std::map<std::string, State> known = states();
  if (!wanted.ok() || !applied.ok()) {
    const absl::Status status = wanted.ok() ? applied.status() : wanted.status();
    Warn("the definitions of spaces cannot be read: " + std::string(status.message()));
    return false;
  }
  SetRules(*wanted);
  bool is_done = true;
  for (const auto& [prefix, one] : *wanted) {
    State state{.definition = SpaceText(one.definition), .rejected = one.rejected};
    const auto before = applied->find(prefix);
    absl::Status status;
    // One that is not understood leaves what was there.
    const bool is_applied =
        before != applied->end() && before->second.is_done && before->second.value == one.value;
    if (!is_applied && one.error.empty()) {
      state.state = "building";
      SetState(prefix, state);
      status = Apply(one.definition, one.value);
    }
    const bool lacks_embedder =
        !one.definition.embedder_name.empty() && one.definition.embedder == nullptr;
    state.error = !status.ok() ? std::string(status.message()) : one.error;
    state.state = !state.error.empty() ? "failed" : lacks_embedder ? "no embedder" : "ready";
    if (lacks_embedder && state.error.empty()) {
      state.error = "this node was not given the embedder '" + one.definition.embedder_name + "'";
    }
    is_done &= status.ok();
    const auto old = known.find(prefix);
    const bool is_news = old == known.end() || old->second.error != state.error;
    if (!state.error.empty() && is_news) {
      Warn("the space " + QuotedWord(prefix) + " is not in force as defined: " + state.error);
    }
    if (!state.rejected.empty() && (old == known.end() || old->second.rejected.empty())) {
      Warn("the space " + QuotedWord(prefix) + " was defined in several ways at once; " +
           state.definition + " is in force");
    }
    SetState(prefix, std::move(state));
  }
  for (const auto& [prefix, one] : *applied) {
    if (wanted->contains(prefix)) continue;
    const absl::Status status = ApplyDrop(prefix);
    is_done &= status.ok();
    if (status.ok()) continue;
    Warn("the space " + QuotedWord(prefix) +
         " cannot be dropped: " + std::string(status.message()));
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(states_, [&](const auto& state) { return !wanted->contains(state.first); });
  return is_done;
}

void SharedSpaces::Publish() {
  const std::vector<cluster::Slot>& members = replication_.options().replica.members;
  const auto before = std::count_if(members.begin(), members.end(), [&](cluster::Slot slot) {
    return slot < replication_.self().slot;
  });
  const bool is_turn = ready_ms_ >= before * kTurnMs;
  const std::lock_guard changing(change_mutex_);
  for (const SpaceDefinition& space : std::exchange(to_publish_, {})) {
    const std::string key = KeyOfSpace(space.prefix), value = ValueOf(space);
    const auto state = replication_.State(key);
    // Seen once it is the cluster's, also if it is dropped before this node's turn.
    if (state.ok() && !state->versions.empty()) {
      if (cluster::Resolve(state->versions).value == value) continue;
      SpaceDefinition other;
      other.prefix = space.prefix;
      ReadValue(cluster::Resolve(state->versions).value, &other).IgnoreError();
      Warn("--space " + SpaceText(space) + " is not in force: the cluster has " + SpaceText(other));
      continue;
    }
    if (!state.ok() || !is_turn) {
      to_publish_.push_back(space);
      continue;
    }
    WriteTurns::Writer writer(turns_, libkv::Durability::kSynced, cluster::Level::kOne);
    cluster::ClientWrite write;
    write.key = key;
    write.value = value;
    const absl::Status status = writer.ReplicateSystem(write);
    writer.Finish();
    if (!status.ok()) to_publish_.push_back(space);
  }
  turns_.Submit();
}

absl::Status SharedSpaces::Apply(const SpaceDefinition& space, const std::string& value) {
  if (absl::Status status = PutApplied(space.prefix, kBegun + value); !status.ok()) return status;
  if (absl::Status status = ChangeIndex(space); !status.ok()) return status;
  // What waits for a space, or shows what another rule has made.
  const absl::Status renewed = Rewrite(space.prefix, [](std::string_view stamp) {
    return HasParkedVector(stamp) || cluster::StampHasSiblings(stamp);
  });
  if (!renewed.ok()) return renewed;
  return PutApplied(space.prefix, kDone + value);
}

// What is not written yet: as if it were.
absl::Status SharedSpaces::ApplyFirst(const SpaceDefinition& space, const std::string& value) {
  auto wanted = ReadWanted();
  if (!wanted.ok()) return wanted.status();
  Wanted& own = (*wanted)[space.prefix];
  own.definition = space;
  own.value = value;
  SetRules(*wanted);
  absl::Status status = Apply(space, value);
  if (!status.ok()) RenewRules();
  return status;
}

absl::Status SharedSpaces::ApplyDrop(const std::string& prefix) {
  SpaceDefinition none;
  none.prefix = prefix;
  if (absl::Status status = ChangeIndex(none); !status.ok()) return status;
  const absl::Status renewed = Rewrite(prefix, [](std::string_view stamp) {
    return HasParkedVector(stamp) || cluster::StampHasSiblings(stamp);
  });
  if (!renewed.ok()) return renewed;
  return PutApplied(prefix, "");
}

absl::Status SharedSpaces::ChangeIndex(const SpaceDefinition& space) {
  const libkv::Space own = ForStore(space);
  const bool is_wanted = AsksForIndex(own);
  const std::optional<libkv::Space> before = SpaceAt(store_, space.prefix);
  if (!before && !is_wanted) return absl::OkStatus();
  if (before && is_wanted && TextOfIndex(*before) == TextOfIndex(own)) {
    for (const std::string& path : own.fields) {
      if (HasPath(before->fields, path)) continue;
      const absl::Status status = store_.CreateFieldIndex(space.prefix, path);
      if (!status.ok()) return status;
    }
    for (const std::string& path : before->fields) {
      if (HasPath(own.fields, path)) continue;
      if (absl::Status status = store_.DropFieldIndex(space.prefix, path); !status.ok()) {
        return status;
      }
    }
    return before->vector_memory == own.vector_memory ? absl::OkStatus() : store_.DefineSpace(own);
  }
  turns_.SetLeavingSpaces({space.prefix});
  absl::Status status = Rewrite(space.prefix, [](std::string_view stamp) {
    return !HasParkedVector(stamp) && cluster::StampHasVector(stamp);
  });
  if (status.ok() && before) status = store_.DropSpace(space.prefix);
  if (status.ok() && is_wanted) status = store_.DefineSpace(own);
  turns_.SetLeavingSpaces({});
  return status;
}

// Writes records anew whose stamps are picked: as they are, in the form that fits now.
absl::Status SharedSpaces::Rewrite(std::string_view prefix,
                                   absl::FunctionRef<bool(std::string_view)> picks) {
  turns_.Quiesce().unlock();  // what was written before is stored
  const auto it = store_.NewIterator({.snapshot = nullptr, .fill_cache = false},
                                     {.prefix = std::string(prefix)});
  std::vector<std::string> keys;
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (!picks(it->stamp())) continue;
    keys.emplace_back(it->key());
    if (keys.size() < kRewriteKeysMax) continue;
    if (absl::Status status = replication_.Rewrite(keys); !status.ok()) return status;
    keys.clear();
  }
  if (!it->status().ok()) return it->status();
  if (absl::Status status = replication_.Rewrite(keys); !status.ok()) return status;
  turns_.Quiesce().unlock();
  return absl::OkStatus();
}

// Of values that were there before the definition, or that a command made. The vector replicates
// with the value, so one node does it; a value that changes meanwhile has a vector of its own.
absl::Status SharedSpaces::MakeMissingVectors(const SpaceDefinition& space) {
  if (space.embedder_name.empty()) return absl::OkStatus();
  if (space.embedder == nullptr) return absl::OkStatus();  // reported: "no embedder"
  const size_t dimension = space.embedder->dimension();
  std::vector<std::string> keys, texts;
  std::vector<cluster::Version> versions;
  const auto make = [&]() -> absl::Status {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::vector<float> floats(views.size() * dimension);
    absl::Status status = space.embedder->Embed(libkv::EmbedKind::kDocument, views, floats);
    for (size_t i = 0; i < keys.size() && status.ok(); ++i) {
      const auto vector = std::span(floats).subspan(i * dimension, dimension);
      if (std::all_of(vector.begin(), vector.end(), [](float x) { return x == 0; })) continue;
      status = replication_.AddVector(keys[i], versions[i], vector);
    }
    keys.clear();
    texts.clear();
    versions.clear();
    return status;
  };
  turns_.Quiesce().unlock();
  const auto it =
      store_.NewIterator({.snapshot = nullptr, .fill_cache = false}, {.prefix = space.prefix});
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::string_view stamp = it->stamp();
    if (HasParkedVector(stamp) || cluster::StampHasVector(stamp)) continue;
    const auto of = Of(it->key());
    if (!of || of->prefix != space.prefix) continue;
    std::string text = EmbeddedText(it->value(), space.text_fields);
    if (text.empty()) continue;
    auto state = replication_.State(std::string(it->key()));
    if (!state.ok()) return state.status();
    // Siblings wait for the write that replaces them.
    if (state->versions.size() != 1 || !state->versions[0].vector.empty()) continue;
    if (state->versions[0].value != it->value()) continue;
    if (state->versions[0].kind != cluster::Kind::kRegister) continue;
    keys.emplace_back(it->key());
    texts.push_back(std::move(text));
    versions.push_back(std::move(state->versions[0]));
    if (keys.size() < kEmbedTextsMax) continue;
    if (absl::Status status = make(); !status.ok()) return status;
  }
  if (!it->status().ok()) return it->status();
  return keys.empty() ? absl::OkStatus() : make();
}

// -- Commands -------------------------------------------------------------------------------------

absl::Status SharedSpaces::Define(SpaceDefinition space, WriteRecord write) {
  Normalise(space);
  if (absl::Status status = CheckShareable(space); !status.ok()) return status;
  if (!replication_.is_ready()) {
    return absl::UnavailableError("this node is catching up with the others; ask another one");
  }
  std::unique_lock changing(change_mutex_);
  const std::string key = KeyOfSpace(space.prefix), value = ValueOf(space);
  const auto state = replication_.State(key);
  if (!state.ok()) return state.status();
  if (!state->versions.empty()) {
    const std::string there = cluster::Resolve(state->versions).value;
    if (there == value) {
      changing.unlock();
      return MakeMissingVectors(space);
    }
    SpaceDefinition other;
    other.prefix = space.prefix;
    ReadValue(there, &other).IgnoreError();
    return absl::FailedPreconditionError("the space is defined otherwise: " + SpaceText(other) +
                                         ". KV.SPACE DROP it and define it anew");
  }
  // Here first: the store knows what cannot be. If the write below fails, it is dropped again.
  if (const auto there = SpaceAt(store_, space.prefix);
      there && SpaceText(*there) != SpaceText(ForStore(space))) {
    return absl::FailedPreconditionError("the space is defined otherwise: " + SpaceText(*there));
  }
  if (absl::Status status = ApplyFirst(space, value); !status.ok()) {
    ApplyDrop(space.prefix).IgnoreError();
    return status;
  }
  cluster::ClientWrite record;
  record.key = key;
  record.value = value;
  absl::Status status = write(record);
  turns_.Quiesce().unlock();  // the thread must not find it applied and not written
  RenewRules();
  Wake();
  changing.unlock();
  return status.ok() ? MakeMissingVectors(space) : status;
}

absl::Status SharedSpaces::Redefine(std::string_view prefix,
                                    absl::FunctionRef<absl::Status(SpaceDefinition& space)> change,
                                    WriteRecord write) {
  if (!replication_.is_ready()) {
    return absl::UnavailableError("this node is catching up with the others; ask another one");
  }
  const std::lock_guard changing(change_mutex_);
  const std::string key = KeyOfSpace(prefix);
  const auto state = replication_.State(key);
  if (!state.ok()) return state.status();
  if (state->versions.empty()) {
    return absl::NotFoundError("no space has the prefix " + QuotedWord(prefix));
  }
  SpaceDefinition space;
  space.prefix = prefix;
  const std::string before = cluster::Resolve(state->versions).value;
  if (absl::Status status = ReadValue(before, &space); !status.ok()) return status;
  if (absl::Status status = change(space); !status.ok()) return status;
  Normalise(space);
  if (absl::Status status = CheckShareable(space); !status.ok()) return status;
  const std::string value = ValueOf(space);
  if (value == before) return absl::OkStatus();
  if (absl::Status status = ApplyFirst(space, value); !status.ok()) {
    Wake();  // back to what is written
    return status;
  }
  cluster::ClientWrite record;
  record.key = key;
  record.value = value;
  absl::Status status = write(record);
  turns_.Quiesce().unlock();
  RenewRules();
  Wake();
  return status;
}

absl::Status SharedSpaces::Drop(std::string_view prefix, WriteRecord write) {
  if (!replication_.is_ready()) {
    return absl::UnavailableError("this node is catching up with the others; ask another one");
  }
  const std::lock_guard changing(change_mutex_);
  const std::string key = KeyOfSpace(prefix);
  const auto state = replication_.State(key);
  if (!state.ok()) return state.status();
  const bool is_local = SpaceAt(store_, std::string(prefix)).has_value();
  if (state->versions.empty() && !is_local) {
    return absl::NotFoundError("no space has the prefix " + QuotedWord(prefix));
  }
  if (!state->versions.empty()) {
    cluster::ClientWrite record;
    record.key = key;
    record.is_delete = true;
    if (absl::Status status = write(record); !status.ok()) return status;
    turns_.Quiesce().unlock();
  }
  RenewRules();
  absl::Status status = ApplyDrop(std::string(prefix));
  Wake();
  return status;
}

}  // namespace kvserver
