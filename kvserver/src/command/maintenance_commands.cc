// Commands that look at the whole store, or care for it.
#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>

#include "base/clock.h"
#include "command/command.h"
#include "command/keyspace.h"
#include "command/node.h"
#include "command/space_figures.h"

namespace kvserver {
namespace {

constexpr size_t kBackupNameBytesMax = 64;

void Stats(Context& context, Arguments /*arguments*/) {
  const libkv::StoreStats stats = context.node.store().Stats();
  Node& node = context.node;
  ReplyWriter& reply = context.reply;
  reply.BeginMap(14);
  ReplyField(reply, "keys_estimate", stats.keys_estimate);
  ReplyField(reply, "disk_bytes", stats.disk_bytes);
  ReplyField(reply, "memory_bytes", stats.memory_bytes);
  ReplyField(reply, "commits", stats.commits);
  ReplyField(reply, "writes", stats.writes);
  ReplyField(reply, "syncs", stats.syncs);
  ReplyField(reply, "expired", stats.expired);
  ReplyField(reply, "spaces", stats.spaces.size());
  ReplyField(reply, "commands", node.commands.load());
  ReplyField(reply, "errors", node.errors.load());
  ReplyField(reply, "hits", node.hits.load());
  ReplyField(reply, "misses", node.misses.load());
  ReplyField(reply, "clients", node.clients().size());
  ReplyField(reply, "uptime_seconds",
             static_cast<uint64_t>((NowMicroseconds() - node.started_us()) / 1'000'000));
}

void Index(Context& context, Arguments /*arguments*/) {
  const libkv::StoreStats stats = context.node.store().Stats();
  ReplyWriter& reply = context.reply;
  reply.BeginArray(stats.spaces.size());
  for (const libkv::SpaceStats& space : stats.spaces) {
    reply.BeginMap(1 + kSpaceFigures);
    reply.Value("prefix");
    reply.Value(space.prefix);
    ReplySpaceFigures(reply, space);
  }
}

// Letters, digits, "-", "_" and ".", and no dot in front: a name within one directory, never a
// path.
bool IsBackupName(std::string_view name) {
  return !name.empty() && name.size() <= kBackupNameBytesMax && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

void Backup(Context& context, Arguments arguments) {
  const std::string name = arguments.size() == 2 ? std::string(arguments[1])
                                                 : "backup-" + std::to_string(NowMilliseconds());
  if (arguments.size() > 2 || !IsBackupName(name)) {
    return context.reply.Error("ERR a backup's name has up to 64 letters, digits, '-', '_', '.'");
  }
  const std::filesystem::path root = context.node.settings().fixed.data_dir + ".backups";
  std::error_code error;
  std::filesystem::create_directories(root, error);
  if (error) return context.reply.Error("ERR cannot make " + root.string());
  const std::string directory = (root / name).string();
  const absl::Status status = context.node.store().Checkpoint(directory);
  if (!status.ok()) return ReplyStatus(context, status);
  context.reply.BeginMap(2);
  context.reply.Value("name");
  context.reply.Value(name);
  context.reply.Value("directory");
  context.reply.Value(directory);
}

// Does `change` to the space with that prefix, or, without one, to all of them in turn; then
// `finish` to the store.
template <typename Change, typename Finish>
void ChangeSpaces(Context& context, Arguments arguments, Change change, Finish finish) {
  if (arguments.size() > 2) return context.reply.Error("ERR syntax error");
  int64_t changed = 0;
  for (const libkv::SpaceStats& space : context.node.store().Stats().spaces) {
    if (arguments.size() == 2 && space.prefix != arguments[1]) continue;
    const absl::Status status = change(context.node.store(), space.prefix);
    if (!status.ok()) return ReplyStatus(context, status);
    ++changed;
  }
  if (arguments.size() == 2 && changed == 0) return context.reply.Error("NOTFOUND no such space");
  if (const absl::Status status = finish(context.node.store()); !status.ok()) {
    return ReplyStatus(context, status);
  }
  context.reply.BeginMap(1);
  context.reply.Value("spaces");
  context.reply.Integer(changed);
}

// What has to be done for the next start anyway is done now: words that are in memory only become
// a segment, segments become one, and the log is emptied.
void Compact(Context& context, Arguments arguments) {
  const auto compact = [](libkv::Store& store, const std::string& prefix) {
    absl::Status status = store.SealIndex(prefix);
    if (status.ok()) status = store.MergeIndex(prefix);
    // A space without text has nothing to seal or merge.
    return absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;
  };
  ChangeSpaces(context, arguments, compact, [](libkv::Store& store) { return store.Flush(); });
}

void Reindex(Context& context, Arguments arguments) {
  const auto reindex = [](libkv::Store& store, const std::string& prefix) {
    const absl::Status status = store.Reindex(prefix);
    return absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;
  };
  ChangeSpaces(context, arguments, reindex, [](libkv::Store&) { return absl::OkStatus(); });
}

void Verify(Context& context, Arguments /*arguments*/) {
  const auto report = context.node.store().Verify();
  if (!report.ok()) return ReplyStatus(context, report.status());
  ReplyWriter& reply = context.reply;
  reply.BeginMap(6);
  ReplyField(reply, "keys", report->keys);
  ReplyField(reply, "documents", report->documents);
  ReplyField(reply, "vectors", report->vectors);
  ReplyField(reply, "index_rows", report->index_rows);
  ReplyField(reply, "problem_count", report->problem_count);
  reply.Value("problems");
  reply.BeginArray(report->problems.size());
  for (const std::string& problem : report->problems) reply.Value(problem);
}

constexpr Parameter kBackupParameters[] = {{.name = "name", .optional = true}};
constexpr Parameter kSpaceParameters[] = {{.name = "prefix", .optional = true}};

constexpr Command kCommands[] = {
    {.name = "kv.backup",
     .arity = -1,
     .flags = kAdmin | kSlow | kLong | kNoMulti,
     .group = "maintenance",
     .summary = "Make a copy of the store that can be opened as a store, beside its directory",
     .parameters = kBackupParameters,
     .run = Backup},
    {.name = "kv.compact",
     .arity = -1,
     .flags = kAdmin | kSlow | kLong | kNoMulti,
     .group = "maintenance",
     .summary = "Seal and merge the word index of a space, or of all, and empty the log: then the "
                "next start is fast",
     .parameters = kSpaceParameters,
     .run = Compact},
    {.name = "kv.index",
     .arity = 1,
     .flags = kReadOnly,
     .group = "maintenance",
     .summary = "Describe the indexed spaces",
     .run = Index},
    {.name = "kv.reindex",
     .arity = -1,
     .flags = kAdmin | kSlow | kLong | kNoMulti,
     .group = "maintenance",
     .summary = "Make the index of a space, or of all, anew from the values",
     .parameters = kSpaceParameters,
     .run = Reindex},
    {.name = "kv.stats",
     .arity = 1,
     .flags = kReadOnly,
     .group = "maintenance",
     .summary = "Count keys, bytes, commits and requests",
     .run = Stats},
    {.name = "kv.verify",
     .arity = 1,
     .flags = kAdmin | kSlow | kLong | kNoMulti,
     .group = "maintenance",
     .summary = "Read everything once and compare the values with all indexes",
     .run = Verify},
};

}  // namespace

std::span<const Command> MaintenanceCommands() { return kCommands; }

}  // namespace kvserver
