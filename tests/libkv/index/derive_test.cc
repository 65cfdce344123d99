// What is derived from a value, against an independent count.
#include "index/derive.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/coding.h"
#include "format/ordered_value.h"
#include "libkv/format/hex.h"
#include "support/store_test.h"
#include "vector/code.h"

namespace libkv {
namespace {

std::unique_ptr<ActiveSpace> Activate(const Space& space) {
  absl::StatusOr<SpaceDefinition> definition = DefinitionOf(space);
  REQUIRE_OK(definition);
  absl::StatusOr<SpaceObjects> objects = ObjectsFor(*definition, &space);
  REQUIRE_OK(objects);
  std::optional<VectorDescriptor> vectors;
  if (definition->dimension != 0) vectors = VectorDescriptor{.seed = 1, .padded = 64};
  return std::make_unique<ActiveSpace>(1, *std::move(definition), objects->analyzer,
                                       objects->embedder, vectors);
}

DerivedDocument DeriveOne(const ActiveSpace& space, std::string_view value) {
  DerivedDocument derived;
  const DeriveItem item{.space = &space, .key = "key", .value = value, .derived = &derived};
  REQUIRE_OK(Derive({&item, 1}));
  return derived;
}

using Index = std::map<std::string, std::vector<uint32_t>>;

Index Read(const DerivedDocument& derived) {
  Index index;
  for (const DerivedDocument::Term& term : derived.terms) {
    std::vector<uint32_t>& positions = index[std::string(derived.term(term))];
    CHECK(positions.empty());  // every term once
    CHECK(term.hash == Hash64(derived.term(term)));
    Reader in(derived.positions(term));
    uint32_t position = 0, difference = 0;
    while (!in.rest().empty() && in.Varint32(&difference)) {
      position += difference;
      positions.push_back(position);
    }
    CHECK(in.done());
    CHECK(positions.size() == term.frequency);
  }
  return index;
}

TEST_CASE("every spelling of a term is kept once") {
  DerivedDocument derived;
  DeriveWords(*MakeEnglishAnalyzer(),
              "Connected connecting CONNECTED connect the ponies pony " + std::string(100, 'x'),
              &derived);
  std::map<std::string, std::set<std::string>> spellings;
  for (const DerivedDocument::Term& term : derived.terms) {
    std::set<std::string>& all = spellings[std::string(derived.term(term))];
    for (uint32_t i = 0; i < term.spellings_count; ++i) {
      const auto& spelling = derived.spellings[term.spellings_begin + i];
      CHECK(all.insert(std::string(derived.spelling(spelling))).second);
    }
  }
  REQUIRE(spellings.size() == 3);
  CHECK(spellings["connect"] == std::set<std::string>{"connected", "connecting", "connect"});
  CHECK(spellings["poni"] == std::set<std::string>{"ponies", "pony"});
  spellings.erase("connect");
  spellings.erase("poni");
  CHECK(spellings.begin()->second.empty());  // too long for the dictionary
}

TEST_CASE("terms, positions and frequencies are those of a naive count") {
  // Method: texts of known words, cut at blanks and counted here; the simple analyzer neither stems
  // nor leaves words out, so every word is its own term.
  constexpr uint64_t kSeed = 17;
  CAPTURE(kSeed);
  std::mt19937_64 random(kSeed);
  Space simple = TextSpace();
  simple.analyzer = MakeSimpleAnalyzer();
  const auto space = Activate(simple);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    std::string text;
    Index expected;
    const auto count = static_cast<uint32_t>(random() % 200);
    for (uint32_t i = 0; i < count; ++i) {
      const std::string word = "w" + std::to_string(random() % 40);
      text += (i == 0 ? "" : random() % 5 == 0 ? ", " : " ") + word;
      expected[word].push_back(i);
    }
    const DerivedDocument derived = DeriveOne(*space, text);
    Index found = Read(derived);
    // Positions count from the analyzer's first; only differences matter.
    const uint32_t first = found.empty() ? 0 : [&] {
      uint32_t least = UINT32_MAX;
      for (const auto& [word, positions] : found) least = std::min(least, positions.front());
      return least;
    }();
    for (auto& [word, positions] : found) {
      for (uint32_t& position : positions) position -= first;
    }
    CHECK(found == expected);
    CHECK(derived.words == count);
    double squares = 0;
    for (const auto& [word, positions] : expected) {
      squares += std::pow(1 + std::log(static_cast<double>(positions.size())), 2);
    }
    CHECK(derived.cosine_norm == doctest::Approx(std::sqrt(squares)));
    CHECK(derived.has_words() == (count > 0));
    CHECK_FALSE(derived.has_vector());
    CHECK_FALSE(derived.has_value_rows());
  }
}

TEST_CASE("stop words take a position and give no term") {
  const auto space = Activate(TextSpace());
  const Index index = Read(DeriveOne(*space, "state of the art"));
  REQUIRE(index.size() == 2);
  CHECK(index.begin()->second.front() - index.rbegin()->second.front() == 3);
}

TEST_CASE("value and field rows say what a JSON value says, each once, in order") {
  Space space;
  space.values = true;
  space.fields = {"n", "tags", "a.b"};
  const auto active = Activate(space);
  const std::string value = R"({"n":1,"tags":["x","y","x",null,true],"a":{"b":-0.0},"other":"z"})";
  const DerivedDocument derived = DeriveOne(*active, value);
  REQUIRE(derived.value_hash.has_value());
  CHECK(*derived.value_hash == HashWide(value));
  const std::vector<std::string> expected = {
      FromHex("0000") + OrderedNumber(1),  FromHex("0001") + OrderedNull(),
      FromHex("0001") + OrderedBool(true), FromHex("0001") + OrderedText("x"),
      FromHex("0001") + OrderedText("y"),  FromHex("0002") + OrderedNumber(0),
  };
  CHECK(derived.fields == expected);
  CHECK(DeriveOne(*active, "not JSON").fields.empty());
}

// Counts calls and the texts of each; the vector of a text is its length and 1.
class CountingEmbedder : public Embedder {
 public:
  std::string identity() const override { return "counting/1"; }
  size_t dimension() const override { return 2; }
  absl::Status Embed(EmbedKind kind, std::span<const std::string_view> texts,
                     std::span<float> vectors) const override {
    CHECK(kind == EmbedKind::kDocument);
    CHECK(vectors.size() == 2 * texts.size());
    calls_.push_back(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      vectors[2 * i] = static_cast<float>(texts[i].size());
      vectors[2 * i + 1] = texts[i] == "zero" ? 0 : 1;
      if (texts[i] == "zero") vectors[2 * i] = 0;
    }
    return absl::OkStatus();
  }
  mutable std::vector<size_t> calls_;
};

TEST_CASE("many texts reach the embedder in chunks, each vector its own text") {
  const auto embedder = std::make_shared<CountingEmbedder>();
  Space space;
  space.embedder = embedder;
  space.metric = Metric::kL2;
  const auto active = Activate(space);
  constexpr size_t kCount = 2 * kEmbedTextsMax + 44;
  std::vector<std::string> values(kCount);
  std::vector<DerivedDocument> derived(kCount);
  std::vector<DeriveItem> items(kCount);
  const float given[] = {-1, -2};
  size_t embedded = 0;
  for (size_t i = 0; i < kCount; ++i) {
    values[i] = i % 10 == 3   ? std::string("a\0b", 3)  // binary: no text
                : i % 10 == 5 ? "zero"                  // embedded as nothing
                              : std::string(i + 5, 'x');
    items[i] = {.space = active.get(), .key = "k", .value = values[i], .derived = &derived[i]};
    if (i % 10 == 7) items[i].vector = given;
    embedded += i % 10 != 3 && i % 10 != 7;
  }
  REQUIRE_OK(Derive(items));
  size_t texts = 0;
  for (const size_t call : embedder->calls_) {
    CHECK(call <= kEmbedTextsMax);
    texts += call;
  }
  CHECK(texts == embedded);
  CHECK(embedder->calls_.size() == (embedded + kEmbedTextsMax - 1) / kEmbedTextsMax);
  for (size_t i = 0; i < kCount; ++i) {
    CAPTURE(i);
    if (i % 10 == 3 || i % 10 == 5) {
      CHECK_FALSE(derived[i].has_vector());
      continue;
    }
    REQUIRE(derived[i].has_vector());
    CHECK(derived[i].code.size() == 64);
    const float first = i % 10 == 7 ? -1.0f : static_cast<float>(values[i].size());
    CHECK(derived[i].vector == std::vector<float>{first, i % 10 == 7 ? -2.0f : 1.0f});
    // A rotation keeps lengths.
    const double norm2 = double{first} * first + (i % 10 == 7 ? 4 : 1);
    CHECK(derived[i].norm2 == doctest::Approx(norm2).epsilon(1e-4));
  }
}

TEST_CASE("a vector its space does not accept is refused, naming the key") {
  const auto vectors = Activate(VectorSpace(3, Metric::kCosine));
  const auto text = Activate(TextSpace());
  const float good[] = {1, 2, 3}, wide[] = {1, 2, 3, 4}, zero[] = {0, 0, 0};
  const auto derive = [](const ActiveSpace& space, std::span<const float> vector) {
    DerivedDocument derived;
    const DeriveItem item{.space = &space, .key = "the key", .vector = vector, .derived = &derived};
    return Derive({&item, 1});
  };
  CHECK_OK(derive(*vectors, good));
  for (const absl::Status& status :
       {derive(*vectors, wide), derive(*vectors, zero), derive(*text, good)}) {
    CHECK(absl::IsInvalidArgument(status));
    CHECK(StatusText(status).find("the key") != std::string::npos);
  }
}

}  // namespace
}  // namespace libkv
