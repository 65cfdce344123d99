// What a store says of its spaces, and what it needs to be told again at open: nothing, as long as
// analyzers and embedders are built in.
#include <optional>

#include "support/store_test.h"

namespace libkv {
namespace {

Space LearningSpace(const std::string& prefix) {
  Space space;
  space.prefix = prefix;
  space.text = true;
  space.learn = true;
  return space;
}

class OwnEmbedder : public Embedder {
 public:
  std::string identity() const override { return "own/1"; }
  size_t dimension() const override { return 2; }
  absl::Status Embed(EmbedKind kind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    for (size_t i = 0; i < texts.size(); ++i) {
      vectors[2 * i] = kind == EmbedKind::kQuery ? -1 : 1;
      vectors[2 * i + 1] = static_cast<float>(texts[i].size());
    }
    return absl::OkStatus();
  }
};

}  // namespace

TEST_CASE("definitions come back as they were given, and define the same again") {
  const TempDir dir;
  auto store = OpenStore(dir.path());
  Space german = TextSpace("g:");
  german.analyzer = *MakeAnalyzer("german");
  german.text_fields = {"title", "body"};
  german.fields = {"year"};
  german.values = true;
  Space vectors = VectorSpace(3, Metric::kL2, "v:");
  vectors.precision = VectorPrecision::kFloat16;
  Space hashed = TextSpace("h:");
  hashed.embedder = MakeHashEmbedder();
  for (const Space& space : {german, vectors, hashed, LearningSpace("l:")}) {
    REQUIRE_OK(store->DefineSpace(space));
  }
  REQUIRE_OK(store->CreateFieldIndex("g:", "author.name"));

  const std::vector<Space> spaces = store->Spaces();
  REQUIRE(spaces.size() == 4);
  CHECK(spaces[0].prefix == "g:");
  CHECK(spaces[0].text);
  CHECK(spaces[0].analyzer->id() == "german/1");
  CHECK(spaces[0].text_fields == german.text_fields);
  CHECK(spaces[0].fields == std::vector<std::string>{"year", "author.name"});
  CHECK(spaces[0].values);
  CHECK(spaces[0].vector_dimension == 0);
  CHECK(spaces[1].prefix == "h:");
  CHECK(spaces[1].embedder->identity() == "hash/1");
  CHECK(spaces[1].vector_dimension == 1'024);
  CHECK(spaces[2].prefix == "l:");
  CHECK(spaces[2].learn);
  CHECK(spaces[3].prefix == "v:");
  CHECK_FALSE(spaces[3].text);
  CHECK(spaces[3].vector_dimension == 3);
  CHECK(spaces[3].metric == Metric::kL2);
  CHECK(spaces[3].precision == VectorPrecision::kFloat16);
  for (const Space& space : spaces) CHECK_OK(store->DefineSpace(space));

  REQUIRE_OK(store->DropFieldIndex("g:", "year"));
  CHECK(store->SpaceOf("g:1")->fields == std::vector<std::string>{"author.name"});
  CHECK(store->SpaceOf("g:")->prefix == "g:");
  CHECK_FALSE(store->SpaceOf("plain").has_value());
  REQUIRE_OK(store->DropSpace("g:"));
  CHECK_FALSE(store->SpaceOf("g:1").has_value());
}

TEST_CASE("spaces defined at run time need not be named at the next open") {
  // Goal: whoever defines spaces by name only (a server) keeps no list of its own. Method: every
  // kind of space whose parts are built in, one with a learnt embedder among them.
  const TempDir dir;
  {
    auto store = OpenStore(dir.path());
    Space text = TextSpace("t:");
    text.analyzer = MakeSimpleAnalyzer();
    text.fields = {"n"};
    text.embedder = MakeHashEmbedder();
    REQUIRE_OK(store->DefineSpace(text));
    REQUIRE_OK(store->DefineSpace(LearningSpace("l:")));
    REQUIRE_OK(store->Set({}, "t:1", R"({"s":"the reds","n":1})"));
    for (int i = 0; i < 40; ++i) {
      REQUIRE_OK(store->Set({}, "l:" + std::to_string(i), i % 2 ? "red apple" : "blue sea"));
    }
    REQUIRE_OK(store->TrainEmbedder("l:"));
  }
  auto store = OpenStore(dir.path());
  CHECK(store->Spaces().size() == 2);
  CHECK(Search(*store, "reds", {.prefix = "t:"}) == "t:1");
  CHECK(Search(*store, "red", {.prefix = "t:"}).empty());  // not stemmed
  REQUIRE_OK(store->Set({}, "t:2", R"({"s":"greens","n":2})"));
  CHECK(Keys(store->SimilarText({.prefix = "t:", .limit = 1}, "greens")) == "t:2");
  CHECK(Search(*store, "n:>=2", {.prefix = "t:"}) == "t:2");
  REQUIRE_OK(store->Set({}, "l:new", "apple"));
  CHECK_OK(store->GetVector({}, "l:new"));
  bool found = false;
  for (const SpaceStats& space : store->Stats().spaces) {
    if (space.prefix != "l:") continue;
    found = true;
    CHECK(space.embedder.starts_with("lsa/1:"));
    CHECK(space.dimension == store->GetVector({}, "l:new")->size());
  }
  CHECK(found);
}

TEST_CASE("Embed answers what the space's embedder makes of a text") {
  const TempDir dir;
  Space own;
  own.prefix = "o:";
  own.embedder = std::make_shared<OwnEmbedder>();
  {
    auto store = OpenStore(dir.path(), WithSpaces({own, VectorSpace(3, Metric::kCosine, "v:")}));
    CHECK(*store->Embed("o:", "abc") == std::vector<float>{1, 3});
    CHECK(*store->Embed("o:x", "abc", EmbedKind::kQuery) == std::vector<float>{-1, 3});
    REQUIRE_OK(store->Set({}, "o:1", "four"));
    CHECK(*store->Embed("o:", "four") == *store->GetVector({}, "o:1"));
    CHECK(absl::IsFailedPrecondition(store->Embed("v:", "abc").status()));
    CHECK(absl::IsFailedPrecondition(store->Embed("none:", "abc").status()));
    CHECK(absl::IsInvalidArgument(store->Embed("", "abc").status()));
  }
  auto store = OpenStore(dir.path());
  CHECK(absl::IsFailedPrecondition(store->Embed("o:", "abc").status()));
  CHECK(store->SpaceOf("o:1")->embedder == nullptr);
}

}  // namespace libkv
