#include "shell.h"

#include <editline/readline.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encoding.h"
#include "exit_code.h"
#include "local_client.h"
#include "protocol/resp_parser.h"
#include "record_reader.h"

namespace kvcli {
namespace {

constexpr int kHistoryLines = 1'000;

// For servers that do not list theirs.
constexpr const char* kUsualCommands[] = {"dbsize", "del",  "exists", "expire", "get",
                                          "incr",   "info", "mget",   "mset",   "ping",
                                          "scan",   "set",  "ttl",    "type"};

// libedit asks a plain function; there is one shell in a process.
std::vector<std::string>& CommandNames() {
  static std::vector<std::string> names;
  return names;
}

// Where the commands go: a server, or this process.
using Execute = std::function<absl::StatusOr<Reply>(const std::vector<std::string_view>& words)>;

void LearnCommandNames(const Execute& execute) {
  std::vector<std::string>& names = CommandNames();
  const auto reply = execute({"COMMAND", "LIST"});
  if (reply.ok()) {
    for (const Reply& name : reply->elements) {
      // Subcommands are typed as two words.
      std::string text = name.bytes;
      std::replace(text.begin(), text.end(), '|', ' ');
      names.push_back(std::move(text));
    }
  }
  if (names.empty()) names.assign(std::begin(kUsualCommands), std::end(kUsualCommands));
  std::sort(names.begin(), names.end());
}

// The next name that begins with `text`, in the case that is being typed.
char* NextName(const char* text, int state) {
  static size_t at = 0;
  if (state == 0) at = 0;
  const std::string_view typed = text;
  const bool is_upper = !typed.empty() && typed[0] >= 'A' && typed[0] <= 'Z';
  const std::vector<std::string>& names = CommandNames();
  while (at < names.size()) {
    std::string name = names[at++];
    for (char& c : name) {
      c = static_cast<char>(is_upper ? std::toupper(static_cast<unsigned char>(c))
                                     : std::tolower(static_cast<unsigned char>(c)));
    }
    if (name.starts_with(typed)) return strdup(name.c_str());
  }
  return nullptr;
}

char** Complete(const char* text, int start, int /*end*/) {
  if (start == 0) return rl_completion_matches(text, NextName);
  rl_attempted_completion_over = 1;  // no names of files
  return nullptr;
}

std::string HistoryFile() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  std::string folder;
  if (state != nullptr && state[0] == '/') {
    folder = std::string(state) + "/kv";
  } else if (home != nullptr && home[0] == '/') {
    folder = std::string(home) + "/.local/state/kv";
  } else {
    return "";
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  return error ? "" : folder + "/history";
}

// Lines typed at a terminal.
class Terminal {
 public:
  explicit Terminal(std::string prompt) : prompt_(std::move(prompt)), file_(HistoryFile()) {
    using_history();
    stifle_history(kHistoryLines);
    if (!file_.empty()) read_history(file_.c_str());
    rl_attempted_completion_function = Complete;
  }
  ~Terminal() {
    if (file_.empty() || write_history(file_.c_str()) != 0) return;
    chmod(file_.c_str(), S_IRUSR | S_IWUSR);  // keys and values are nobody else's business
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::optional<std::string> Next() {
    char* const typed = readline(prompt_.c_str());
    if (typed == nullptr) {
      Print("\n");
      return std::nullopt;
    }
    std::string line = typed;
    std::free(typed);
    if (!line.empty()) add_history(line.c_str());
    return line;
  }

 private:
  const std::string prompt_, file_;
};

void PrintReply(const Output& output, const Reply& reply) {
  if (output.format() == Format::kTable) {
    Print(Readable(reply));
  } else if (reply.is_error()) {
    output.Error(StatusOf(reply));
  } else {
    output.Result(reply);
  }
  std::fflush(stdout);
}

enum class Done { kGoOn, kError, kQuit };

Done RunLine(const Execute& execute, const Output& output, const std::string& line) {
  std::vector<std::string> words;
  if (!kvserver::SplitWords(line, words)) {
    output.Error("INVALID_ARGUMENT", "a quote that is not closed");
    return Done::kError;
  }
  if (words.empty()) return Done::kGoOn;
  if (words.size() == 1 && (words[0] == "quit" || words[0] == "exit")) return Done::kQuit;
  const auto reply = execute(std::vector<std::string_view>(words.begin(), words.end()));
  if (!reply.ok()) {
    output.Error(reply.status());
    return Done::kError;
  }
  PrintReply(output, *reply);
  return reply->is_error() ? Done::kError : Done::kGoOn;
}

// A person sees every error; a script learns of them by the exit code.
int RunScript(const Execute& execute, const Output& output) {
  LineReader lines(STDIN_FILENO);
  std::string line;
  int code = kOk;
  while (true) {
    const LineReader::Result result = lines.Next(line);
    if (result == LineReader::Result::kEnd) return code;
    if (result != LineReader::Result::kLine) return kBadInput;
    const Done done = RunLine(execute, output, line);
    if (done == Done::kQuit) return code;
    if (done == Done::kError) code = kErrorAnswer;
  }
}

int Run(const Execute& execute, const std::string& prompt, const Output& output) {
  if (isatty(STDIN_FILENO) != 1) return RunScript(execute, output);
  LearnCommandNames(execute);
  Terminal terminal(prompt);
  while (const std::optional<std::string> line = terminal.Next()) {
    if (RunLine(execute, output, *line) == Done::kQuit) break;
  }
  return kOk;
}

int OnServer(const Target& target, const Output& output) {
  auto client = kvclient::Client::Connect(target.client);
  if (!client.ok()) {
    output.Error(client.status());
    return ExitCodeOf(client.status());
  }
  const auto execute = [&](const std::vector<std::string_view>& words) -> absl::StatusOr<Reply> {
    kvclient::Pipeline pipeline;
    pipeline.Append(words);
    auto replies = client->Execute(pipeline);
    if (!replies.ok()) return replies.status();
    return std::move(replies->front());
  };
  return Run(execute, client->address() + "> ", output);
}

int OnDirectory(const Target& target, const Output& output) {
  const auto client = LocalClient::Open(target);
  if (absl::IsInvalidArgument(client.status())) {
    output.Error(client.status());
    return kUsage;
  }
  if (!client.ok()) {
    output.Error(client.status());
    return kNoServer;
  }
  const auto execute = [&](const std::vector<std::string_view>& words) {
    return (*client)->Execute(words);
  };
  return Run(execute, target.directory + "> ", output);
}

}  // namespace

int Shell(const Target& target, const Output& output) {
  return target.directory.empty() ? OnServer(target, output) : OnDirectory(target, output);
}

}  // namespace kvcli
