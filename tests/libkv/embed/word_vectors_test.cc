#include "libkv/word_vectors.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "support/temp_dir.h"

namespace libkv {
namespace {

const WordVectorOptions kPlain = {.int8 = false, .rarity = 0, .remove_common = false};

std::string WriteFile(const TempDir& dir, const std::string& name, const std::string& bytes) {
  std::ofstream(dir.path(name), std::ios::binary) << bytes;
  return dir.path(name);
}

std::shared_ptr<const Embedder> Make(const std::string& path, const WordVectorOptions& options) {
  auto embedder = MakeWordVectorEmbedder(path, options);
  REQUIRE_MESSAGE(embedder.ok(), std::string(embedder.status().message()));
  return *embedder;
}

std::vector<float> Embed(const Embedder& embedder, std::string_view text) {
  std::vector<float> vector(embedder.dimension(), -1);
  REQUIRE(embedder.Embed(EmbedKind::kQuery, {&text, 1}, vector).ok());
  return vector;
}

void CheckNear(const std::vector<float>& vector, std::vector<double> expected, double tolerance) {
  double squares = 0;
  for (const double x : expected) squares += x * x;
  REQUIRE(vector.size() == expected.size());
  for (size_t i = 0; i < vector.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(static_cast<double>(vector[i]) - expected[i] / std::sqrt(squares)) < tolerance);
  }
}

std::string Bytes(float x) {
  std::string bytes;
  for (int i = 0; i < 32; i += 8) bytes += static_cast<char>(std::bit_cast<uint32_t>(x) >> i);
  return bytes;
}

const std::string kRows = "the 1 0 0\nShip 0 1 0.5\nharbor 0 2 -1e0\nnew york 3 3 3\n";
const std::string kBinary = "3 2\nthe " + Bytes(1) + Bytes(0) + "\nship " + Bytes(0) + Bytes(1) +
                            "harbor " + Bytes(-1) + Bytes(2);

TEST_CASE("a text is the mean of its words, with and without header, LF and CR LF, and blanks") {
  const TempDir dir;
  std::string windows = kRows;
  for (size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2) {
    windows.replace(at, 1, "\r\n");
  }
  for (const std::string& bytes :
       {kRows, "4 3\n" + kRows, windows, kRows.substr(0, kRows.size() - 1),
        std::string("the 1 0 0 \nship\t0 1  0.5 \nharbor 0 2 -1\n")}) {
    CAPTURE(bytes);
    const auto embedder = Make(WriteFile(dir, "w.vec", bytes), kPlain);
    CHECK(embedder->dimension() == 3);
    CheckNear(Embed(*embedder, "The SHIP, the harbor."), {2, 3, -0.5}, 1e-6);
    CheckNear(Embed(*embedder, "unknown ship"), {0, 1, 0.5}, 1e-6);
  }
}

TEST_CASE("word2vec's binary files are read too") {
  const TempDir dir;
  const auto embedder = Make(WriteFile(dir, "w.bin", kBinary), kPlain);
  CHECK(embedder->dimension() == 2);
  CheckNear(Embed(*embedder, "ship harbor"), {-1, 3}, 1e-6);
  WordVectorOptions binary = kPlain;
  binary.format = WordVectorFormat::kBinary;
  CheckNear(Embed(*Make(WriteFile(dir, "other", kBinary), binary), "the"), {1, 0}, 1e-6);
}

TEST_CASE("rare words weigh more, by their place in the file") {
  const TempDir dir;
  const std::string path = WriteFile(dir, "w.vec", "the 1 0\nof 0.5 0\nship 0 1\n");
  WordVectorOptions options = kPlain;
  options.rarity = 0.01;
  const double the = 0.01 / (0.01 + 1 / 14.39), ship = 0.01 / (0.01 + 1 / (3 * 14.39));
  CheckNear(Embed(*Make(path, options), "the ship"), {the, ship}, 1e-6);
}

TEST_CASE("what all words have in common is taken out") {
  // Every word has 10 in the first coordinate; what tells them apart is in the second.
  const TempDir dir;
  std::string rows;
  for (int i = 0; i < 40; ++i) {
    rows += "w" + std::to_string(i) + " 10 " + std::to_string(i % 2 == 0 ? 1 : -1) + " " +
            std::to_string(i % 4 < 2 ? 0.5 : -0.5) + "\n";
  }
  const std::string path = WriteFile(dir, "w.vec", rows);
  WordVectorOptions options = kPlain;
  CHECK(Embed(*Make(path, options), "w0")[0] > 0.9F);
  options.remove_common = true;
  CHECK(std::abs(Embed(*Make(path, options), "w0")[0]) < 0.3F);
  CHECK(Embed(*Make(path, options), "w0")[1] > 0.5F);
  CHECK(Embed(*Make(path, options), "w1")[1] < -0.5F);
}

TEST_CASE("a byte for each number is near enough, and the identity tells it apart") {
  const TempDir dir;
  std::mt19937 random(3);
  std::string rows;
  for (int i = 0; i < 200; ++i) {
    rows += "w" + std::to_string(i);
    for (int k = 0; k < 50; ++k)
      rows += " " + std::to_string(static_cast<int>(random() % 2001) - 1000);
    rows += "\n";
  }
  const std::string path = WriteFile(dir, "w.vec", rows);
  WordVectorOptions bytes = kPlain;
  bytes.int8 = true;
  const auto exact = Make(path, kPlain), rounded = Make(path, bytes);
  CHECK(exact->identity() != rounded->identity());
  for (int i = 0; i < 100; ++i) {
    const std::string text = "w" + std::to_string(random() % 200) + " w" + std::to_string(i);
    const std::vector<float> a = Embed(*exact, text), b = Embed(*rounded, text);
    double dot = 0;
    for (size_t k = 0; k < 50; ++k) dot += static_cast<double>(a[k]) * static_cast<double>(b[k]);
    REQUIRE(dot > 0.9998);
  }
}

TEST_CASE("the identity changes with the file and every option that changes the numbers") {
  const TempDir dir;
  const std::string path = WriteFile(dir, "w.vec", kRows);
  std::vector<WordVectorOptions> all(5, kPlain);
  all[1].rarity = 0.001;
  all[2].remove_common = true;
  all[3].int8 = true;
  all[4].words_max = 2;
  std::vector<std::string> identities;
  for (const WordVectorOptions& options : all)
    identities.push_back(Make(path, options)->identity());
  std::string other = kRows;
  other[4] = '2';
  identities.push_back(Make(WriteFile(dir, "v.vec", other), kPlain)->identity());
  for (size_t i = 0; i < identities.size(); ++i) {
    for (size_t k = 0; k < i; ++k) CHECK(identities[i] != identities[k]);
  }
  CHECK(Make(WriteFile(dir, "copy.vec", kRows), kPlain)->identity() == identities[0]);
}

TEST_CASE("no more is read than the bounds allow") {
  const TempDir dir;
  std::string rows;
  for (int i = 0; i < 1000; ++i) rows += "w" + std::to_string(i) + " 1 2 3 4\n";
  rows += "broken line that nobody reads\n";
  const std::string path = WriteFile(dir, "w.vec", rows);
  WordVectorOptions options = kPlain;
  options.words_max = 10;
  CHECK(Embed(*Make(path, options), "w9")[0] > 0);
  CHECK(Embed(*Make(path, options), "w10")[0] == 0);
  options = kPlain;
  options.memory_bytes_max = 100 * (16 + 40);
  CHECK(Embed(*Make(path, options), "w99")[0] > 0);
  CHECK(Embed(*Make(path, options), "w100")[0] == 0);
}

TEST_CASE("a malformed file is refused with the number of its line") {
  const TempDir dir;
  const auto message = [&](const std::string& bytes, const std::string& name = "w.vec") {
    const auto embedder = MakeWordVectorEmbedder(WriteFile(dir, name, bytes), kPlain);
    REQUIRE(absl::IsInvalidArgument(embedder.status()));
    return std::string(embedder.status().message());
  };
  const auto has = [](const std::string& text, const char* part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  has(message(""), "line 1");
  has(message("\n\n"), "line 1");
  has(message("word\n"), "line 1");
  has(message("a 1 2\nb 1\n"), "line 2");
  has(message("a 1 2\nb 1 x\n"), "line 2");
  has(message("a 1 2\nb 1 nan\n"), "line 2");
  has(message("a 1 2\nb 1 1e99\n"), "line 2");
  has(message("a 1 2\n\nb 1 2\n"), "line 2");
  has(message("3 2\na 1 2\nb 1 2\nc 1 2 3 x\n"), "line 4");
  has(message("9 99999\n"), "line 1");
  has(message("a" + std::string(2 << 20, ' ') + "1 2\n"), "line 1");
  has(message("? 1 2\n! 2 3\n"), "without words");
  has(message(kBinary.substr(0, kBinary.size() - 1), "w.bin"), "word 3");
  has(message("no header", "w.bin"), "header");
  has(message("5 2\n" + std::string(5000, 'x'), "w.bin"), "word 1");
  has(message("1 1\na " + Bytes(NAN), "w.bin"), "word 1");
  CHECK(absl::IsNotFound(MakeWordVectorEmbedder(dir.path("none.vec")).status()));
  const std::string good = WriteFile(dir, "w.vec", kRows);
  CHECK(absl::IsInvalidArgument(MakeWordVectorEmbedder(good, {.words_max = 0}).status()));
  CHECK(absl::IsInvalidArgument(MakeWordVectorEmbedder(good, {.rarity = NAN}).status()));
  CHECK(!MakeWordVectorEmbedder(dir.path("")).ok());  // a folder
}

TEST_CASE("any bytes are refused or read, never worse") {
  const TempDir dir;
  std::mt19937 random(9);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    std::string bytes = round % 2 == 0 ? "4 3\n" + kRows : kBinary;
    for (size_t k = 1 + random() % 4; k > 0; --k) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto embedder =
        MakeWordVectorEmbedder(WriteFile(dir, round % 2 == 0 ? "f.vec" : "f.bin", bytes));
    if (!embedder.ok()) continue;
    for (const float x : Embed(**embedder, "the ship harbor")) REQUIRE(std::isfinite(x));
  }
}

TEST_CASE("texts without known words have no vector; any text can be embedded") {
  const TempDir dir;
  const auto embedder = Make(WriteFile(dir, "w.vec", kRows), kPlain);
  for (const std::string& text : {std::string(), std::string("unknown"), std::string("\xFF\xC0"),
                                  std::string(size_t{64} << 20, 'x')}) {
    for (const float x : Embed(*embedder, text)) REQUIRE(x == 0);
  }
  std::vector<float> small(1);
  const std::string_view text = "ship";
  CHECK(absl::IsInvalidArgument(embedder->Embed(EmbedKind::kQuery, {&text, 1}, small)));
}

}  // namespace
}  // namespace libkv
