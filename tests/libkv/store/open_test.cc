// Opening, closing, and everything that can be wrong with a directory or with what is given.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/store_test.h"

namespace libkv {
namespace {

namespace fs = std::filesystem;

void WriteFile(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// An embedder with a name of the test's choice.
class NamedEmbedder : public Embedder {
 public:
  NamedEmbedder(std::string name, size_t dimension)
      : name_(std::move(name)), dimension_(dimension) {}
  std::string identity() const override { return name_; }
  size_t dimension() const override { return dimension_; }
  absl::Status Embed(EmbedKind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    for (size_t i = 0; i < texts.size(); ++i) {
      if (texts[i] == "throw") throw std::runtime_error("no model");
      if (texts[i] == "throw 7") throw 7;
      if (texts[i] == "fail") return absl::UnavailableError("model is asleep");
      for (size_t d = 0; d < dimension_; ++d) {
        vectors[i * dimension_ + d] = texts[i] == "nan" ? std::nanf("") : 1.0f + d;
      }
    }
    return absl::OkStatus();
  }

 private:
  const std::string name_;
  const size_t dimension_;
};

TEST_CASE("a store is created only when that is wanted") {
  const TempDir dir;
  Options options;
  options.must_exist = true;
  CHECK(absl::IsNotFound(Store::Open(options, dir.path()).status()));
  CHECK_FALSE(fs::exists(dir.path()));
  CHECK_OK(Store::Open({}, dir.path("deep/er/store")));
  OpenStore(dir.path());
  CHECK_OK(Store::Open(options, dir.path()));
}

TEST_CASE("a file, a foreign directory and one without permission are refused with a reason") {
  const TempDir dir;
  WriteFile(dir.path("file"), "x");
  const auto file = Store::Open({}, dir.path("file"));
  CHECK(absl::IsFailedPrecondition(file.status()));
  CHECK(StatusText(file).find("not a directory") != std::string::npos);
  CHECK_FALSE(Store::Open({}, dir.path("file") + "/below").ok());

  fs::create_directory(dir.path("foreign"));
  WriteFile(dir.path("foreign") + "/photo.jpg", "x");
  CHECK(absl::IsFailedPrecondition(Store::Open({}, dir.path("foreign")).status()));
  CHECK(absl::IsFailedPrecondition(Store::Destroy(dir.path("foreign"))));
  CHECK(fs::exists(dir.path("foreign") + "/photo.jpg"));

  // The superuser may write everywhere: a child becomes somebody else.
  fs::create_directory(dir.path("locked"));
  chmod(dir.path("").c_str(), 0755);
  chmod(dir.path("locked").c_str(), 0555);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65'534;
    if (geteuid() == 0 && setuid(kNobody) != 0) _exit(2);
    _exit(absl::IsPermissionDenied(Store::Open({}, dir.path("locked")).status()) ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a second open is refused and names the process that holds the store") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const auto second = Store::Open({}, dir.path());
  CHECK(absl::IsUnavailable(second.status()));
  CHECK(StatusText(second).find("AlreadyOpen") != std::string::npos);
  REQUIRE(Store::HolderOf(second.status()).has_value());
  CHECK(*Store::HolderOf(second.status()) == getpid());
  CHECK(absl::IsUnavailable(Store::Destroy(dir.path())));
  CHECK_FALSE(Store::HolderOf(absl::OkStatus()).has_value());
}

TEST_CASE("a read-only store shows what is there, beside the writer, and refuses writes") {
  const TempDir dir;
  const auto writer = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(writer->Set({}, "a", "apple"));
  Options options;
  options.read_only = true;
  const auto reader = OpenStore(dir.path(), options);
  CHECK(Value(*reader, "a") == "apple");
  CHECK(Search(*reader, "apples") == "a");
  CHECK(absl::IsFailedPrecondition(reader->Set({}, "b", "x")));
  CHECK(absl::IsFailedPrecondition(reader->Flush()));
  CHECK(absl::IsFailedPrecondition(reader->Increment({}, "n").status()));
  CHECK(absl::IsFailedPrecondition(reader->DefineSpace(TextSpace("x"))));
  CHECK(absl::IsNotFound(Store::Open(options, dir.path("none")).status()));
  CheckVerifies(*reader);
}

TEST_CASE("a newer format is refused, naming both numbers, and nothing is changed") {
  const TempDir dir;
  { REQUIRE_OK(OpenStore(dir.path())->Set({}, "a", "1")); }
  WriteFile(dir.path() + "/KVFORMAT", "libkv store\nformat 7\nmin_reader 5\nnew line\n");
  const auto newer = Store::Open({}, dir.path());
  CHECK(absl::IsFailedPrecondition(newer.status()));
  CHECK(StatusText(newer).find("5") != std::string::npos);
  CHECK(StatusText(newer).find("1") != std::string::npos);

  WriteFile(dir.path() + "/KVFORMAT", "garbage");
  CHECK(absl::IsDataLoss(Store::Open({}, dir.path()).status()));
  // A newer library that older ones can still read.
  WriteFile(dir.path() + "/KVFORMAT", "libkv store\nformat 9\nmin_reader 1\n");
  CHECK(Value(*OpenStore(dir.path()), "a") == "1");
}

TEST_CASE("changed analyzers, embedders and spaces are refused, naming the difference") {
  const TempDir dir;
  Space space = TextSpace();
  space.embedder = std::make_shared<NamedEmbedder>("model/1", 3);
  {
    const auto store = OpenStore(dir.path(), WithSpaces({space}));
    REQUIRE_OK(store->Set({}, "a", "apple"));
  }
  const auto refused = [&](Space other, const std::string& word) {
    const auto result = Store::Open(WithSpaces({other}), dir.path());
    CHECK(absl::IsFailedPrecondition(result.status()));
    CHECK_MESSAGE(StatusText(result).find(word) != std::string::npos, StatusText(result));
  };
  Space other = space;
  other.embedder = std::make_shared<NamedEmbedder>("model/2", 3);
  refused(other, "model/2");
  other = space;
  other.analyzer = MakeSimpleAnalyzer();
  refused(other, "simple/1");
  other = space;
  other.embedder = nullptr;
  other.vector_dimension = 3;
  refused(other, "embedder");
  other = space;
  other.fields = {"x"};
  refused(other, "fields");

  // Without the embedder everything works that does not need it.
  const auto store = OpenStore(dir.path());
  CHECK(Search(*store, "apple") == "a");
  CHECK(absl::IsFailedPrecondition(store->Set({}, "b", "pear")));
  CHECK(absl::IsFailedPrecondition(store->SimilarText({}, "pear").status()));
  SetOptions set;
  const float vector[] = {1, 2, 3};
  set.vector = vector;
  CHECK_OK(store->Set({}, "b", "pear", set));
  CHECK(Keys(store->SimilarTo({}, "a")) == "b");
  CheckVerifies(*store);
}

TEST_CASE("an embedder that throws, fails or makes NaN fails its own write only") {
  const TempDir dir;
  Space space = TextSpace();
  space.embedder = std::make_shared<NamedEmbedder>("model/1", 3);
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  CHECK(store->Set({}, "k", "throw").code() == absl::StatusCode::kInternal);
  CHECK(StatusText(store->Set({}, "k", "throw")).find("no model") != std::string::npos);
  CHECK(store->Set({}, "k", "throw 7").code() == absl::StatusCode::kInternal);
  CHECK(absl::IsUnavailable(store->Set({}, "k", "fail")));
  CHECK(store->Set({}, "k", "nan").code() == absl::StatusCode::kInternal);
  CHECK(store->SimilarText({}, "throw").status().code() == absl::StatusCode::kInternal);
  const KeyValue items[] = {{"good", "fine"}, {"bad", "throw"}};
  CHECK(store->BulkSet({}, items).code() == absl::StatusCode::kInternal);
  CHECK(AllKeys(*store) == "");
  CHECK_OK(store->Set({}, "k", "fine"));
  CheckVerifies(*store);
}

TEST_CASE("an analyzer that throws fails its own call only") {
  class ThrowingAnalyzer : public Analyzer {
   public:
    std::string id() const override { return "throwing/1"; }
    void Analyze(std::string_view text, absl::FunctionRef<void(const Token&)>) const override {
      if (text == "throw") throw std::runtime_error("no rules");
    }
  };
  const TempDir dir;
  Space space = TextSpace();
  space.analyzer = std::make_shared<ThrowingAnalyzer>();
  const auto store = OpenStore(dir.path(), WithSpaces({space}));
  CHECK(store->Set({}, "k", "throw").code() == absl::StatusCode::kInternal);
  CHECK(store->Search({}, "throw").status().code() == absl::StatusCode::kInternal);
  CHECK_OK(store->Set({}, "k", "fine"));
  CHECK(AllKeys(*store) == "k");
}

TEST_CASE("options that contradict themselves are refused") {
  const TempDir dir;
  const auto refused = [&](const Options& options) {
    const auto result = Store::Open(options, dir.path());
    CHECK_MESSAGE(absl::IsInvalidArgument(result.status()), StatusText(result));
    CHECK_FALSE(fs::exists(dir.path()));
  };
  Options small;
  small.memory_bytes = 1'000;
  refused(small);
  refused(WithSpaces({Space{}}));
  refused(WithSpaces({TextSpace("a"), TextSpace("a")}));
  refused(WithSpaces({VectorSpace(kVectorDimensionMax + 1, Metric::kL2)}));
  Space space = VectorSpace(7, Metric::kL2);
  space.embedder = MakeHashEmbedder();
  refused(WithSpaces({space}));
  space = VectorSpace(7, Metric::kL2);
  space.text_fields = {"x"};
  refused(WithSpaces({space}));
  space = TextSpace();
  space.fields = {"x", "x"};
  refused(WithSpaces({space}));
  refused(WithSpaces({TextSpace(std::string(70'000, 'x'))}));
}

TEST_CASE("keys, values and batches over their bounds are refused and change nothing") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  const std::string longest(kKeyBytesMax, 'k');
  CHECK_OK(store->Set({}, longest, "v"));
  CHECK(Value(*store, longest) == "v");
  CHECK(absl::IsInvalidArgument(store->Set({}, longest + "k", "v")));
  CHECK(absl::IsInvalidArgument(store->Set({}, "", "v")));
  CHECK(absl::IsInvalidArgument(store->Delete({}, "")));
  CHECK(absl::IsInvalidArgument(store->CompareAndSet({}, "", std::nullopt, "v")));
  CHECK(absl::IsInvalidArgument(store->Increment({}, "").status()));
  CHECK(absl::IsNotFound(store->Get({}, "").status()));

  std::string huge(kValueBytesMax, 'v');
  CHECK(absl::IsInvalidArgument(store->Set({}, "k", huge)));  // with its key over the batch's bound
  huge += 'v';
  CHECK(absl::IsInvalidArgument(store->Set({}, "k", huge)));
  huge.resize(kValueBytesMax / 2);
  const KeyValue items[] = {{"a", huge}, {"b", huge}};
  const absl::Status status = store->BulkSet({}, items);
  CHECK(absl::IsInvalidArgument(status));
  CHECK(StatusText(status).find("split") != std::string::npos);
  CHECK(Value(*store, "a") == "(none)");
  huge.resize(kValueBytesMax - 100);
  CHECK_OK(store->Set({}, "huge", huge));
  CHECK(Value(*store, "huge") == huge);
}

TEST_CASE("bad vectors are refused with the reason") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({VectorSpace(3, Metric::kCosine, "c"),
                                                       VectorSpace(3, Metric::kL2, "l")}));
  const auto set = [&](const std::string& key, std::vector<float> vector) {
    SetOptions options;
    options.vector = vector;
    return store->Set({}, key, "v", options);
  };
  CHECK(absl::IsInvalidArgument(set("c1", {1, 2})));
  CHECK(StatusText(set("c1", {1, 2})).find("3") != std::string::npos);
  CHECK(absl::IsInvalidArgument(set("c1", {1, 2, std::nanf("")})));
  CHECK(absl::IsInvalidArgument(set("l1", {1, 2, INFINITY})));
  CHECK(absl::IsInvalidArgument(set("c1", {0, 0, 0})));
  CHECK(absl::IsInvalidArgument(set("plain", {1, 2, 3})));
  CHECK_OK(set("l0", {0, 0, 0}));
  CHECK_OK(set("c1", {1, 2, 3}));
  CHECK(AllKeys(*store) == "c1 l0");
  SimilarOptions in_c;
  in_c.prefix = "c";
  const float zero[] = {0, 0, 0}, shorter[] = {1}, good[] = {1, 1, 1};
  CHECK(absl::IsInvalidArgument(store->Similar(in_c, zero).status()));
  CHECK(absl::IsInvalidArgument(store->Similar(in_c, shorter).status()));
  CHECK(absl::IsInvalidArgument(store->Similar({}, good).status()));  // two spaces
  in_c.limit = kSimilarLimitMax + 1;
  CHECK(absl::IsInvalidArgument(store->Similar(in_c, good).status()));
  in_c.limit = 0;
  CHECK(Keys(store->Similar(in_c, good)) == "");
  CHECK(absl::IsInvalidArgument(store->SetVector({}, "c1", {})));
  CHECK(absl::IsNotFound(store->SetVector({}, "c9", good)));
  CHECK(
      absl::IsFailedPrecondition(store->SimilarText(SimilarOptions{.prefix = "c"}, "x").status()));
}

TEST_CASE("text that is not UTF-8 is indexed, binary values are stored and not indexed") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(store->Set({}, "broken", "apple \xFF\xFE pear \xE4\xB8"));
  REQUIRE_OK(store->Set({}, "binary", std::string("apple\0pear", 10)));
  REQUIRE_OK(store->Set({}, "empty", ""));
  CHECK(Search(*store, "apple pear") == "broken");
  CHECK(Value(*store, "binary") == std::string("apple\0pear", 10));
  SearchOptions options;
  options.excerpt_bytes = 100;
  CHECK_OK(store->Search(options, "pear \xFF"));
  CHECK_OK(store->Search(options, std::string("a\0b", 3)));
  CheckVerifies(*store);
}

TEST_CASE("monstrous queries are bounded") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(store->Set({}, "a", "word"));
  std::string words, nested;
  for (int i = 0; i < 10'000; ++i) words += "w" + std::to_string(i) + " OR ";
  for (int i = 0; i < 1'000; ++i) nested += "(";
  SearchOptions strict;
  strict.strict = true;
  for (const std::string& query : {std::string(100'000, 'x'), words, nested + "word"}) {
    const auto lenient = store->Search({}, query);
    REQUIRE_OK(lenient);
    CHECK_FALSE(lenient->warnings.empty());
    CHECK(absl::IsInvalidArgument(store->Search(strict, query).status()));
  }
  SearchOptions page;
  page.limit = kSearchLimitMax + 1;
  CHECK(absl::IsInvalidArgument(store->Search(page, "word").status()));
  page.limit = 1;
  page.offset = SIZE_MAX;
  CHECK(absl::IsInvalidArgument(store->Search(page, "word").status()));
}

TEST_CASE("a space defined later indexes what was there, a dropped one leaves the values") {
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path());
    for (int i = 0; i < 700; ++i) {
      REQUIRE_OK(store->Set({.durability = Durability::kWritten}, "d" + std::to_string(i),
                            "apple number " + std::to_string(i)));
    }
    REQUIRE_OK(store->Set({}, "e", "apple"));
    CHECK(absl::IsFailedPrecondition(store->Search({}, "apple").status()));
    Space space = TextSpace("d");
    space.embedder = MakeHashEmbedder();
    REQUIRE_OK(store->DefineSpace(space));
    CHECK(store->Search({}, "apple")->total == 700);
    CHECK(Search(*store, "\"number 123\"") == "d123");
    CHECK_OK(store->DefineSpace(space));
    CHECK(absl::IsFailedPrecondition(store->DefineSpace(TextSpace("d"))));
    REQUIRE_OK(store->DefineSpace(TextSpace("d1")));  // takes over part of it
    CHECK(store->Search({}, "apple")->total == 700);
    CHECK(store->Stats().spaces[0].prefix == "d1");
    CHECK(store->Stats().spaces[0].documents == 111);
    CheckVerifies(*store);
  }
  const auto store = OpenStore(dir.path());
  CHECK(store->Search({}, "apple")->total == 700);
  REQUIRE_OK(store->DropSpace("d1"));
  CHECK(store->Stats().spaces.size() == 1);
  CHECK(store->Search({}, "apple")->total == 700);
  CheckVerifies(*store);
  REQUIRE_OK(store->DropSpace("d"));
  CHECK(absl::IsNotFound(store->DropSpace("d")));
  CHECK(Value(*store, "d5") == "apple number 5");
  CHECK(absl::IsFailedPrecondition(store->Search({}, "apple").status()));
  CheckVerifies(*store);
}

TEST_CASE("a space is defined while writers go on and misses none of their values") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  std::atomic<bool> stop{false};
  std::atomic<int> count{0};
  std::thread writer([&] {
    while (!stop) {
      const int i = count;
      if (!store->Set({.durability = Durability::kWritten}, "k" + std::to_string(i), "apple")
               .ok()) {
        std::abort();
      }
      ++count;
    }
  });
  while (count < 300) std::this_thread::yield();
  REQUIRE_OK(store->DefineSpace(TextSpace()));
  stop = true;
  writer.join();
  CHECK(store->Search({}, "apple")->total == static_cast<size_t>(count));
  CheckVerifies(*store);
}

TEST_CASE("a checkpoint is a store of its own, taken at one moment") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({TextSpace()}));
  REQUIRE_OK(store->Set({}, "a", "apple"));
  REQUIRE_OK(store->Checkpoint(dir.path("copy")));
  REQUIRE_OK(store->Set({}, "b", "apple"));
  CHECK(absl::IsFailedPrecondition(store->Checkpoint(dir.path("copy"))));
  const auto copy = OpenStore(dir.path("copy"));
  CHECK(AllKeys(*copy) == "a");
  CHECK(Search(*copy, "apple") == "a");
  CHECK(Search(*store, "apple") == "a b");
  CheckVerifies(*copy);
}

TEST_CASE("a destroyed store is gone and can be created again") {
  const TempDir dir;
  { REQUIRE_OK(OpenStore(dir.path())->Set({}, "a", "1")); }
  REQUIRE_OK(Store::Destroy(dir.path()));
  CHECK_FALSE(fs::exists(dir.path()));
  CHECK_OK(Store::Destroy(dir.path()));
  CHECK(Value(*OpenStore(dir.path()), "a") == "(none)");
}

TEST_CASE("a forked child is told that the store is not its own") {
  const TempDir dir;
  const auto store = OpenStore(dir.path());
  REQUIRE_OK(store->Set({}, "a", "1"));
  const pid_t child = fork();
  if (child == 0) {
    const bool refused = absl::IsFailedPrecondition(store->Set({}, "a", "2")) &&
                         absl::IsFailedPrecondition(store->Get({}, "a").status());
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(Value(*store, "a") == "1");
}

}  // namespace
}  // namespace libkv
