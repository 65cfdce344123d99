#include "server/peers.h"

#include <doctest/doctest.h>

#include <string>

namespace kvserver {
namespace {

// "1@host:port ..." of the others, and "| ..." with the own entry; or the error.
std::string Parsed(std::string_view text, cluster::Slot own_id, uint16_t own_port = 0) {
  const absl::StatusOr<PeerList> list = ParsePeers(text, own_id, own_port);
  if (!list.ok()) {
    CHECK(absl::IsInvalidArgument(list.status()));
    return std::string(list.status().message());
  }
  const auto spelled = [](const PeerAddress& node) {
    return std::to_string(node.id) + "@" + node.host + ":" + std::to_string(node.port);
  };
  std::string result;
  for (const PeerAddress& node : list->others) {
    result += (result.empty() ? "" : " ") + spelled(node);
  }
  return list->self.has_value() ? result + " | " + spelled(*list->self) : result;
}

const std::string kForm =
    "give ID@HOST:PORT for every node, such as 2@10.0.0.2:7511, or ports alone for nodes on "
    "127.0.0.1";

}  // namespace

TEST_CASE("peers are named by id, host and port") {
  CHECK(Parsed("2@10.0.0.2:7511,3@db3.example:7512", 1) == "2@10.0.0.2:7511 3@db3.example:7512");
  CHECK(Parsed(" 3@a:1 , 2@[::1]:65535 ", 1) == "2@::1:65535 3@a:1");
  CHECK(Parsed("4294967295@a:1", 1) == "4294967295@a:1");
  CHECK(Parsed("", 1) == "");
}

TEST_CASE("all nodes can be given the same list") {
  const std::string list = "1@a:7511,2@b:7511,3@c:7511";
  CHECK(Parsed(list, 1) == "2@b:7511 3@c:7511 | 1@a:7511");
  CHECK(Parsed(list, 3, 7511) == "1@a:7511 2@b:7511 | 3@c:7511");
  CHECK(Parsed(list, 2, 7512) ==
        "--peers says that node 2, which is this one, has port 7511, and it was given port 7512");
}

TEST_CASE("ports alone are nodes on this machine, numbered in their order") {
  // Without the own one.
  CHECK(Parsed("7502,7503", 1, 7501) == "2@127.0.0.1:7502 3@127.0.0.1:7503");
  CHECK(Parsed("7501,7503", 2, 7502) == "1@127.0.0.1:7501 3@127.0.0.1:7503");
  CHECK(Parsed("7501, 7502", 3) == "1@127.0.0.1:7501 2@127.0.0.1:7502");
  CHECK(Parsed("7502", 1, 7501) == "2@127.0.0.1:7502");
  // With it, and nothing else says which it is: the one at the place of the id.
  CHECK(Parsed("7501,7502,7503", 2) == "1@127.0.0.1:7501 3@127.0.0.1:7503 | 2@127.0.0.1:7502");
  // With it. The order counts, not the size.
  CHECK(Parsed("7501,7502,7503", 2, 7502) ==
        "1@127.0.0.1:7501 3@127.0.0.1:7503 | 2@127.0.0.1:7502");
  CHECK(Parsed("9000,7502,8000", 1, 9000) ==
        "2@127.0.0.1:7502 3@127.0.0.1:8000 | 1@127.0.0.1:9000");
  CHECK(Parsed("7501,7502,7503", 1, 7502) ==
        "the own port 7502 has to stand at place 1 of --peers, as this is node 1; the order of "
        "the ports has to be that of the ids");
  CHECK(Parsed("7502,7503", 4, 7501) ==
        "--peers names 3 nodes with this one, whose ids are then 1 to 3, and this is node 4: give "
        "it one of these ids, or name all as ID@HOST:PORT");
  CHECK(Parsed("7501,7502,7503", 4, 7503).find("ids are then 1 to 3") != std::string::npos);
}

TEST_CASE("what is wrong with a list of peers is said") {
  CHECK(Parsed("2@a", 1) == "'2@a' in --peers: " + kForm);
  CHECK(Parsed("a:7511", 1) == "'a:7511' in --peers: " + kForm);
  CHECK(Parsed("2@a:1,7502", 1) == "'7502' in --peers: " + kForm);
  CHECK(Parsed("2@:1", 1) == "'2@:1' in --peers: " + kForm);
  CHECK(Parsed("2@a:1,", 1) == "'' in --peers: " + kForm);
  CHECK(Parsed("2@::1:7511", 1) ==
        "'2@::1:7511' in --peers: write an IPv6 address in brackets, such as 2@[::1]:7511");
  for (const char* bad : {"2@a:0", "2@a:65536", "2@a:", "2@a:x", "0", "7501,x", "7501,,7502"}) {
    CAPTURE(bad);
    CHECK(Parsed(bad, 1).find("a port is a number from 1 to 65535") != std::string::npos);
  }
  for (const char* bad : {"0@a:1", "@a:1", "x@a:1", "-1@a:1", "4294967296@a:1", "01@a:1"}) {
    CAPTURE(bad);
    CHECK(Parsed(bad, 1).find("the id of a node is a number from 1 to 4294967295, not '") !=
          std::string::npos);
  }
  CHECK(Parsed("2@a:1,2@b:1", 1) == "--peers names node 2 twice: every node has an id of its own");
  CHECK(Parsed("1@a:1,1@b:1,2@c:1", 1) ==
        "--peers names node 1 twice: every node has an id of its own");
  CHECK(Parsed("2@a:1,3@a:1", 1) ==
        "--peers names a:1 twice: every node has an address of its own");
  CHECK(Parsed("7501,7501", 3) ==
        "--peers names 127.0.0.1:7501 twice: every node has an address of its own");
  std::string many = "2@a:1";
  for (int i = 3; i <= 17; ++i) many += "," + std::to_string(i) + "@a:" + std::to_string(i);
  CHECK(Parsed(many, 1) == "--peers makes a cluster of 17 nodes; at most 16 are supported");
  CHECK(Parsed(many, 17).find("| 17@a:17") != std::string::npos);
}

}  // namespace kvserver
