// kv: the command line of a kvserver, or of a store's directory.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

#include "backend.h"
#include "bench.h"
#include "encoding.h"
#include "exit_code.h"
#include "libkv/options.h"
#include "loader.h"
#include "output.h"
#include "shell.h"

namespace kvcli {
namespace {

constexpr size_t kReplyBytesMax = size_t{1} << 30;
// How long an answer may take; those that read the whole store take long.
constexpr std::chrono::seconds kPatience{30}, kLongPatience{86'400};

constexpr int kCheckRounds = 5;

constexpr const char* kFooter =
    "A KEY, VALUE or QUERY of - is read from stdin. After -- nothing is an option.\n"
    "Exit codes: 0 done, 1 not found, 2 wrong options, 3 no server (or the directory is in use),\n"
    "4 the server or store answered with an error, 5 bad input.";

struct Settings {
  std::vector<std::string> servers = {"127.0.0.1:7411"};
  std::string directory, format;
  std::vector<std::string> spaces;
  double timeout_seconds = 0;  // 0: as fits the command
  std::string write_level, read_level;

  std::string key, value, prefix, file, name;
  std::vector<std::string> keys;
  double ttl_seconds = 0;
  bool with_values = false;
  size_t limit = 0;
  FindRequest find;
  LoadRequest load;
  BenchRequest bench;
};

class Program {
 public:
  Program(Settings& settings, const Output& output) : settings_(settings), output_(output) {}

  int Get() {
    const auto backend = Open(Access::kRead);
    if (!backend || !Resolve(settings_.key)) return code_;
    const auto value = backend->Get(settings_.key);
    if (absl::IsNotFound(value.status())) return NoSuchKey();
    if (!value.ok()) return Fail(value.status());
    output_.Value(settings_.key, *value);
    return kOk;
  }

  int Set() {
    const auto backend = Open(Access::kCreate);
    if (!backend || !Resolve(settings_.key) || !Resolve(settings_.value)) return code_;
    const auto ttl = std::chrono::milliseconds(static_cast<int64_t>(settings_.ttl_seconds * 1'000));
    const absl::Status status = backend->Set(settings_.key, settings_.value, ttl);
    if (!status.ok()) return Fail(status);
    output_.Result(Reply::Word("OK"));
    return kOk;
  }

  int Del() {
    const auto backend = Open(Access::kWrite);
    if (!backend) return code_;
    for (std::string& key : settings_.keys) {
      if (!Resolve(key)) return code_;
    }
    const auto count = backend->Delete(settings_.keys);
    if (!count.ok()) return Fail(count.status());
    output_.Result(Reply::Integer(*count));
    return *count > 0 ? kOk : kNotFound;
  }

  int Scan() {
    const auto backend = Open(Access::kRead);
    if (!backend) return code_;
    const ScanRequest request{
        .prefix = settings_.prefix, .limit = settings_.limit, .with_values = settings_.with_values};
    const absl::Status status = backend->Scan(request, [&](const Record& record) {
      output_.Line(record, settings_.with_values);
      return std::ferror(stdout) == 0;
    });
    return status.ok() ? kOk : Fail(status);
  }

  using Finder = absl::StatusOr<Reply> (Backend::*)(const FindRequest&);
  int Find(Finder finder) {
    const auto backend = Open(Access::kRead);
    if (!backend || !Resolve(settings_.find.text) || !Resolve(settings_.find.key)) return code_;
    const auto reply = (*backend.*finder)(settings_.find);
    if (!reply.ok()) return Fail(reply.status());
    output_.Hits(*reply);
    const Reply* const hits = reply->Find("hits");
    return hits != nullptr && hits->elements.empty() ? kNotFound : kOk;
  }

  int LoadFiles() {
    const auto backend = Open(Access::kCreate);
    if (!backend) return code_;
    if (settings_.load.files.empty()) settings_.load.files = {"-"};
    return Load(*backend, output_, settings_.load);
  }

  int ExportAll() {
    const auto backend = Open(Access::kRead);
    return backend ? Export(*backend, output_, settings_.prefix, settings_.file) : code_;
  }

  int Verify() {
    const auto backend = Open(Access::kRead, kLongPatience);
    if (!backend) return code_;
    const auto reply = backend->Verify();
    if (!reply.ok()) return Fail(reply.status());
    output_.Result(*reply);
    const Reply* const problems = reply->Find("problem_count");
    return problems != nullptr && problems->AsInteger() > 0 ? kErrorAnswer : kOk;
  }

  int Backup() {
    const auto backend = Open(Access::kWrite, kLongPatience);
    if (!backend) return code_;
    return Show(backend->Backup(settings_.name));
  }

  int Stats() {
    const auto backend = Open(Access::kRead);
    return backend ? Show(backend->Stats()) : code_;
  }

  int RunBench() { return Bench(MakeTarget(), output_, settings_.bench); }

  int ClusterStatus() {
    const auto backend = Open(Access::kRead);
    if (!backend) return code_;
    if (!settings_.directory.empty()) return NeedsServer();
    return Show(backend->Cluster("KV.CLUSTER"));
  }

  // Equal fingerprints of all nodes prove that they hold the same; while writes go on they may
  // differ for a moment.
  int ClusterCheck() {
    if (!settings_.directory.empty()) return NeedsServer();
    Reply report;
    for (int round = 0; round < kCheckRounds; ++round) {
      if (round > 0) poll(nullptr, 0, 1'000);  // milliseconds
      bool is_equal = true;
      report = Reply::Array();
      for (const std::string& server : settings_.servers) {
        Target target = MakeTarget(kLongPatience);
        target.client.addresses = {server};
        const auto backend = OpenServer(target);
        const auto reply = backend.ok() ? (*backend)->Cluster("KV.FINGERPRINT")
                                        : absl::StatusOr<Reply>(backend.status());
        if (!reply.ok()) return Fail(reply.status());
        report.elements.push_back(*reply);
        for (const char* const field : {"keys", "fingerprint", "clock_hash"}) {
          const Reply* const first = report.elements.front().Find(field);
          const Reply* const own = reply->Find(field);
          is_equal = is_equal && first != nullptr && own != nullptr && *first == *own;
        }
      }
      if (!is_equal) continue;
      output_.Result(report);
      return kOk;
    }
    output_.Result(report);
    output_.Error("DIFFERENT", "the nodes do not hold the same (or writes go on)");
    return kErrorAnswer;
  }

  int RunShell() { return Shell(MakeTarget(), output_); }

 private:
  // `patience` counts when the user said nothing about time.
  Target MakeTarget(std::chrono::seconds patience = kPatience) const {
    Target target;
    target.client.addresses = settings_.servers;
    target.client.request_timeout = patience;
    if (settings_.timeout_seconds > 0) {
      target.client.request_timeout =
          std::chrono::milliseconds(static_cast<int64_t>(settings_.timeout_seconds * 1'000));
    }
    target.client.reply_bytes_max = kReplyBytesMax;
    target.client.write_level = settings_.write_level;
    target.client.read_level = settings_.read_level;
    target.directory = settings_.directory;
    target.spaces = settings_.spaces;
    return target;
  }

  // Null: the error has been printed.
  std::unique_ptr<Backend> Open(Access access, std::chrono::seconds patience = kPatience) {
    const Target target = MakeTarget(patience);
    auto backend = target.directory.empty() ? OpenServer(target) : OpenDirectory(target, access);
    if (backend.ok()) return *std::move(backend);
    code_ = absl::IsInvalidArgument(backend.status()) ? kUsage : ExitCodeOf(backend.status());
    output_.Error(backend.status());
    // A directory that cannot be opened is as good as no server.
    if (code_ != kUsage) code_ = kNoServer;
    return nullptr;
  }

  // What "-" stands for; once.
  bool Resolve(std::string& text) {
    if (text != "-") return true;
    if (stdin_is_read_) {
      output_.Error("INVALID_ARGUMENT", "stdin can be read once: only one - is possible");
      code_ = kUsage;
      return false;
    }
    stdin_is_read_ = true;
    text.clear();
    char bytes[65536];
    for (size_t count = 1; count > 0;) {
      count = std::fread(bytes, 1, sizeof(bytes), stdin);
      text.append(bytes, count);
      if (text.size() > libkv::kValueBytesMax) {
        output_.Error("INVALID_ARGUMENT", "stdin has more than 64 MiB");
        code_ = kBadInput;
        return false;
      }
    }
    return true;
  }

  int Show(const absl::StatusOr<Reply>& reply) {
    if (!reply.ok()) return Fail(reply.status());
    output_.Result(*reply);
    return kOk;
  }

  int NeedsServer() {
    output_.Error("INVALID_ARGUMENT", "clusters are made of servers: leave --dir out");
    return kUsage;
  }

  int NoSuchKey() {
    output_.Error("NOT_FOUND", "no such key");
    return kNotFound;
  }

  int Fail(const absl::Status& status) {
    output_.Error(status);
    return ExitCodeOf(status);
  }

  Settings& settings_;
  const Output& output_;
  int code_ = kOk;
  bool stdin_is_read_ = false;
};

using Action = int (Program::*)();

void DefineFind(CLI::App& command, Settings& settings, bool has_words) {
  command.add_option("--limit,-n", settings.find.limit, "Best hits wanted")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  command.add_option("--prefix", settings.find.prefix, "Only keys that begin with it");
  if (!has_words) return;
  command.add_option("--offset", settings.find.offset, "Best hits skipped")
      ->check(CLI::Range(0, 10'000));
  command.add_option("--excerpt", settings.find.excerpt_bytes, "Size of the excerpts; 0: none")
      ->check(CLI::Range(0, 4'096))
      ->capture_default_str();
  command.add_flag("--typos", settings.find.typos, "Take words that nothing has for typos");
}

void DefineLoad(CLI::App& command, Settings& settings) {
  command.add_option("FILE", settings.load.files, "Files; none or -: stdin");
  command
      .add_option("--format", settings.load.format,
                  "ndjson, csv or tsv; otherwise by the file's name")
      ->check(CLI::IsMember({"ndjson", "csv", "tsv"}));
  command.add_option("--key-field,--key", settings.load.key_field,
                     "Field or column with the key; the whole object or row is the value");
  command.add_flag("--skip-errors", settings.load.skip_errors,
                   "Pass over bad lines, and count them");
}

void DefineBench(CLI::App& command, Settings& settings) {
  BenchRequest& bench = settings.bench;
  command.add_option("OPERATION", bench.operations, "set, get")
      ->check(CLI::IsMember({"set", "get"}));
  command.add_option("--connections,-c", bench.connections, "At a time")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command.add_option("--pipeline,-P", bench.pipeline, "Requests at a time on a connection")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command.add_option("--seconds", bench.seconds, "For each operation")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  command.add_option("--size", bench.size, "Bytes of a value")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  command.add_option("--keys", bench.keys, "Keys that are set and read, at random")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->capture_default_str();
}

void DefineGlobal(CLI::App& app, Settings& settings) {
  app.fallthrough();
  app.require_subcommand(1);
  app.footer(kFooter);
  app.add_option("--server,-s", settings.servers, "HOST:PORT; several: the first that answers")
      ->envname("KV_SERVER")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--dir,-d", settings.directory, "Open this store itself, without a server");
  app.add_option("--space", settings.spaces,
                 "With --dir: its spaces, as kvserver takes them: 'PREFIX:text,embedder=hash'")
      ->allow_extra_args(false);
  app.add_option("-o,--output", settings.format,
                 "table, json or plain (default: table on a terminal, else plain)")
      ->check(CLI::IsMember({"table", "json", "plain"}));
  app.add_option("--timeout", settings.timeout_seconds,
                 "Seconds for a request (default: 30; of verify and backup, a day)")
      ->check(CLI::Range(0.001, 1'000'000.0));
  const auto is_level = CLI::IsMember({"one", "quorum", "all"});
  app.add_option("--write-level", settings.write_level,
                 "Of a cluster: how many nodes must have a write on disk (default: the server's)")
      ->check(is_level)
      ->excludes("--dir");
  app.add_option("--read-level", settings.read_level,
                 "Of a cluster: how many nodes a read asks (default: the server's)")
      ->check(is_level)
      ->excludes("--dir");
}

// The options of all subcommands; `run` becomes what the chosen one does.
void Define(CLI::App& app, Settings& settings, std::function<int(Program&)>& run) {
  const auto add = [&](const char* name, const char* summary, auto action) {
    CLI::App* const command = app.add_subcommand(name, summary);
    command->callback([&run, action] { run = action; });
    return command;
  };
  const auto call = [](Action action) {
    return [action](Program& program) { return (program.*action)(); };
  };
  const auto find = [](Program::Finder finder) {
    return [finder](Program& program) { return program.Find(finder); };
  };
  DefineGlobal(app, settings);

  add("get", "Print the value of a key", call(&Program::Get))
      ->add_option("KEY", settings.key)
      ->required();
  CLI::App* command = add("set", "Set the value of a key", call(&Program::Set));
  command->add_option("KEY", settings.key)->required();
  command->add_option("VALUE", settings.value)->required();
  command->add_option("--ttl", settings.ttl_seconds, "Seconds until the key is gone")
      ->check(CLI::Range(0.001, 1e12));
  add("del", "Delete keys", call(&Program::Del))->add_option("KEY", settings.keys)->required();

  command = add("search", "Find values by words", find(&Backend::Search));
  command->add_option("QUERY", settings.find.text)->required();
  DefineFind(*command, settings, true);
  command = add("similar", "Find values like a text, or like a key's", find(&Backend::Similar));
  CLI::Option* const text = command->add_option("TEXT", settings.find.text);
  CLI::Option* const key = command->add_option("--key", settings.find.key)->excludes(text);
  command->callback([&run, find, text, key] {
    if (text->count() + key->count() == 0) throw CLI::RequiredError("TEXT or --key");
    run = find(&Backend::Similar);
  });
  DefineFind(*command, settings, false);
  command = add("hybrid", "Find values by words and by likeness", find(&Backend::Hybrid));
  command->add_option("QUERY", settings.find.text)->required();
  DefineFind(*command, settings, true);

  command = add("scan", "List keys", call(&Program::Scan));
  command->add_option("--prefix,PREFIX", settings.prefix, "Only keys that begin with it");
  command->add_option("--limit,-n", settings.limit, "At most so many; 0: all");
  command->add_flag("--values", settings.with_values, "With their values");

  DefineLoad(*add("load", "Store the records of files", call(&Program::LoadFiles)), settings);
  command = add("import", "Store what export wrote", call(&Program::LoadFiles));
  command->add_option("FILE", settings.load.files, "Files; none or -: stdin");
  command->add_flag("--skip-errors", settings.load.skip_errors,
                    "Pass over bad lines, and count them");
  command->parse_complete_callback([&settings] { settings.load.format = "ndjson"; });
  command = add("export", "Write every key and value as NDJSON", call(&Program::ExportAll));
  command->add_option("FILE", settings.file, "A new file; none or -: stdout");
  command->add_option("--prefix", settings.prefix, "Only keys that begin with it");

  DefineBench(*add("bench", "Measure the speed", call(&Program::RunBench)), settings);
  add("verify", "Read everything, and compare", call(&Program::Verify));
  add("backup", "Make a copy of the store", call(&Program::Backup))
      ->add_option("NAME", settings.name,
                   "Of a server: within its backups. With --dir: a new directory")
      ->required();
  add("stats", "Print figures of the server or store", call(&Program::Stats));
  CLI::App* const cluster = app.add_subcommand("cluster", "Ask about the nodes of a cluster");
  cluster->require_subcommand(1);
  cluster->fallthrough();
  cluster->add_subcommand("status", "What a node tells of itself and its peers")
      ->callback([&run, call] { run = call(&Program::ClusterStatus); });
  cluster
      ->add_subcommand("check",
                       "Whether the nodes hold the same: kv cluster check -s NODE1,NODE2,NODE3")
      ->callback([&run, call] { run = call(&Program::ClusterCheck); });
  add("shell", "Send commands as they are typed", call(&Program::RunShell));
}

// CLI11 reads an argument in brackets as a list: "[a]" would be the key "a". A mark before it hides
// the bracket until the options are read.
constexpr char kMark = '\x01';

std::vector<std::string> Marked(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::string& argument : arguments) {
    if (argument.starts_with('[') || argument.starts_with(kMark)) argument.insert(0, 1, kMark);
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  return arguments;
}

void Unmark(Settings& settings) {
  const auto unmark = [](std::string& text) {
    if (text.starts_with(kMark)) text.erase(0, 1);
  };
  for (std::string* const text :
       {&settings.directory, &settings.key, &settings.value, &settings.prefix, &settings.file,
        &settings.name, &settings.find.text, &settings.find.key, &settings.find.prefix,
        &settings.load.key_field}) {
    unmark(*text);
  }
  for (auto* const texts :
       {&settings.servers, &settings.spaces, &settings.keys, &settings.load.files}) {
    for (std::string& text : *texts) unmark(text);
  }
}

int Main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  CLI::App app("Talks to a kvserver, or opens the directory of a store.", "kv");
  Settings settings;
  std::function<int(Program&)> run;
  Define(app, settings, run);
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  Format format = is_terminal ? Format::kTable : Format::kPlain;
  const auto choose_format = [&] {
    if (!settings.format.empty()) {
      format = settings.format == "json"    ? Format::kJson
               : settings.format == "table" ? Format::kTable
                                            : Format::kPlain;
    }
  };
  try {
    app.parse(Marked(argc, argv));
    Unmark(settings);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    choose_format();
    Output(format, is_terminal)
        .Error("INVALID_ARGUMENT", std::string(error.what()) + " (kv --help)");
    return kUsage;
  }
  choose_format();
  const Output output(format, is_terminal);
  Program program(settings, output);
  const int code = run(program);
  if (std::fflush(stdout) != 0 && code == kOk) {
    output.Error("UNAVAILABLE", "stdout cannot be written");
    return kBadInput;
  }
  return code;
}

}  // namespace
}  // namespace kvcli

int main(int argc, char** argv) {
  try {
    return kvcli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "kv: " << error.what() << "\n";
    return kvcli::kErrorAnswer;
  }
}
