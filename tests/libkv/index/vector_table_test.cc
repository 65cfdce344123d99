#include "index/vector_table.h"

#include <doctest/doctest.h>

namespace libkv {
namespace {

DerivedDocument Coded(int8_t value) {
  DerivedDocument derived;
  derived.code.assign(64, value);
  derived.scale = 1;
  derived.norm2 = 64.0F * static_cast<float>(value * value);
  return derived;
}

TEST_CASE("slots name documents and their codes, in the order in which they came") {
  VectorTable table(64);
  table.Add(5, "a", 1, 0, Coded(1));
  table.Add(6, "b", 2, 900, Coded(2));
  REQUIRE(table.size() == 2);
  CHECK(table.documents()[0].key == "a");
  CHECK(table.documents()[1].key == "b");
  CHECK(table.codes().row(1).values[0] == 2);
  CHECK(table.documents()[1].VisibleAt(2, 899));
  CHECK_FALSE(table.documents()[1].VisibleAt(2, 900));
  CHECK(table.live() == 2);
  CHECK(table.memory_bytes() > 2 * 64);
}

TEST_CASE("a vector is seen until it dies; killing twice, or what is not there, changes nothing") {
  VectorTable table(64);
  table.Add(5, "a", 1, 0, Coded(1));
  table.Kill(5, 7);
  table.Kill(5, 3);
  table.Kill(9, 3);
  CHECK(table.documents()[0].VisibleAt(6, 0));
  CHECK_FALSE(table.documents()[0].VisibleAt(7, 0));
  CHECK(table.live() == 0);
  CHECK(table.size() == 1);
}

}  // namespace
}  // namespace libkv
