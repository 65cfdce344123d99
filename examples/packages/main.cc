// The demonstration behind ./run: real texts in a store, and questions to them.
//
//   packages --lists DIR --store DIR          load once, then answer the sample questions
//   packages --store DIR ask WORDS...         ask one of your own
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "packages/answers.h"
#include "packages/bench.h"
#include "packages/corpus.h"
#include "packages/lists.h"
#include "packages/samples.h"
#include "packages/texts.h"

namespace packages {
namespace {

struct Arguments {
  std::string lists, texts, store;
  bool check = false;
  bool bench = false;
  std::vector<std::string> words;  // of ask, like, meaning and section
};

int Fail(const std::string& problem) {
  std::cerr << problem << "\n";
  return 1;
}

int Fail(const absl::Status& status) { return Fail(std::string(status.message())); }

// A fresh folder that is removed at the end, for --check.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(std::filesystem::temp_directory_path() / "libkv-packages-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot create " + path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

absl::StatusOr<CorpusKind> LoadOnce(libkv::Store& store, const Arguments& arguments) {
  const absl::StatusOr<CorpusKind> kind = KindOf(store);
  if (!kind.ok() || *kind != CorpusKind::kNone) return kind;
  const bool is_lists = !arguments.lists.empty();
  const std::vector<Document> documents =
      is_lists ? ReadLists(arguments.lists) : ReadTexts(arguments.texts);
  if (documents.empty()) return absl::NotFoundError("there is nothing to load");
  const CorpusKind loaded = is_lists ? CorpusKind::kPackages : CorpusKind::kTexts;
  if (absl::Status status = Load(store, loaded, documents); !status.ok()) return status;
  return loaded;
}

int AnswerOne(const libkv::Store& store, const CLI::App& command, const Arguments& arguments) {
  std::string question;
  for (const std::string& word : arguments.words) question += (question.empty() ? "" : " ") + word;
  const Answers answers(store);
  const std::string verb = command.get_name();
  const std::vector<std::string> keys = verb == "ask"       ? answers.Ask(question)
                                        : verb == "like"    ? answers.Like(question)
                                        : verb == "meaning" ? answers.Meaning(question)
                                        : verb == "both"    ? answers.Both(question)
                                                            : answers.Section(question);
  return keys.empty() ? 1 : 0;
}

void PrintNext(CorpusKind kind) {
  std::puts("\nNow you:");
  std::puts("  ./run ask '\"mail server\" -exim'       words, \"phrases\", -exclusions, OR, ( )");
  std::puts("  ./run both 'edit photographs'         by words and by vectors");
  std::puts("  ./run meaning 'play chess'            by vectors alone: texts about the same");
  if (kind == CorpusKind::kPackages) {
    std::puts("  ./run like gimp                       neighbours of a package");
    std::puts("  ./run section games                   by a field of the value");
    std::puts("  ./run ask 'chess section:games installed_kb:>5000'    words and fields");
  }
  std::puts("  ./run --bench                         how fast it answers");
}

void PrintProblems(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) std::cerr << "wrong: " << problem << "\n";
}

int Check(const libkv::Store& store, std::vector<std::string> problems) {
  for (std::string& problem : VerifyAll(store)) problems.push_back(std::move(problem));
  PrintProblems(problems);
  std::puts(problems.empty() ? "Everything is as it should be." : "Something is wrong.");
  return problems.empty() ? 0 : 1;
}

int Run(const CLI::App& app, const Arguments& arguments) {
  const bool can_load = !arguments.lists.empty() || !arguments.texts.empty();
  const auto start = std::chrono::steady_clock::now();
  auto store = OpenCorpus(arguments.store, !can_load);
  if (libkv::Store::HolderOf(store.status())) {  // a server has it: beside that it can be read
    store = OpenCorpus(arguments.store, /*must_exist=*/true, /*read_only=*/true);
  }
  const std::chrono::duration<double> open_time = std::chrono::steady_clock::now() - start;
  if (absl::IsInvalidArgument(store.status()) || absl::IsFailedPrecondition(store.status())) {
    return Fail(std::string(store.status().message()) + "; ./run --fresh loads everything anew");
  }
  if (!store.ok()) return Fail(store.status());
  const auto kind = can_load ? LoadOnce(**store, arguments) : KindOf(**store);
  if (!kind.ok()) return Fail(kind.status());
  if (*kind == CorpusKind::kNone) return Fail("nothing is loaded yet: give --lists or --texts");

  if (!app.get_subcommands().empty())
    return AnswerOne(**store, *app.get_subcommands()[0], arguments);
  std::printf("Opened in %.1f s.\n", open_time.count());
  const Answers answers(**store);
  answers.PrintSizes();
  if (arguments.bench) {
    Bench(**store);
    return 0;
  }
  const std::vector<std::string> problems = AskSamples(**store, *kind);
  if (arguments.check) return Check(**store, problems);
  PrintNext(*kind);
  PrintProblems(problems);
  return problems.empty() ? 0 : 1;
}

void Define(CLI::App& app, Arguments& arguments) {
  app.add_option("--lists", arguments.lists, "Folder with *_Packages and *_Translation-en files")
      ->check(CLI::ExistingDirectory);
  app.add_option("--texts", arguments.texts, "Folder with text files, instead of --lists")
      ->check(CLI::ExistingDirectory)
      ->excludes("--lists");
  app.add_option("--store", arguments.store, "Folder of the store; created and loaded when empty");
  app.add_flag("--check", arguments.check,
               "In a store of its own, thrown away: fail when an answer is wrong");
  app.add_flag("--bench", arguments.bench, "Measure how fast the store answers");
  app.require_subcommand(0, 1);
  const auto add = [&](const char* name, const char* summary) {
    app.add_subcommand(name, summary)->add_option("question", arguments.words)->required();
  };
  add("ask", "Search by words: both words, \"a phrase\", -exclusion, this OR that");
  add("like", "The nearest neighbours of a stored text");
  add("meaning", "The nearest neighbours of a text of yours");
  add("both", "By words and by vectors at once");
  add("section", "The packages of a section");
}

}  // namespace
}  // namespace packages

int main(int argc, char** argv) {
  CLI::App app("Real texts in a libkv store, and questions to them.");
  packages::Arguments arguments;
  packages::Define(app, arguments);
  CLI11_PARSE(app, argc, argv);
  if (!arguments.check && arguments.store.empty()) return packages::Fail("--store is required");
  try {
    if (!arguments.check) return packages::Run(app, arguments);
    const packages::TemporaryFolder folder;
    arguments.store = folder.path() + "/store";
    return packages::Run(app, arguments);
  } catch (const std::exception& error) {  // of the file system: a folder that cannot be read
    return packages::Fail(error.what());
  }
}
