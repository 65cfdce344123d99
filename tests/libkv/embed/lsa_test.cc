#include "libkv/lsa.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/hash.h"
#include "embed/lsa_model.h"
#include "embed/lsa_words.h"
#include "support/files.h"

namespace libkv {
namespace {

// Texts about two subjects: words of one subject meet each other often, and no text has all.
const std::vector<std::string> kKitchen = {"bread", "oven",  "dough", "flour", "bake", "yeast",
                                           "crust", "knead", "loaf",  "salt",  "rye",  "crumb"};
const std::vector<std::string> kHarbour = {"ship",   "anchor", "sail",  "mast", "deck", "rudder",
                                           "harbor", "hull",   "cargo", "crew", "tide", "port"};

std::vector<std::string> Corpus(size_t count) {
  std::mt19937 random(11);
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) {
    const auto& words = i % 2 == 0 ? kKitchen : kHarbour;
    std::string text = "text" + std::to_string(i);
    for (int k = 0; k < 5; ++k) text += " " + words[random() % words.size()];
    texts.push_back(text);
  }
  return texts;
}

std::string Trained(const std::vector<std::string>& texts, LsaOptions options = {}) {
  LsaTrainer trainer(options);
  for (const std::string& text : texts) trainer.Add(text);
  auto model = trainer.Train();
  REQUIRE_MESSAGE(model.ok(), std::string(model.status().message()));
  return *model;
}

std::shared_ptr<const Embedder> EmbedderOf(const std::string& model) {
  auto embedder = MakeLsaEmbedder(model);
  REQUIRE(embedder.ok());
  return *embedder;
}

std::vector<float> Embed(const Embedder& embedder, std::string_view text) {
  std::vector<float> vector(embedder.dimension(), -1);
  REQUIRE(embedder.Embed(EmbedKind::kQuery, {&text, 1}, vector).ok());
  return vector;
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

const std::string kGoldenFile = LIBKV_SOURCE_DIR "/tests/libkv/embed/testdata/lsa1.model";

TEST_CASE("texts of one subject are near without sharing a word") {
  const auto embedder = EmbedderOf(Trained(Corpus(400), {.axes = 8}));
  CHECK(embedder->dimension() == 8 + kLsaHashedDimension);
  const std::vector<float> bread = Embed(*embedder, "bread and yeast");
  CHECK(Dot(bread, bread) == doctest::Approx(1));
  const double same = Dot(bread, Embed(*embedder, "rye dough in the oven"));
  const double other = Dot(bread, Embed(*embedder, "the ship with a mast"));
  CHECK(same > 0.4);
  CHECK(std::abs(other) < 0.2);
}

TEST_CASE("words that the model does not know are still told apart and found") {
  const auto embedder = EmbedderOf(Trained(Corpus(400), {.axes = 8}));
  const std::vector<float> unknown = Embed(*embedder, "zeppelin");
  CHECK(Dot(unknown, unknown) == doctest::Approx(1));
  CHECK(Dot(unknown, Embed(*embedder, "a zeppelin")) == doctest::Approx(1));
  CHECK(std::abs(Dot(unknown, Embed(*embedder, "giraffe"))) < 0.1);
}

TEST_CASE("the vector is what the page says") {
  // Method: the model's bytes are taken apart here, by the grammar alone, and the sums formed in
  // another way.
  const std::string model = Trained(Corpus(200), {.axes = 5});
  const auto* bytes = reinterpret_cast<const uint8_t*>(model.data());
  size_t at = 4;
  const auto number = [&](size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[at++];
    return value;
  };
  REQUIRE(model.substr(0, 4) == "lsa1");
  REQUIRE(number(2) == 5);
  REQUIRE(number(8) == 200);
  REQUIRE(number(1) == 9);
  REQUIRE(model.substr(at, 9) == "english/1");
  at += 9;
  const size_t words = number(4);
  std::map<uint64_t, size_t> index;
  std::vector<double> weights, scales;
  for (size_t i = 0; i < words; ++i) index[number(8)] = i;
  REQUIRE(index.size() == words);
  for (size_t i = 0; i < words; ++i) {
    weights.push_back(std::log(201.0 / static_cast<double>(number(4))));
  }
  for (size_t i = 0; i < words; ++i, at += 4) {
    uint32_t bits = 0;
    for (size_t k = 4; k > 0; --k) bits = bits << 8 | bytes[at + k - 1];
    scales.push_back(static_cast<double>(std::bit_cast<float>(bits)));
  }
  const size_t values = at;
  at += words * 5;
  CHECK(number(8) == Hash64(model.substr(0, model.size() - 8)));
  CHECK(at == model.size());

  std::vector<double> sums(5 + 256);
  const std::map<std::string, int> counts = {{"bread", 3}, {"ship", 1}, {"giraff", 2}};
  for (const auto& [word, count] : counts) {
    const uint64_t hash = Hash64(word, 3);
    const double frequency = 1 + std::log(count);
    double weight = std::log(201.0);
    if (const auto found = index.find(hash); found != index.end()) {
      const size_t i = found->second;
      weight = weights[i];
      for (size_t j = 0; j < 5; ++j) {
        sums[j] += frequency * weight * scales[i] *
                   static_cast<double>(static_cast<int8_t>(bytes[values + i * 5 + j]));
      }
    }
    sums[5 + (hash >> 40) % 256] += (hash >> 63 != 0 ? 0.3 : -0.3) * frequency * weight;
  }
  double squares = 0;
  for (const double x : sums) squares += x * x;
  const std::vector<float> vector =
      Embed(*EmbedderOf(model), "Bread, giraffe: BREAD! ship, bread (giraffe)");
  for (size_t j = 0; j < sums.size(); ++j) {
    CAPTURE(j);
    CHECK(static_cast<double>(vector[j]) ==
          doctest::Approx(sums[j] / std::sqrt(squares)).epsilon(1e-5));
  }
}

TEST_CASE("the same texts give the same bytes, on every machine; another seed others") {
  const std::vector<std::string> texts = Corpus(300);
  const std::string model = Trained(texts, {.axes = 6});
  CHECK(model == Trained(texts, {.axes = 6}));
  CHECK(model != Trained(texts, {.axes = 6, .seed = 2}));
  // The fingerprint is what every machine and compiler must find.
  CHECK(EmbedderOf(model)->identity() == "lsa/1:cc6084e4f4a085e81e5f876672555929");
  CHECK(EmbedderOf(model)->identity() != EmbedderOf(Trained(Corpus(299), {.axes = 6}))->identity());
}

TEST_CASE("a model of format 1 stays readable, with the same vectors") {
  const std::string model = ReadFile(kGoldenFile);
  REQUIRE(!model.empty());
  const auto embedder = EmbedderOf(model);
  CHECK(embedder->identity() == "lsa/1:aa485c2f520e452b6658421009ea0207");
  const std::vector<float> vector = Embed(*embedder, "the crew baked bread on a ship");
  const std::string_view bytes(reinterpret_cast<const char*>(vector.data()),
                               vector.size() * sizeof(float));
  CHECK(Hash64(bytes) == 6505494629685785649U);
}

TEST_CASE("documents are embedded as questions are, in batches as alone") {
  const auto embedder = EmbedderOf(Trained(Corpus(100), {.axes = 4}));
  const std::string_view texts[] = {"bread oven", "", "ship"};
  std::vector<float> vectors(3 * embedder->dimension(), -1);
  REQUIRE(embedder->Embed(EmbedKind::kDocument, texts, vectors).ok());
  for (size_t i = 0; i < 3; ++i) {
    const auto begin = vectors.begin() + static_cast<std::ptrdiff_t>(i * embedder->dimension());
    CHECK(std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(embedder->dimension())) ==
          Embed(*embedder, texts[i]));
  }
  std::vector<float> small(10);
  CHECK(absl::IsInvalidArgument(embedder->Embed(EmbedKind::kQuery, texts, small)));
}

TEST_CASE("texts without words have no vector, and any bytes can be embedded and learnt from") {
  std::mt19937 random(51);
  std::vector<std::string> texts = Corpus(50);
  for (int i = 0; i < 50; ++i) {
    std::string text;
    for (size_t count = random() % 300; count > 0; --count) text += static_cast<char>(random());
    texts.push_back(text);
  }
  texts.push_back("");
  texts.push_back(std::string(size_t{64} << 20, 'x'));
  const auto embedder = EmbedderOf(Trained(texts, {.axes = 8}));
  for (const std::string& text : texts) {
    const std::vector<float> vector = Embed(*embedder, text);
    const double squares = Dot(vector, vector);
    REQUIRE((squares == 0 || std::abs(squares - 1) < 1e-5));
  }
  for (const char* text : {"", "  ", "?!", "the of and"}) {
    CAPTURE(text);
    for (const float x : Embed(*embedder, text)) REQUIRE(x == 0);
  }
  std::string many;
  while (many.size() < kLsaTextBytesMax) many += "bread ";
  many.resize(kLsaTextBytesMax);
  CHECK(Embed(*embedder, many) == Embed(*embedder, many + " ship sail anchor"));
}

TEST_CASE("what cannot be learnt from is refused") {
  CHECK(absl::IsFailedPrecondition(LsaTrainer().Train().status()));
  LsaTrainer few;
  for (int i = 0; i < 1000; ++i) few.Add("the of and");
  for (size_t i = 0; i + 1 < kLsaTextsMin; ++i) few.Add("bread and ship");
  CHECK(absl::IsFailedPrecondition(few.Train().status()));
  few.Add("oven");
  CHECK(few.Train().ok());
  for (const size_t axes : {size_t{0}, size_t{769}, SIZE_MAX}) {
    CHECK(absl::IsInvalidArgument(LsaTrainer({.axes = axes}).Train().status()));
  }
}

TEST_CASE("fewer texts than axes give as many axes as there are") {
  const auto embedder = EmbedderOf(Trained(Corpus(20)));
  CHECK(embedder->dimension() > kLsaHashedDimension + 2);
  CHECK(embedder->dimension() <= kLsaHashedDimension + 20);
}

class OtherAnalyzer : public Analyzer {
 public:
  std::string id() const override { return "other/7"; }
  void Analyze(std::string_view text, absl::FunctionRef<void(const Token&)> sink) const override {
    if (text.find("throw") != std::string_view::npos) throw std::runtime_error("no");
    simple_->Analyze(text, sink);
  }

 private:
  std::shared_ptr<const Analyzer> simple_ = MakeSimpleAnalyzer();
};

TEST_CASE("a model is used with the analyzer it was learnt with") {
  const auto other = std::make_shared<OtherAnalyzer>();
  const std::string model = Trained(Corpus(50), {.analyzer = other, .axes = 4});
  CHECK(absl::IsFailedPrecondition(MakeLsaEmbedder(model).status()));
  CHECK(absl::IsFailedPrecondition(MakeLsaEmbedder(model, MakeEnglishAnalyzer()).status()));
  CHECK(MakeLsaEmbedder(model, other).ok());
  // Those that are built in need not be given.
  const std::string german = Trained(Corpus(50), {.analyzer = *MakeAnalyzer("german"), .axes = 4});
  CHECK(MakeLsaEmbedder(german).ok());
}

TEST_CASE("what an analyzer throws reaches the caller, who may go on") {
  const auto other = std::make_shared<OtherAnalyzer>();
  LsaTrainer trainer({.analyzer = other, .axes = 4});
  for (const std::string& text : Corpus(50)) trainer.Add(text);
  const std::string model = *trainer.Train();
  trainer.Add("throw");
  CHECK_THROWS_AS(trainer.Train().IgnoreError(), std::runtime_error);
  const auto embedder = *MakeLsaEmbedder(model, other);
  const std::string_view bad = "throw";
  std::vector<float> vector(embedder->dimension());
  CHECK_THROWS_AS(embedder->Embed(EmbedKind::kQuery, {&bad, 1}, vector).IgnoreError(),
                  std::runtime_error);
  CHECK(Dot(Embed(*embedder, "bread"), Embed(*embedder, "bread")) == doctest::Approx(1));
}

TEST_CASE("a damaged model is refused, wherever the damage is") {
  const std::string model = Trained(Corpus(40), {.axes = 3});
  for (size_t size = 0; size < model.size(); size += size < 100 ? 1 : 37) {
    REQUIRE(!MakeLsaEmbedder(model.substr(0, size)).ok());
  }
  for (size_t i = 0; i < model.size(); i += i < 100 ? 1 : 13) {
    std::string damaged = model;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    REQUIRE(!MakeLsaEmbedder(damaged).ok());
  }
  CHECK(absl::IsDataLoss(MakeLsaEmbedder("").status()));
  CHECK(absl::IsFailedPrecondition(MakeLsaEmbedder("lsa2 and more").status()));
}

TEST_CASE("a model with a right checksum and wrong contents is refused") {
  // Method: damage, then a new checksum, so that what is behind the checksum is asked.
  const std::string model = Trained(Corpus(40), {.axes = 3});
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    CAPTURE(round);
    std::string damaged = model.substr(0, model.size() - 8);
    for (int k = 0; k < 3; ++k) {
      const size_t bound = round % 2 == 0 ? 40 : damaged.size();
      damaged[4 + random() % (bound - 4)] = static_cast<char>(random());
    }
    const uint64_t checksum = Hash64(damaged);
    for (int shift = 56; shift >= 0; shift -= 8) damaged += static_cast<char>(checksum >> shift);
    const auto embedder = MakeLsaEmbedder(damaged, MakeEnglishAnalyzer());
    if (!embedder.ok()) continue;
    for (const float x : Embed(**embedder, "bread ship oven text7")) REQUIRE(std::isfinite(x));
  }
}

}  // namespace
}  // namespace libkv
