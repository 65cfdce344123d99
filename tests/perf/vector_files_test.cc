// The files of vectors that vector_bench reads: what is whole is read as it was written, and what
// is not is refused with one sentence.
#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/temp_dir.h"
#include "vector_bench_files.h"

namespace libkv::perf {
namespace {

constexpr size_t kAll = SIZE_MAX;

template <typename Number>
void Append(std::string* bytes, Number number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  bytes->append(raw, sizeof raw);
}

template <typename Number>
std::string Raw(const std::vector<Number>& numbers) {
  std::string bytes;
  for (const Number number : numbers) Append(&bytes, number);
  return bytes;
}

std::string Dictionary(const std::string& type, const std::string& shape,
                       const std::string& by_columns = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + by_columns + ", 'shape': " + shape +
         ", }\n";
}

std::string Npy(const std::string& header, const std::string& numbers, int version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  if (version == 1) {
    Append(&bytes, static_cast<uint16_t>(header.size()));
  } else {
    Append(&bytes, static_cast<uint32_t>(header.size()));
  }
  return bytes + header + numbers;
}

template <typename Number>
std::string Vecs(const std::vector<std::vector<Number>>& rows) {
  std::string bytes;
  for (const std::vector<Number>& row : rows) {
    Append(&bytes, static_cast<uint32_t>(row.size()));
    bytes += Raw(row);
  }
  return bytes;
}

absl::StatusOr<VectorSet> Read(const std::string& name, const std::string& bytes,
                               size_t rows_max = kAll) {
  const TempDir dir;
  std::filesystem::create_directories(dir.path());
  const std::string path = dir.path() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return ReadVectors(path, rows_max);
}

void CheckReads(const std::string& name, const std::string& bytes, size_t dimension,
                const std::vector<float>& floats, size_t rows_max = kAll) {
  CAPTURE(name);
  const absl::StatusOr<VectorSet> set = Read(name, bytes, rows_max);
  REQUIRE_MESSAGE(set.ok(), std::string(set.status().message()));
  CHECK(set->dimension == dimension);
  CHECK(set->floats == floats);
}

// Refused, with one sentence that names the file and says `why`.
void CheckRefuses(const std::string& name, const std::string& bytes, const std::string& why) {
  CAPTURE(name);
  CAPTURE(why);
  const absl::StatusOr<VectorSet> set = Read(name, bytes);
  REQUIRE(!set.ok());
  CHECK(absl::IsInvalidArgument(set.status()));
  const std::string message(set.status().message());
  CAPTURE(message);
  CHECK(message.find("/" + name + ": ") != std::string::npos);
  CHECK(message.find(why) != std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
}

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6};
const std::string kFloats = Raw<float>({1, 2, 3, 4, 5, 6});
const std::string kHeader = Dictionary("<f4", "(2, 3)");

}  // namespace

TEST_CASE("every kind of file gives the vectors that were written to it") {
  CheckReads("a.npy", Npy(kHeader, kFloats), 3, kSix);
  CheckReads("a.npy", Npy(kHeader, kFloats, 2), 3, kSix);
  CheckReads("a.npy", Npy(Dictionary("|u1", "(3, 2)"), Raw<uint8_t>({0, 255, 3, 4, 5, 6})), 2,
             {0, 255, 3, 4, 5, 6});
  CheckReads("a.npy", Npy(Dictionary("<i4", "(1, 3)"), Raw<int32_t>({-1, 0, 70'000})), 3,
             {-1, 0, 70'000});
  CheckReads("a.npy", Npy(Dictionary("<u4", "(1, 2, 3)"), Raw<uint32_t>({1, 2, 3, 4, 5, 6})), 6,
             kSix);
  CheckReads("a.fvecs", Vecs<float>({{1, 2, 3}, {4, 5, 6}}), 3, kSix);
  CheckReads("a.ivecs", Vecs<uint32_t>({{1, 2, 3}, {4, 5, 6}}), 3, kSix);
  CheckReads("a.vec", "one 1 2 3\ntwo 4 5.0 6e0\n", 3, kSix);
  CheckReads("a.vec", "2 3\none 1 2 3\ntwo 4 5 6", 3, kSix);
  CheckReads("gt_top3.u32.bin", Raw<uint32_t>({1, 2, 3, 4, 5, 6}), 3, kSix);
}

TEST_CASE("no more rows are read than are asked for") {
  const std::vector<float> first = {1, 2, 3};
  CheckReads("a.npy", Npy(kHeader, kFloats), 3, first, 1);
  CheckReads("a.fvecs", Vecs<float>({{1, 2, 3}, {4, 5, 6}}), 3, first, 1);
  CheckReads("a.vec", "2 3\none 1 2 3\ntwo 4 5 6\n", 3, first, 1);
  CheckReads("gt_top3.u32.bin", Raw<uint32_t>({1, 2, 3, 4, 5, 6}), 3, first, 1);
}

TEST_CASE("a NumPy file that is no array of vectors in order of rows is refused") {
  CheckRefuses("a.npy", "", "not a NumPy file");
  CheckRefuses("a.npy", "PK\x03\x04 an archive of arrays", "not a NumPy file");
  CheckRefuses("a.npy", Npy(kHeader, kFloats, 9), "not a NumPy file");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "(2, 3)", "True"), kFloats), "by columns");
  for (const char* const type : {"<f8", ">f4", "<f2", "<i8", "|S4", "<f44"}) {
    CheckRefuses("a.npy", Npy(Dictionary(type, "(2, 3)"), kFloats), "neither u8, i32, u32 nor f32");
  }
  CheckRefuses("a.npy", Npy("{'descr': '<f4', 'shape': (2, 3)}", kFloats), "fortran_order");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "(6,)"), kFloats), "not an array of vectors");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "()"), kFloats), "not an array of vectors");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "(2, 0)"), kFloats), "rows of 0 numbers");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "(0, 3)"), ""), "no vectors");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "(2, -3)"), kFloats), "cannot be read");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "2, 3"), kFloats), "cannot be read");
  CheckRefuses("a.npy", Npy(kHeader, kFloats + kFloats), "more than the header says");
}

TEST_CASE("a header that promises more than there is costs no memory") {
  // Method: counts that would take terabytes, or overflow, were memory taken before the bytes that
  // are there were counted.
  for (const char* const shape : {"(3, 3)", "(4000000000, 3)", "(6000000000, 65536)"}) {
    CheckRefuses("a.npy", Npy(Dictionary("<f4", shape), kFloats), "cut off");
  }
  for (const char* const shape : {"(18446744073709551615, 3)", "(99999999999999999999999, 3)"}) {
    CheckRefuses("a.npy", Npy(Dictionary("<f4", shape), kFloats), "too large");
  }
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "(1, 4294967295)"), kFloats), "rows of");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "(1, 65536, 65536, 65536)"), kFloats), "rows of");
  std::string long_header = Npy(kHeader, kFloats, 2);
  long_header.replace(8, 4, "\xff\xff\xff\xff");
  CheckRefuses("a.npy", long_header, "cut off");
  CheckRefuses("a.fvecs", Raw<uint32_t>({0xffffffff, 0}), "rows of 4294967295 numbers");
  CheckRefuses("a.fvecs", Raw<uint32_t>({0, 0}), "rows of 0 numbers");
  CheckRefuses("a.fvecs", Raw<uint32_t>({65'536, 0}), "cut off");
  CheckRefuses("a.vec", "4000000000 300\none 1 2 3\n", "cut off");
  CheckRefuses("gt_top99999999.u32.bin", Raw<uint32_t>({1, 2}), "rows of 99999999 numbers");
  CheckRefuses("gt_top.u32.bin", Raw<uint32_t>({1, 2}), "rows of 0 numbers");
  CheckRefuses("gt.u32.bin", Raw<uint32_t>({1, 2}), "rows of 0 numbers");
}

TEST_CASE("a file that was cut off is refused wherever the cut is, but for between two rows") {
  const std::string npy = Npy(kHeader, kFloats);
  for (size_t bytes = 0; bytes < npy.size(); ++bytes) {
    CAPTURE(bytes);
    CHECK(absl::IsInvalidArgument(Read("a.npy", npy.substr(0, bytes)).status()));
  }
  const std::string vecs = Vecs<float>({{1, 2, 3}, {4, 5, 6}});
  for (size_t bytes = 0; bytes < vecs.size(); ++bytes) {
    CAPTURE(bytes);
    if (bytes == vecs.size() / 2) continue;
    CHECK(absl::IsInvalidArgument(Read("a.fvecs", vecs.substr(0, bytes)).status()));
    CHECK(absl::IsInvalidArgument(Read("a.ivecs", vecs.substr(0, bytes)).status()));
  }
  const std::string truth = Raw<uint32_t>({1, 2, 3, 4, 5, 6});
  for (size_t bytes = 0; bytes < truth.size(); ++bytes) {
    CAPTURE(bytes);
    if (bytes == truth.size() / 2) continue;
    CHECK(absl::IsInvalidArgument(Read("gt_top3.u32.bin", truth.substr(0, bytes)).status()));
  }
  CheckRefuses("a.vec", "2 3\none 1 2 3\n", "cut off");
  CheckRefuses("a.vec", "one 1 2 3\ntwo 4 5", "rows of different lengths");
}

TEST_CASE("rows of different lengths, words for numbers and numbers without end are refused") {
  CheckRefuses("a.fvecs", Vecs<float>({{1, 2, 3}, {4, 5}}), "rows of different lengths");
  CheckRefuses("a.vec", "one 1 2 3\ntwo 4 5\nthree 6 7 8\n", "rows of different lengths");
  CheckRefuses("a.vec", "one 1 2 3\ntwo 4\nthree 6 7 8\n", "rows of different lengths");
  CheckRefuses("a.vec", "one 1 2 x\n", "not a number: x");
  CheckRefuses("a.vec", "one 1 2 3,5\n", "not a number: 3,5");
  CheckRefuses("a.vec", "\n\n", "no vectors");
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  CheckRefuses("a.fvecs", Vecs<float>({{1, kInfinity}}), "not finite");
  CheckRefuses("a.npy", Npy(Dictionary("<f4", "(1, 2)"), Raw<float>({kNone, 1})), "not finite");
  CheckRefuses("a.vec", "one 1 nan\n", "not finite");
}

TEST_CASE("a file of another kind, and one that is not there, is refused") {
  CheckRefuses("vectors.txt", "one 1 2 3\n", "a kind of file that is not known");
  CHECK(absl::IsNotFound(ReadVectors("no/such.npy", kAll).status()));
  CHECK(absl::IsNotFound(ReadVectors("no/such.npy.xz", kAll).status()));
}

TEST_CASE("damaged files are read or refused, and nothing else happens") {
  // Method: a few bytes of a whole file of each kind become others.
  const uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const std::pair<std::string, std::string> files[] = {
      {"a.npy", Npy(kHeader, kFloats)},
      {"a.npy", Npy(kHeader, kFloats, 2)},
      {"a.fvecs", Vecs<float>({{1, 2, 3}, {4, 5, 6}})},
      {"a.ivecs", Vecs<uint32_t>({{1, 2, 3}, {4, 5, 6}})},
      {"a.vec", "2 3\none 1 2 3\ntwo 4 5 6\n"},
      {"gt_top3.u32.bin", Raw<uint32_t>({1, 2, 3, 4, 5, 6})},
  };
  for (const auto& [name, whole] : files) {
    CAPTURE(name);
    for (int i = 0; i < 300; ++i) {
      std::string bytes = whole;
      for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      const absl::StatusOr<VectorSet> set = Read(name, bytes);
      if (set.ok()) {
        CHECK(set->count() > 0);
        CHECK(set->floats.size() <= bytes.size());
      } else {
        CHECK(absl::IsInvalidArgument(set.status()));
      }
    }
  }
}

TEST_CASE("folders with vectors are found where they are, or one below") {
  const TempDir dir;
  const std::string top = dir.path() + "/top";
  CHECK(FindVectorFolders(top).empty());
  std::filesystem::create_directories(top + "/empty");
  CHECK(FindVectorFolders(top).empty());
  for (const char* const name : {"second", "first"}) {
    std::filesystem::create_directories(top + "/" + name);
    std::ofstream(top + "/" + name + "/base.fvecs") << Vecs<float>({{1, 2}});
  }
  CHECK(FindVectorFolders(top) == std::vector<std::string>{top + "/first", top + "/second"});
  CHECK(FindVectorFolders(top + "/second") == std::vector<std::string>{top + "/second"});
  std::ofstream(top + "/base.npy") << Npy(kHeader, kFloats);
  CHECK(FindVectorFolders(top) == std::vector<std::string>{top});
}

}  // namespace libkv::perf
