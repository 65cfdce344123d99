// Files of records, good and bad, and the small helpers around them.
#include "record_reader.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <random>
#include <string>
#include <vector>

#include "bench.h"
#include "encoding.h"
#include "kvserver/support/run_program.h"
#include "progress.h"
#include "support/temp_dir.h"

namespace kvcli {
namespace {

struct ReadBack {
  std::vector<Record> records;
  std::vector<std::string> problems;  // "LINE: problem"
  bool has_failed = false;
};

ReadBack ReadAll(const std::string& text, FileFormat format, const std::string& key_field = "") {
  const libkv::TempDir dir;
  kvserver::WriteFile(dir.path("file"), text);
  const int fd = open(dir.path("file").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  RecordReader reader(fd, format, key_field);
  ReadBack back;
  while (true) {
    Record record;
    const auto result = reader.Next(record);
    if (result == RecordReader::Result::kEnd) break;
    if (result == RecordReader::Result::kRecord) {
      back.records.push_back(record);
      continue;
    }
    back.problems.push_back(std::to_string(reader.line()) + ": " + reader.problem());
    back.has_failed = result == RecordReader::Result::kFailed;
    if (back.has_failed) break;
  }
  close(fd);
  return back;
}

}  // namespace

TEST_CASE("NDJSON gives texts, bytes, JSON values and expiry times") {
  const ReadBack back = ReadAll(
      "\xEF\xBB\xBF{\"key\":\"a\",\"value\":\"x\\ny\"}\r\n"
      "\n"
      "{\"key_b64\":\"AP8=\",\"value_b64\":\"/w==\",\"expires_at\":4102444800000}\n"
      "{\"key\":\"c\",\"value\":{\"z\":1,\"a\":[true,null]}}",
      FileFormat::kNdjson);
  CHECK(back.problems.empty());
  REQUIRE(back.records.size() == 3);
  CHECK(back.records[0].key == "a");
  CHECK(back.records[0].value == "x\ny");
  CHECK(back.records[0].expires_at == 0);
  CHECK(back.records[1].key == std::string("\0\xff", 2));
  CHECK(back.records[1].value == "\xff");
  CHECK(back.records[1].expires_at == 4'102'444'800'000);
  CHECK(back.records[2].value == R"({"z":1,"a":[true,null]})");
}

TEST_CASE("every bad line is named by its number, and the others are read") {
  const std::string deep = std::string(100'000, '[');
  const ReadBack back = ReadAll(
      "{\"key\":\"a\",\"value\":1}\n"
      "what\n"
      "[1]\n"
      "{\"key\":\"a\"}\n"
      "{\"key\":1,\"value\":1}\n"
      "{\"key\":\"a\",\"value\":1,\"more\":1}\n"
      "{\"key_b64\":\"A\",\"value\":1}\n"
      "{\"key\":\"a\",\"key_b64\":\"AA==\",\"value\":1}\n"
      "{\"key\":\"\",\"value\":1}\n"
      "{\"key\":\"a\",\"value\":1,\"expires_at\":-1}\n"
      "{\"key\":\"a\",\"value\":" +
          deep + "\n" + "{\"key\":\"" + std::string(65'536, 'k') +
          "\",\"value\":1}\n"
          "{\"key\":\"\xff\",\"value\":1}\n"
          "{\"key\":\"z\",\"value\":1}\n",
      FileFormat::kNdjson);
  REQUIRE(back.problems.size() == 12);
  for (size_t i = 0; i < 12; ++i) CHECK(back.problems[i].starts_with(std::to_string(i + 2) + ": "));
  REQUIRE(back.records.size() == 2);
  CHECK(back.records[1].key == "z");
}

TEST_CASE("with a key field whole objects are values, byte for byte") {
  const std::string line = "{ \"n\" : 7, \"id\":\"x\", \"big\":12345678901234567890 }";
  const ReadBack back =
      ReadAll(line + "\n{\"id\":8}\n{\"id\":1.5}\n{}\n", FileFormat::kNdjson, "id");
  REQUIRE(back.records.size() == 2);
  CHECK(back.records[0].key == "x");
  CHECK(back.records[0].value == line);
  CHECK(back.records[1].key == "8");
  CHECK(back.problems.size() == 2);
}

TEST_CASE("CSV has quotes, line ends within them, and numbers") {
  const ReadBack back = ReadAll(
      "key,name,n\r\n"
      "a,\"Ada, \"\"Countess\"\"\nof Lovelace\",1815\r\n"
      "b,,007\n"
      "c,x\n"
      "d,\"x\"y,1\n"
      "e,x\"y,1\n"
      "f,x,-1.50\n"
      "g,\"open,1\n",
      FileFormat::kCsv);
  REQUIRE(back.records.size() == 3);
  CHECK(back.records[0].value == R"({"key":"a","name":"Ada, \"Countess\"\nof Lovelace","n":1815})");
  CHECK(back.records[1].value == R"({"key":"b","name":"","n":"007"})");
  CHECK(back.records[2].value == R"({"key":"f","name":"x","n":-1.50})");
  REQUIRE(back.problems.size() == 4);
  CHECK(back.problems[0].starts_with("5: 2 fields instead of 3"));
  CHECK(back.problems[1].starts_with("6: "));
  CHECK(back.problems[2].starts_with("7: "));
  CHECK(back.problems[3].starts_with("9: "));
}

TEST_CASE("TSV knows no quotes, and escapes tabs and line ends") {
  const ReadBack back = ReadAll("id\ttext\n1\t\"a\\tb\\nc\\\\\n", FileFormat::kTsv, "id");
  REQUIRE(back.records.size() == 1);
  CHECK(back.records[0].key == "1");
  CHECK(back.records[0].value == R"({"id":1,"text":"\"a\u0009b\nc\\"})");
}

TEST_CASE("a table without a head, or with a wrong one, is refused as a whole") {
  CHECK(ReadAll("a,b\n1,2\n", FileFormat::kCsv).has_failed);
  CHECK(ReadAll("key,a,a\n1,2,3\n", FileFormat::kCsv).has_failed);
  CHECK(ReadAll("\"key\n", FileFormat::kCsv).has_failed);
  CHECK(ReadAll("", FileFormat::kCsv).records.empty());
  CHECK_FALSE(ReadAll("", FileFormat::kCsv).has_failed);
}

TEST_CASE("random bytes as files do no harm") {
  const unsigned seed = 99;
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string letters = "{}[]\",:\\\n\r\tkeyvalu_b640123\xff\xc3\xa4";
  for (int round = 0; round < 300; ++round) {
    std::string text = round % 2 == 0 ? "" : "key,b\n";
    for (unsigned length = random() % 300; length > 0; --length) {
      text += letters[random() % letters.size()];
    }
    CAPTURE(text);
    for (const FileFormat format : {FileFormat::kNdjson, FileFormat::kCsv, FileFormat::kTsv}) {
      const ReadBack back = ReadAll(text, format);
      for (const Record& record : back.records) REQUIRE_FALSE(record.key.empty());
    }
  }
}

TEST_CASE("base64 is undone by its reader, and nothing else is accepted") {
  std::mt19937 random(5);
  for (size_t length = 0; length < 100; ++length) {
    std::string bytes;
    for (size_t i = 0; i < length; ++i) bytes += static_cast<char>(random());
    CHECK(FromBase64(Base64(bytes)).value() == bytes);
  }
  CHECK(Base64("foobar") == "Zm9vYmFy");
  CHECK(Base64("foob") == "Zm9vYg==");
  for (const char* text : {"A", "A===", "AAA", "A=AA", "AA=A", "AB==", "AA\n=", "!AAA", "===="}) {
    CHECK_FALSE(FromBase64(text).has_value());
  }
}

TEST_CASE("what is no UTF-8 is told from what is") {
  for (const char* text :
       {"", "a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xEF\xBF\xBF"}) {
    CHECK(IsUtf8(text));
  }
  for (const char* text : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\xFF"}) {
    CHECK_FALSE(IsUtf8(text));
  }
  CHECK(Printable("a\x1b[1m\n\xff\xC2\x9B\xC3\xA4") == "a\\x1b[1m\\n\\xff\\xc2\\x9b\xC3\xA4");
}

TEST_CASE("percentiles are within a sixteenth of the truth") {
  TimeHistogram times;
  for (uint64_t i = 1; i <= 100'000; ++i) times.Add(i);
  for (const double percent : {1.0, 50.0, 99.0, 100.0}) {
    CAPTURE(percent);
    const double truth = percent * 1'000;
    CHECK(static_cast<double>(times.Percentile(percent)) >= truth);
    CHECK(static_cast<double>(times.Percentile(percent)) <= truth * 17 / 16);
  }
  TimeHistogram few;
  CHECK(few.Percentile(99) == 0);
  few.Add(3);
  few.Add(UINT64_MAX);
  CHECK(few.Percentile(50) == 3);
}

TEST_CASE("the progress line says how much is left") {
  CHECK(Progress::Text(1'000, 25, 100, 10) == "1000 records  25 %  100/s  00:30 left");
  CHECK(Progress::Text(1'000, 25, 0, 10) == "1000 records  100/s");
}

}  // namespace kvcli
