// COMMAND, and the table it is made from.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "command/table.h"
#include "kvserver/support/test_server.h"

namespace kvserver {

TEST_CASE("every row of the table is complete") {
  // Goal: dispatch, COMMAND DOCS, HELP and JSON can rely on it. Method: all rows.
  std::set<std::string_view> names;
  for (const Command* const command : AllCommands()) {
    const std::string name(command->name);
    CAPTURE(name);
    CHECK(names.insert(command->name).second);
    CHECK(command->arity != 0);
    CHECK_FALSE(command->group.empty());
    CHECK_FALSE(command->summary.empty());
    CHECK_FALSE(command->summary.ends_with('.'));
    for (const char c : name) CHECK((c >= 'A' && c <= 'Z') == false);
    CHECK((command->first_key == 0) == (command->key_step == 0));
    const size_t bar = name.find('|');
    if (bar != std::string::npos) {
      CHECK(FindCommand(name.substr(0, bar)) != nullptr);
      const bool runs = command->run != nullptr;
      CHECK(runs);
      CHECK(SubcommandsOf(*command).empty());
    } else if (command->run == nullptr) {
      CHECK_FALSE(SubcommandsOf(*command).empty());
      CHECK(FindCommand(name + "|help") != nullptr);
    }
    for (const Parameter& parameter : command->parameters) {
      CHECK_FALSE(parameter.name.empty());
      if (parameter.type == Parameter::kFlag) CHECK_FALSE(parameter.token.empty());
    }
  }
}

TEST_CASE("COMMAND INFO has the shape of Redis, in both versions of RESP") {
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"COMMAND", "INFO", "GET", "nosuch"}) ==
        "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n"
        "*3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n"
        "+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n"
        "$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n"
        "*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n$-1\r\n");
  client.Ask({"HELLO", "3"});
  CHECK(client.Ask({"COMMAND", "INFO", "nosuch"}) == "*1\r\n_\r\n");
  CHECK(client.Ask({"COMMAND", "INFO", "client|id"}) ==
        "*1\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n~0\r\n:0\r\n:0\r\n:0\r\n~2\r\n+@slow\r\n"
        "+@connection\r\n~0\r\n~0\r\n~0\r\n");
}

TEST_CASE("COMMAND, COUNT and LIST agree; subcommands are inside their containers") {
  TestServer server;
  TestClient client(server.port());
  const std::string count = client.Ask({"COMMAND", "COUNT"}).substr(1);
  CHECK(client.Ask({"COMMAND"}).starts_with("*" + count));
  CHECK(client.Ask({"COMMAND", "INFO"}).starts_with("*" + count));
  CHECK(client.Ask({"COMMAND", "LIST"}).starts_with("*" + count));
  CHECK(client.Ask({"COMMAND", "DOCS"}).starts_with("*" + std::to_string(2 * std::stoi(count))));
  CHECK(client.Ask({"COMMAND", "LIST", "FILTERBY", "PATTERN", "SLOWLOG|*"}) ==
        "*4\r\n$11\r\nslowlog|get\r\n$12\r\nslowlog|help\r\n$11\r\nslowlog|len\r\n"
        "$13\r\nslowlog|reset\r\n");
  CHECK(client.Ask({"COMMAND", "LIST", "FILTERBY", "MODULE", "json"}) == "*0\r\n");
}

TEST_CASE("COMMAND DOCS names arguments with type, token and flags") {
  TestServer server;
  TestClient client(server.port());
  client.Ask({"HELLO", "3"});
  const std::string docs = client.Ask({"COMMAND", "DOCS", "memory|usage", "nosuch"});
  CHECK(docs.starts_with("%1\r\n$12\r\nmemory|usage\r\n%5\r\n$7\r\nsummary\r\n"));
  CHECK(docs.ends_with(
      "$9\r\narguments\r\n*2\r\n%3\r\n$4\r\nname\r\n$3\r\nkey\r\n$4\r\ntype\r\n$3\r\nkey\r\n"
      "$14\r\nkey_spec_index\r\n:0\r\n%4\r\n$4\r\nname\r\n$7\r\nsamples\r\n$4\r\ntype\r\n"
      "$7\r\ninteger\r\n$5\r\ntoken\r\n$7\r\nSAMPLES\r\n$5\r\nflags\r\n~1\r\n+optional\r\n"));
  CHECK(client.Ask({"COMMAND", "DOCS", "slowlog"}).find("$11\r\nsubcommands\r\n%4\r\n") !=
        std::string::npos);
}

TEST_CASE("COMMAND GETKEYS finds the keys of a request") {
  TestServer server;
  TestClient client(server.port());
  CHECK(client.Ask({"COMMAND", "GETKEYS", "DEL", "a", "b"}) == "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  CHECK(client.Ask({"COMMAND", "GETKEYS", "memory", "usage", "k"}) == "*1\r\n$1\r\nk\r\n");
  CHECK(client.Ask({"COMMAND", "GETKEYSANDFLAGS", "GET", "a"}) ==
        "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n");
}

TEST_CASE("HELP lists every subcommand with its arguments") {
  TestServer server;
  TestClient client(server.port());
  const std::string help = client.Ask({"SLOWLOG", "HELP"});
  CHECK(
      help.starts_with("*9\r\n+SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n"
                       "+GET [count]\r\n"));
}

}  // namespace kvserver
