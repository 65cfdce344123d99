// What a writer refuses, and what it leaves behind.
#include "segment/segment_writer.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "format/keys.h"
#include "support/segment_model.h"
#include "support/store_test.h"
#include "support/temp_dir.h"

namespace libkv {
namespace {

struct Fixture {
  TempDir dir;
  std::unique_ptr<Engine> engine = OpenSegmentEngine(dir.path());

  std::unique_ptr<SegmentWriter> NewWriter() {
    auto writer = SegmentWriter::Create(*engine, 1, 1, dir.path(""));
    REQUIRE_OK(writer);
    return *std::move(writer);
  }
  size_t TableFiles() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path(""))) {
      const std::string name = entry.path().filename();
      if (!name.ends_with(SegmentWriter::kFileSuffix)) continue;
      CHECK(name.starts_with(SegmentWriter::kFilePrefix));
      ++count;
    }
    return count;
  }
};

void AddDocuments(SegmentWriter& writer, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    REQUIRE_OK(writer.AddDocument({.document = i + 1, .key = "k", .words = 1}));
  }
}

void AddTerm(SegmentWriter& writer, std::string_view term, uint32_t documents) {
  const uint32_t positions[] = {4};
  REQUIRE_OK(writer.StartTerm(term));
  for (uint32_t i = 0; i < documents; ++i) writer.AddPosting(i, 1, positions);
  REQUIRE_OK(writer.FinishTerm());
}

TEST_CASE("a writer that dies before Finish leaves neither files nor rows") {
  Fixture fixture;
  {
    const auto writer = fixture.NewWriter();
    AddDocuments(*writer, 300);
    AddTerm(*writer, "a", 300);
    REQUIRE_OK(writer->AddWord("a", "a", 300));
    CHECK(fixture.TableFiles() == 3);
  }
  CHECK(fixture.TableFiles() == 0);
  CHECK(RowsOf(*fixture.engine, 1, 1).empty());
}

TEST_CASE("Finish leaves no file outside of the database") {
  Fixture fixture;
  const auto writer = fixture.NewWriter();
  AddDocuments(*writer, 300);
  AddTerm(*writer, "a", 300);
  REQUIRE_OK(writer->Finish());
  CHECK(fixture.TableFiles() == 0);
  CHECK_FALSE(RowsOf(*fixture.engine, 1, 1).empty());
}

TEST_CASE("a term without postings leaves no row, and neither do its words") {
  Fixture fixture;
  const auto writer = fixture.NewWriter();
  AddDocuments(*writer, 2);
  AddTerm(*writer, "a", 0);
  AddTerm(*writer, "b", 2);
  REQUIRE_OK(writer->AddWord("as", "a", 2));
  REQUIRE_OK(writer->AddWord("bs", "b", 9));
  const auto summary = writer->Finish();
  REQUIRE_OK(summary);
  CHECK(summary->terms == 1);
  const auto rows = RowsOf(*fixture.engine, 1, 1);
  CHECK(rows.count("Ta") == 0);
  CHECK(rows.count("Tb") == 1);
  CHECK(rows.count("Was") == 0);
  // Cut to the documents of the term.
  CHECK(rows.at("Wbs") == std::string("\0\2bs\1\0\2", 7));
}

TEST_CASE("what comes out of order is refused, and everything after it too") {
  // Goal: a fault of the caller never becomes a segment. Method: each fault once, then an end that
  // would be right.
  using Step = std::function<absl::Status(SegmentWriter&)>;
  const uint32_t positions[] = {1, 2};
  const auto post = [&](std::vector<std::pair<uint32_t, uint32_t>> postings) -> Step {
    return [=](SegmentWriter& writer) {
      static_cast<void>(writer.StartTerm("t"));
      for (const auto& [ordinal, frequency] : postings) {
        writer.AddPosting(ordinal, frequency, positions);
      }
      return writer.FinishTerm();
    };
  };
  const std::vector<std::pair<const char*, Step>> faults = {
      {"key", [](auto& w) { return w.AddDocument({.document = 9, .key = "a"}); }},
      {"id", [](auto& w) { return w.AddDocument({.document = 3, .key = "k"}); }},
      {"great id",
       [](auto& w) { return w.AddDocument({.document = kDocumentMax + 1, .key = "l"}); }},
      {"ordinal", post({{3, 2}})},
      {"ordinals", post({{1, 2}, {1, 2}})},
      {"no frequency", post({{1, 0}})},
      {"positions", post({{1, 3}})},
      {"no start", [](auto& w) { return w.FinishTerm(); }},
      {"no end",
       [](auto& w) { return w.StartTerm("a").ok() ? w.StartTerm("b") : absl::OkStatus(); }},
      {"terms",
       [&](auto& w) {
         AddTerm(w, "b", 1);
         return w.StartTerm("a");
       }},
      {"late document",
       [&](auto& w) {
         AddTerm(w, "b", 1);
         return w.AddDocument({.document = 9, .key = "z"});
       }},
      {"late term",
       [&](auto& w) {
         AddTerm(w, "b", 1);
         return w.AddWord("b", "b", 1).ok() ? w.StartTerm("c") : absl::OkStatus();
       }},
      {"words",
       [&](auto& w) {
         AddTerm(w, "b", 1);
         return w.AddWord("b", "b", 1).ok() ? w.AddWord("a", "b", 1) : absl::OkStatus();
       }},
  };
  for (const auto& [name, fault] : faults) {
    CAPTURE(name);
    Fixture fixture;
    {
      const auto writer = fixture.NewWriter();
      AddDocuments(*writer, 3);
      const absl::Status status = fault(*writer);
      CHECK_FALSE(status.ok());
      CHECK(writer->StartTerm("zz") == status);
      CHECK(writer->AddWord("zz", "zz", 1) == status);
      CHECK(writer->Finish().status() == status);
    }
    CHECK(fixture.TableFiles() == 0);
    CHECK(RowsOf(*fixture.engine, 1, 1).empty());
  }
}

TEST_CASE("a directory that cannot be written to is an error, not a crash") {
  Fixture fixture;
  auto writer = SegmentWriter::Create(*fixture.engine, 1, 1, fixture.dir.path("no/such/folder"));
  REQUIRE_OK(writer);
  for (uint32_t i = 0; i < 300; ++i) {
    static_cast<void>((*writer)->AddDocument({.document = i + 1, .key = "k", .words = 1}));
  }
  static_cast<void>((*writer)->StartTerm("a"));
  static_cast<void>((*writer)->FinishTerm());
  CHECK_FALSE((*writer)->Finish().ok());
}

TEST_CASE("a segment that has rows already cannot be written again") {
  Fixture fixture;
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    const auto writer = fixture.NewWriter();
    AddDocuments(*writer, 3);
    AddTerm(*writer, "a", 3);
    CHECK(writer->Finish().ok() == (round == 0));
  }
  CHECK(RowsOf(*fixture.engine, 1, 1).size() == 3);
}

}  // namespace
}  // namespace libkv
