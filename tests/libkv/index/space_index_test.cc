#include "index/space_index.h"

#include <doctest/doctest.h>

#include <string>

#include "index/derive.h"

namespace libkv {
namespace {

DerivedDocument Words(const std::string& text) {
  static const auto analyzer = MakeSimpleAnalyzer();
  DerivedDocument derived;
  DeriveWords(*analyzer, text, &derived);
  return derived;
}

DerivedDocument Coded() {
  DerivedDocument derived;
  derived.code.assign(64, 1);
  derived.scale = 1;
  derived.norm2 = 64;
  return derived;
}

TEST_CASE("words go to the delta, vectors to their lists, a value with both to both") {
  SpaceIndex index(64);
  DerivedDocument both = Words("apple");
  const DerivedDocument coded = Coded();
  both.code = coded.code;
  index.Add(1, "both", 1, 0, both);
  index.Add(2, "vector", 2, 0, coded);
  index.Add(3, "words", 3, 0, Words("fig"));
  const auto view = index.view();
  CHECK(view->deltas.back()->live_documents() == 2);
  CHECK(index.vectors()->live() == 2);
  index.Kill(1, 0, 4);
  CHECK(view->deltas.back()->live_documents() == 1);
  CHECK(index.vectors()->live() == 1);
  CHECK(view->text_bytes() > 0);
  CHECK(index.vectors()->memory_bytes() > 0);
}

TEST_CASE("a space without vectors keeps none, whatever it is given") {
  SpaceIndex index(0);
  index.Add(1, "a", 1, 0, Coded());
  CHECK(index.vectors() == nullptr);
}

TEST_CASE("a frozen delta gets no more documents, and its dead leave markers") {
  SpaceIndex index(0);
  index.Freeze();
  CHECK(index.backlog() == 0);  // nothing to freeze
  index.Add(1, "a", 1, 0, Words("apple"));
  index.Add(2, "b", 2, 0, Words("apple"));
  index.Kill(1, 0, 3);
  CHECK(index.markers().empty());
  index.Freeze();
  CHECK(index.backlog() == 1);
  CHECK(index.marks_through() == 2);
  CHECK(index.sealed_through() == 0);
  index.Add(3, "c", 4, 0, Words("apple"));
  const auto view = index.view();
  REQUIRE(view->deltas.size() == 2);
  CHECK(view->deltas[0]->document_count() == 2);
  CHECK(view->deltas[1]->document_count() == 1);
  index.Kill(2, 0, 5);
  index.Kill(3, 0, 6);
  CHECK(index.markers() == std::vector<uint64_t>{2});
  CHECK(view->deltas[0]->live_documents() == 0);
  CHECK(view->deltas[1]->live_documents() == 0);
}

TEST_CASE("markers stay until the documents they name are sealed") {
  SpaceIndex index(0);
  index.Add(1, "a", 1, 0, Words("apple"));
  index.Freeze();
  index.Kill(1, 0, 2);
  CHECK(index.TakeMarkers().empty());
  CHECK(index.marker_count() == 1);
  index.SetSealedThrough(1);
  index.ReplaceOldestDelta(nullptr);
  CHECK(index.backlog() == 0);
  CHECK(index.TakeMarkers() == std::vector<uint64_t>{1});
  CHECK(index.marker_count() == 0);
}

TEST_CASE("a view of before a change keeps its parts") {
  SpaceIndex index(0);
  index.Add(1, "a", 1, 0, Words("apple"));
  const auto before = index.view();
  index.Freeze();
  index.Add(2, "b", 2, 0, Words("apple"));
  index.ReplaceOldestDelta(nullptr);
  REQUIRE(before->deltas.size() == 1);
  CHECK(before->deltas[0]->document_count() == 1);
  CHECK(index.view()->deltas[0]->document_count() == 1);
  CHECK(index.view()->deltas[0] != before->deltas[0]);
}

}  // namespace
}  // namespace libkv
