// Vectors that are made after their values by a server: whatever it does, no write waits for it and
// no value is lost. A real server on the loopback interface, whose answers each test chooses.
#ifdef LIBKV_HTTP
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "libkv/embed/http_test_server.h"
#include "libkv/http_embedder.h"
#include "libkv/store/deferred_values.h"

namespace libkv {
namespace {

using Reply = HttpTestServer::Reply;

// The right answer to a request for embeddings.
Reply Answer(const HttpTestServer::Request& request) {
  const auto asked = nlohmann::json::parse(request.body);
  nlohmann::json data = nlohmann::json::array();
  for (size_t i = 0; i < asked["input"].size(); ++i) {
    data.push_back({{"index", i}, {"embedding", VectorOf(asked["input"][i].get<std::string>())}});
  }
  return {.body = nlohmann::json{{"data", data}}.dump()};
}

TEST_CASE("a server that is slow, busy, broken or away delays vectors, and no write") {
  enum class State { kWell, kBusy, kBroken, kAway, kSlow };
  std::atomic<State> state{State::kWell};
  const HttpTestServer server([&](const HttpTestServer::Request& request, size_t) -> Reply {
    switch (state.load()) {
      case State::kBusy:
        return {.code = 429, .body = "{}", .headers = "Retry-After: 60\r\n"};
      case State::kBroken:
        return {.code = 500, .body = "{\"error\":\"out of memory\"}"};
      case State::kAway:
        return {.kind = Reply::Kind::kReset};
      case State::kSlow:
        std::this_thread::sleep_for(milliseconds(300));
        break;
      case State::kWell:
        break;
    }
    return Answer(request);
  });
  const auto embedder = MakeHttpEmbedder({.base_url = server.url(),
                                          .model = "m",
                                          .dimension = kDeferredDimension,
                                          .normalize = false,
                                          .request_timeout = milliseconds(2'000),
                                          .retries_max = 1,
                                          .first_wait = milliseconds(10),
                                          .wait_max = milliseconds(50)});
  REQUIRE_OK(embedder);
  const TempDir dir;
  auto store = OpenStore(dir.path(), With(*embedder));
  Model model;
  int number = 0;
  for (const State at : {State::kBusy, State::kBroken, State::kAway, State::kSlow}) {
    CAPTURE(static_cast<int>(at));
    state = at;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 40; ++i) {
      const std::string key = "d" + std::to_string(number++);
      model[key] = "text of " + key;
      REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, model[key]));
      CHECK(Search(*store, key) == key);
    }
    if (at == State::kSlow) {
      CHECK(std::chrono::steady_clock::now() - begin < seconds(5));
    } else {
      CHECK(absl::IsDeadlineExceeded(store->WaitIndexed(milliseconds(100))));
      REQUIRE_OK(store->Set({}, "d" + std::to_string(number - 1), "overwritten while it waits"));
      model["d" + std::to_string(number - 1)] =
          "overwritten while it waits " + std::to_string(number);
      REQUIRE_OK(store->Set({}, "d" + std::to_string(number - 1),
                            model["d" + std::to_string(number - 1)]));
      REQUIRE_OK(store->Delete({}, "d" + std::to_string(number - 2)));
      model.erase("d" + std::to_string(number - 2));
      store.reset();
      store = OpenStore(dir.path(), With(*embedder));
      state = State::kWell;
    }
    CheckVectors(*store, model);
  }
}

using Answering = std::function<Reply(const HttpTestServer::Request& request)>;

absl::StatusOr<std::shared_ptr<const Embedder>> EmbedderOf(
    const HttpTestServer& server, milliseconds timeout = milliseconds(10'000),
    HttpEncoding encoding = HttpEncoding::kFloat) {
  return MakeHttpEmbedder({.base_url = server.url(),
                           .model = "m",
                           .dimension = kDeferredDimension,
                           .normalize = false,
                           .encoding = encoding,
                           .request_timeout = timeout,
                           .retries_max = 1,
                           .first_wait = milliseconds(5),
                           .wait_max = milliseconds(10)});
}

// Waits until the store has told what its embedder says.
std::string ErrorOf(const Store& store) {
  const auto end = std::chrono::steady_clock::now() + kLong;
  while (StatsOf(store).embedder_error.empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(2));
  }
  return StatsOf(store).embedder_error;
}

// The right answer, after `change` of its items.
Reply Changed(const HttpTestServer::Request& request,
              const std::function<void(nlohmann::json& data)>& change) {
  Reply reply = Answer(request);
  nlohmann::json body = nlohmann::json::parse(reply.body);
  change(body["data"]);
  reply.body = body.dump();
  return reply;
}

// The right answer, with `text` in the place of the first number of the first vector.
Reply WithNumber(const HttpTestServer::Request& request, const std::string& text) {
  Reply reply = Changed(request, [](auto& data) { data[0]["embedding"][0] = "here"; });
  const std::string mark = "\"here\"";
  reply.body.replace(reply.body.find(mark), mark.size(), text);
  return reply;
}

TEST_CASE("whatever a server answers instead of vectors, values are there and none is lost") {
  // Goal: an answer that is no answer is told, costs no write and no value, and makes no vector.
  // Method: each kind of trouble, while values are set, overwritten and deleted; then the server is
  // well. Every second time the store is opened anew before that.
  const struct {
    const char* what;
    Answering answer;
    const char* says;
  } troubles[] = {
      {"no JSON", [](const auto&) { return Reply{.body = "<html>hello</html>"}; }, "is not JSON"},
      {"half of an answer",
       [](const auto& request) {
         Reply reply = Answer(request);
         reply.body.resize(reply.body.size() / 2);
         return reply;
       },
       "is not JSON"},
      {"nothing", [](const auto&) { return Reply{}; }, "is not JSON"},
      {"other JSON", [](const auto&) { return Reply{.body = R"({"error":"tired"})"}; },
       "has no array \"data\""},
      {"a vector too few",
       [](const auto& request) {
         return Changed(request, [](auto& data) { data.erase(data.size() - 1); });
       },
       " texts"},
      {"a vector too many",
       [](const auto& request) {
         return Changed(request, [](auto& data) { data.push_back(data[0]); });
       },
       " texts"},
      {"a dimension too few",
       [](const auto& request) {
         return Changed(request, [](auto& data) { data[0]["embedding"].erase(0); });
       },
       "has a vector of 7 dimensions, expected 8"},
      {"a dimension too many",
       [](const auto& request) {
         return Changed(request, [](auto& data) { data[0]["embedding"].push_back(1); });
       },
       "has a vector of 9 dimensions, expected 8"},
      {"NaN", [](const auto& request) { return WithNumber(request, "NaN"); }, "is not JSON"},
      {"null", [](const auto& request) { return WithNumber(request, "null"); }, "is not a number"},
      {"too large a number", [](const auto& request) { return WithNumber(request, "1e39"); },
       "no float can hold"},
      {"NaN in bytes",
       [](const auto& request) {
         // Eight floats, of which the last is not a number.
         return Changed(request, [](auto& data) {
           data[0]["embedding"] = "AACAPwAAgD8AAIA/AACAPwAAgD8AAIA/AACAPwAAwH8=";
         });
       },
       "not finite"},
      {"zeros",
       [](const auto& request) {
         return Changed(request, [](auto& data) {
           data[0]["embedding"] = std::vector<float>(kDeferredDimension);
         });
       },
       "a vector of zeros"},
      {"too busy, for longer than anybody waits",
       [](const auto&) {
         return Reply{.code = 429, .body = "slowly", .headers = "Retry-After: 3600\r\n"};
       },
       "answered 429: slowly"},
      {"too busy", [](const auto&) { return Reply{.code = 429}; }, "answered 429"},
      {"broken", [](const auto&) { return Reply{.code = 500, .body = "out of memory"}; },
       "answered 500: out of memory"},
      {"another key wanted", [](const auto&) { return Reply{.code = 401, .body = "who are you"}; },
       "answered 401: who are you"},
      {"no such model", [](const auto&) { return Reply{.code = 404, .body = "no model m"}; },
       "answered 404: no model m"},
      {"a connection that breaks", [](const auto&) { return Reply{.kind = Reply::Kind::kReset}; },
       "could not be asked"},
  };
  std::mutex mutex;
  Answering trouble;  // guarded by mutex; none: all is well
  const HttpTestServer server([&](const HttpTestServer::Request& request, size_t) {
    const std::lock_guard lock(mutex);
    return trouble ? trouble(request) : Answer(request);
  });
  const auto set_trouble = [&](const Answering& answer) {
    const std::lock_guard lock(mutex);
    trouble = answer;
  };
  const auto embedder = EmbedderOf(server);
  REQUIRE_OK(embedder);
  const TempDir dir;
  auto store = OpenStore(dir.path(), With(*embedder));
  Model model;
  size_t number = 0;
  for (const auto& [what, answer, says] : troubles) {
    CAPTURE(std::string(what));
    set_trouble(answer);
    std::vector<std::string> keys;
    const auto set = [&](const std::string& key) {
      model[key] = "text " + std::to_string(number++) + " of " + key;
      REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, model[key]));
      CHECK(Value(*store, key) == model[key]);
      CHECK(Search(*store, "\"" + model[key] + "\"") == key);
    };
    for (int i = 0; i < 5; ++i) {
      keys.push_back("d" + std::to_string(number));
      set(keys.back());
    }
    CHECK(ErrorOf(*store).find(says) != std::string::npos);
    set(keys[1]);
    REQUIRE_OK(store->Delete({}, keys[2]));
    model.erase(keys[2]);
    CHECK(StatsOf(*store).pending_vectors == 4);
    CHECK(StatsOf(*store).refused_vectors == 0);
    const absl::Status waited = store->WaitIndexed(milliseconds(1));
    CHECK(absl::IsDeadlineExceeded(waited));
    CHECK(StatusText(waited).find("4 values wait for their vectors") != std::string::npos);
    CHECK(StatusText(waited).find(says) != std::string::npos);
    // No vector of another text in the meantime.
    CHECK(absl::IsNotFound(store->GetVector({}, keys[0]).status()));
    if (number % 2 == 0) {
      store.reset();
      store = OpenStore(dir.path(), With(*embedder));
      CHECK(StatsOf(*store).pending_vectors == 4);
    }
    set_trouble({});
    CheckVectors(*store, model);
    CHECK(StatsOf(*store).embedder_error.empty());
  }
}

TEST_CASE("a server that hangs holds up no write and no read, and a close for one request") {
  // Goal: values do not wait for the embedder, nor does anybody wait for ever. Method: the server
  // takes a request and says nothing; all that follows is done before that request is given up.
  std::atomic<bool> hangs{false};
  const HttpTestServer server([&](const HttpTestServer::Request& request, size_t) {
    return hangs ? Reply{.kind = Reply::Kind::kNothing} : Answer(request);
  });
  const milliseconds timeout(1'000);
  const auto embedder = EmbedderOf(server, timeout);
  REQUIRE_OK(embedder);
  const TempDir dir;
  auto store = OpenStore(dir.path(), With(*embedder));
  hangs = true;
  const size_t before = server.requests().size();
  const auto wait_for_requests = [&](size_t count) {
    const auto end = std::chrono::steady_clock::now() + kLong;
    while (server.requests().size() < before + count && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(1));
    }
  };
  Model model;
  for (int i = 0; i < 40; ++i) {
    const std::string key = "d" + std::to_string(i);
    model[key] = "text of " + key;
    REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, model[key]));
    CHECK(Value(*store, key) == model[key]);
    wait_for_requests(1);
  }
  CHECK(Search(*store, "d7") == "d7");
  const absl::Status early = store->WaitIndexed(milliseconds(1));
  CHECK(absl::IsDeadlineExceeded(early));
  // The first request still waits: nothing above has waited for it.
  CHECK(server.requests().size() == before + 1);
  CHECK(StatsOf(*store).embedder_error.empty());
  CHECK(StatsOf(*store).pending_vectors == 40);

  CHECK(ErrorOf(*store).find("could not be asked") != std::string::npos);
  const absl::Status late = store->WaitIndexed(milliseconds(1));
  CHECK(absl::IsDeadlineExceeded(late));
  CHECK(StatusText(late).find("could not be asked") != std::string::npos);
  wait_for_requests(2);
  const auto begin = std::chrono::steady_clock::now();
  store.reset();  // while the next request hangs
  CHECK(std::chrono::steady_clock::now() - begin < timeout + seconds(5));
  hangs = false;
  store = OpenStore(dir.path(), With(*embedder));
  CHECK(StatsOf(*store).pending_vectors + StatsOf(*store).vectors >= 40);
  CheckVectors(*store, model);
}

TEST_CASE("too much for a server at once goes in parts, and a text too large alone is refused") {
  // Goal: 413 loses no value. Method: a server that takes few texts at a time; then one that takes
  // none, which refuses each value, until it is written again or embedded anew.
  std::atomic<size_t> texts_max{3};
  const HttpTestServer server([&](const HttpTestServer::Request& request, size_t) {
    const size_t texts = nlohmann::json::parse(request.body)["input"].size();
    return texts > texts_max ? Reply{.code = 413, .body = "too large"} : Answer(request);
  });
  const auto embedder = EmbedderOf(server);
  REQUIRE_OK(embedder);
  const TempDir dir;
  const auto store = OpenStore(dir.path(), With(*embedder));
  Model model;
  Batch batch;
  const auto set = [&](const std::string& key, const std::string& text) {
    model[key] = text;
    batch.Set(key, text);
  };
  for (int i = 0; i < 20; ++i) set("d" + std::to_string(i), "small text " + std::to_string(i));
  REQUIRE_OK(store->Apply({}, batch));
  CheckVectors(*store, model);

  texts_max = 0;
  batch = Batch();
  for (int i = 0; i < 5; ++i) set("dlarge" + std::to_string(i), "large text " + std::to_string(i));
  REQUIRE_OK(store->Apply({}, batch));
  CHECK(ErrorOf(*store).find("answered 413: too large") != std::string::npos);
  REQUIRE_OK(store->WaitIndexed(kLong));  // for what can be had
  CHECK(StatsOf(*store).pending_vectors == 0);
  CHECK(StatsOf(*store).refused_vectors == 5);
  for (const auto& [key, text] : model) CHECK(Value(*store, key) == text);
  CHECK(Search(*store, "\"large text 4\"") == "dlarge4");
  CHECK(absl::IsNotFound(store->GetVector({}, "dlarge4").status()));
  CheckVerifies(*store);

  texts_max = 100;
  REQUIRE_OK(store->Set({}, "dlarge0", model["dlarge0"]));
  REQUIRE_OK(store->WaitIndexed(kLong));
  CHECK(*store->GetVector({}, "dlarge0") == VectorOf(model["dlarge0"]));
  CHECK(StatsOf(*store).refused_vectors == 4);
  REQUIRE_OK(store->Reembed("d"));
  CheckVectors(*store, model);
  CHECK(StatsOf(*store).refused_vectors == 0);
}

// With the usual patience.
absl::StatusOr<std::shared_ptr<const Embedder>> PlainEmbedder(const HttpTestServer& server) {
  return MakeHttpEmbedder({.base_url = server.url(),
                           .model = "m",
                           .dimension = kDeferredDimension,
                           .normalize = false});
}

TEST_CASE("a text that was embedded before is not sent again") {
  std::atomic<size_t> texts{0};
  const HttpTestServer server([&](const HttpTestServer::Request& request, size_t) {
    texts += nlohmann::json::parse(request.body)["input"].size();
    return Answer(request);
  });
  const auto embedder = PlainEmbedder(server);
  REQUIRE_OK(embedder);
  const TempDir dir;
  const auto store = OpenStore(dir.path(), With(*embedder));
  REQUIRE_OK(store->Set({}, "d1", "the same text"));
  REQUIRE_OK(store->WaitIndexed(kLong));
  const size_t before = texts;
  REQUIRE_OK(store->Set({}, "d1", "the same text"));
  REQUIRE_OK(store->Set({}, "d2", "the same text"));
  REQUIRE_OK(store->WaitIndexed(kLong));
  CHECK(*store->GetVector({}, "d2") == VectorOf("the same text"));
  CHECK(texts == before);
}

TEST_CASE("what an embedder remembers does not hide that the model behind it has changed") {
  // Goal: one embedder object may outlive a store, and the server behind it get another model. Then
  // nothing of the old one is compared with the new one's, and Reembed asks for every text again.
  std::atomic<bool> is_other{false};
  const auto vector_of = [](std::string_view text, bool other) {
    std::vector<float> vector = VectorOf(text);
    if (other) std::rotate(vector.begin(), vector.begin() + 3, vector.end());
    return vector;
  };
  const HttpTestServer server([&](const HttpTestServer::Request& request, size_t) {
    const bool other = is_other;
    HttpTestServer::Reply reply = Answer(request);
    if (!other) return reply;
    nlohmann::json body = nlohmann::json::parse(reply.body);
    for (auto& item : body["data"]) {
      auto vector = item["embedding"].get<std::vector<float>>();
      std::rotate(vector.begin(), vector.begin() + 3, vector.end());
      item["embedding"] = vector;
    }
    reply.body = body.dump();
    return reply;
  });
  const auto embedder = PlainEmbedder(server);
  REQUIRE_OK(embedder);
  const TempDir dir;
  {
    const auto store = OpenStore(dir.path(), With(*embedder));
    for (int i = 0; i < 40; ++i) {
      REQUIRE_OK(store->Set({}, "d" + std::to_string(i), "text " + std::to_string(i)));
    }
    REQUIRE_OK(store->WaitIndexed(kLong));
    CHECK(*store->GetVector({}, "d7") == vector_of("text 7", false));
  }
  is_other = true;
  const auto store = OpenStore(dir.path(), With(*embedder));
  CHECK(absl::IsFailedPrecondition(store->SimilarText({.prefix = "d"}, "text 7").status()));
  // A value that is written meanwhile waits.
  REQUIRE_OK(store->Set({}, "dnew", "text 7"));
  CHECK(absl::IsDeadlineExceeded(store->WaitIndexed(milliseconds(100))));
  CHECK(absl::IsNotFound(store->GetVector({}, "dnew").status()));
  REQUIRE_OK(store->Reembed("d"));
  REQUIRE_OK(store->WaitIndexed(kLong));
  for (int i = 0; i < 40; ++i) {
    const auto vector = store->GetVector({}, "d" + std::to_string(i));
    REQUIRE_OK(vector);
    CHECK(*vector == vector_of("text " + std::to_string(i), true));
  }
  CHECK(*store->GetVector({}, "dnew") == vector_of("text 7", true));
  CheckVerifies(*store);
}

}  // namespace
}  // namespace libkv
#endif
