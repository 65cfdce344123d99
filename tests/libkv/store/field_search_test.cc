// Filters, facets and sort of Search, table by table and against a plain map of JSON values.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/store_test.h"

namespace libkv {
namespace {

Space FieldSpace(std::vector<std::string> fields, const std::string& prefix = "") {
  Space space = TextSpace(prefix);
  space.text_fields = {"text"};
  space.fields = std::move(fields);
  return space;
}

std::string Sorted(const Store& store, const std::string& query,
                   const SearchOptions& options = {}) {
  const auto result = store.Search(options, query);
  REQUIRE_OK(result);
  std::vector<std::string> keys;
  for (const Hit& hit : result->hits) keys.push_back(hit.key);
  std::sort(keys.begin(), keys.end());
  CHECK(result->total == keys.size());
  return Keys(keys);
}

std::string Show(const FieldValue& value) {
  if (std::holds_alternative<std::nullptr_t>(value)) return "null";
  if (const bool* const b = std::get_if<bool>(&value)) return *b ? "true" : "false";
  if (const auto* const text = std::get_if<std::string>(&value)) return "'" + *text + "'";
  const double number = std::get<double>(value);
  return std::to_string(static_cast<int64_t>(number * 100));
}

std::string Show(const Facet& facet) {
  std::string out;
  for (const Facet::Value& v : facet.values)
    out += Show(v.value) + "=" + std::to_string(v.count) + " ";
  return out + "of " + std::to_string(facet.distinct) + " +" + std::to_string(facet.other_count);
}

void FillSmall(Store& store) {
  const KeyValue items[] = {
      {"a", R"({"text":"web server","n":1,"date":"2024-01-31","tag":["x","y","x"]})"},
      {"b", R"({"text":"web proxy","n":1.0,"date":"2024-03-31","tag":"x","ok":true})"},
      {"c", R"({"text":"mail server","n":"1","date":"2024-04-01","ok":false})"},
      {"d", R"({"text":"web","n":-0.0,"date":2024,"tag":null})"},
      {"e", R"({"text":"server","n":12,"date":"soon","tag":"two words"})"},
      {"f", R"({"n":1,"tag":"x"})"},
      {"g", "web server, not JSON"},
  };
  REQUIRE_OK(store.BulkSet({}, items));
}

TEST_CASE("filters stand anywhere in a query and find what the table of the language says") {
  const TempDir dir;
  auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n", "date", "tag", "ok"})}));
  FillSmall(*store);
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    CHECK(Sorted(*store, "n:1") == "a b c");  // f has no words
    CHECK(Sorted(*store, "n:\"1\"") == "a b c");
    CHECK(Sorted(*store, "web n:1") == "a b");
    CHECK(Sorted(*store, "web -n:1") == "d g");
    CHECK(Sorted(*store, "* NOT tag:*") == "c g");
    CHECK(Sorted(*store, "n:0") == "d");
    CHECK(Sorted(*store, "n:>1") == "e");
    CHECK(Sorted(*store, "n:>=1") == "a b c e");
    CHECK(Sorted(*store, "n:<1") == "d");
    CHECK(Sorted(*store, "n:<=1") == "a b c d");
    CHECK(Sorted(*store, "n:0..1") == "a b c d");
    CHECK(Sorted(*store, "n:[0 TO 1]") == "a b c d");
    CHECK(Sorted(*store, "n:[2 TO *]") == "e");
    CHECK(Sorted(*store, "n:5..1") == "");
    CHECK(Sorted(*store, "date:[2024-01 TO 2024-03]") == "a b");
    CHECK(Sorted(*store, "date:<=2024-03") == "a b");
    CHECK(Sorted(*store, "date:<2024-03") == "a");
    CHECK(Sorted(*store, "date:>2024-01") == "b c e");  // as texts: "soon" is behind
    CHECK(Sorted(*store, "date:>=2024") == "a b c d");  // numbers and texts with digits
    CHECK(Sorted(*store, "date:so*") == "e");
    CHECK(Sorted(*store, "tag:\"two words\"") == "e");
    CHECK(Sorted(*store, "tag:two") == "");
    CHECK(Sorted(*store, "tag:null") == "d");
    CHECK(Sorted(*store, "ok:true OR ok:false") == "b c");
    CHECK(Sorted(*store, "(tag:y OR ok:false) server") == "a c");
    CHECK(Sorted(*store, "mail OR tag:y") == "a c");
    CHECK(Sorted(*store, "-n:1") == "");
    CHECK(Sorted(*store, "* -n:1 -date:*") == "g");
    if (round == 0) REQUIRE_OK(store->SealIndex(""));
    if (round == 1) store = nullptr, store = OpenStore(dir.path());
  }
  CheckVerifies(*store);
}

TEST_CASE("a filter scores nothing beside words and 1 where nothing else is asked for") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n", "tag"})}));
  FillSmall(*store);
  const double plain = store->Search({}, "mail")->hits.at(0).score;
  CHECK(store->Search({}, "mail n:1")->hits.at(0).score == plain);
  CHECK(store->Search({}, "mail (n:1 OR n:0)")->hits.at(0).score == plain);
  CHECK(store->Search({.filters = {{.field = "n"}}}, "mail")->hits.at(0).score == plain);
  CHECK(store->Search({}, "n:1 tag:y")->hits.at(0).score == 1);
  SearchOptions explain;
  explain.explain = true;
  const auto hit = store->Search(explain, "tag:y OR mail")->hits.at(1);
  CHECK(hit.score == 1);
  REQUIRE(hit.explanation.size() == 1);
  CHECK(hit.explanation[0].what == "tag:y");
}

TEST_CASE("what looks like a field and is none stays words, with a warning, or fails strictly") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n"})}));
  REQUIRE_OK(store->Set({}, "a", "title word at http://example.org std::vector 10:30 n 5"));
  for (const std::string query :
       {"http://example.org", "std::vector", "10:30", "C++:", "word: at"}) {
    CAPTURE(query);
    const auto result = store->Search({}, query);
    CHECK(result->warnings.empty());
    SearchOptions strict;
    strict.strict = true;
    CHECK_OK(store->Search(strict, query));
  }
  struct Case {
    std::string query, warning;
  };
  for (const Case& c : std::vector<Case>{
           {"title:word", "Byte 0: 'title' is not an indexed field; it was taken as text."},
           {"a n:[5 6]", "Byte 4: a range that is not [first TO last]; it was taken as text."},
           {"n:[5 TO 6", "Byte 2: a range that is not [first TO last]; it was taken as text."},
           {"n: at", "Byte 2: a field without a value; it was taken as text."},
           {"n:>", "Byte 2: a comparison without a value; it was taken as text."},
           {"n:>=(5)", "Byte 2: a comparison without a value; it was taken as text."},
       }) {
    CAPTURE(c.query);
    const auto result = store->Search({}, c.query);
    REQUIRE_OK(result);
    REQUIRE(result->warnings.size() == 1);
    CHECK(result->warnings[0] == c.warning);
    SearchOptions strict;
    strict.strict = true;
    CHECK(absl::IsInvalidArgument(store->Search(strict, c.query).status()));
  }
  CHECK(Sorted(*store, "title:word") == "a");
  CHECK(store->Search({}, "n:5 title:\"unclosed")->warnings.size() == 2);
}

TEST_CASE("facets count every match, most frequent values first") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n", "tag", "ok"})}));
  FillSmall(*store);
  SearchOptions options;
  options.limit = 1;
  options.facets = {{"n"}, {"tag", 1}, {"ok", 0}};
  const auto result = store->Search(options, "web OR server");
  REQUIRE_OK(result);
  CHECK(result->hits.size() == 1);
  CHECK(result->total == 6);
  CHECK(result->total_is_exact);
  REQUIRE(result->facets.size() == 3);
  CHECK(Show(result->facets[0]) == "100=2 0=1 1200=1 '1'=1 of 4 +0");
  CHECK(Show(result->facets[1]) == "'x'=2 of 4 +3");
  CHECK(Show(result->facets[2]) == "of 2 +2");
  options.facets = {{"none"}};
  CHECK(absl::IsFailedPrecondition(store->Search(options, "web").status()));
  options.facets.assign(kFacetsMax + 1, {"n"});
  CHECK(absl::IsInvalidArgument(store->Search(options, "web").status()));
  options.facets = {{"n", kFacetValuesMax + 1}};
  CHECK(absl::IsInvalidArgument(store->Search(options, "web").status()));
  const std::string long_text(1'000, 'x');
  REQUIRE_OK(store->Set({}, "l", R"({"text":"longish","tag":")" + long_text + "\"}"));
  options.facets = {{"tag"}};
  CHECK(Show(store->Search(options, "longish")->facets[0]) == "'" + long_text + "'=1 of 1 +0");
  CHECK(Sorted(*store, "tag:" + long_text) == "l");
  CHECK(Sorted(*store, "tag:" + long_text + "x") == "");
}

TEST_CASE("hits are sorted by a field, page after page, those without it last") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n", "tag"})}));
  FillSmall(*store);
  SearchOptions options;
  options.sort = {.field = "n"};
  CHECK(Keys(store->Search(options, "*")) == "d a b e c g");
  options.sort.descending = true;
  CHECK(Keys(store->Search(options, "*")) == "c e a b d g");
  options.sort = {.field = "tag"};
  CHECK(Keys(store->Search(options, "*")) == "d e a b c g");
  options.sort.descending = true;
  CHECK(Keys(store->Search(options, "*")) == "a b e d c g");
  const double score = store->Search({}, "mail")->hits.at(0).score;
  const Hit hit = store->Search(options, "mail")->hits.at(0);
  CHECK(hit.score == doctest::Approx(score));
  CHECK_FALSE(hit.value.has_value());
  for (const bool descending : {false, true}) {
    options.sort.descending = descending;
    options.limit = 10;
    options.after = {};
    const std::string all = Keys(store->Search(options, "*"));
    options.limit = 1;
    std::vector<std::string> keys;
    for (auto page = store->Search(options, "*"); !page->hits.empty();
         page = store->Search(options, "*")) {
      keys.push_back(page->hits[0].key);
      options.after = {.key = page->hits[0].key, .value = page->hits[0].value};
    }
    CHECK(Keys(keys) == all);
  }
}

TEST_CASE("filters of a program are of one kind, and what makes no sense is refused") {
  const TempDir dir;
  const Space other = FieldSpace({"only"}, "o:");
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n", "date"}), other}));
  FillSmall(*store);
  const auto with = [&](const FieldFilter& filter) {
    SearchOptions options;
    options.filters = {filter};
    return Sorted(*store, "*", options);
  };
  CHECK(with({.field = "n", .first = 1.0, .last = 1.0}) == "a b");
  CHECK(with({.field = "n", .first = "1", .last = "1"}) == "c");
  CHECK(with({.field = "n", .last = 1.0, .before_last = true}) == "d");
  CHECK(with({.field = "date", .first = "2024-03"}) == "b c e");
  CHECK(with({.field = "date", .last = "2024-03", .by_beginning = true}) == "a b d");
  CHECK(with({.field = "only"}) == "");  // of a space that has none of these values
  SearchOptions options;
  options.filters = {{.field = "n", .first = std::nan("")}};
  CHECK(absl::IsInvalidArgument(store->Search(options, "*").status()));
  options.filters = {{.field = "none"}};
  CHECK(absl::IsFailedPrecondition(store->Search(options, "*").status()));
  options.filters.assign(kFiltersMax + 1, {.field = "n"});
  CHECK(absl::IsInvalidArgument(store->Search(options, "*").status()));
  options.filters = {{.field = "n"}};
  CHECK(store->Search(options, "the")->total == 0);  // the query matches nothing by itself
  CHECK(store->Search(options, "")->total == 0);
  options = {};
  options.sort = {.field = "n"};
  options.after = {.key = "a", .value = std::nan("")};
  CHECK(absl::IsInvalidArgument(store->Search(options, "*").status()));
  options.after = {};
  options.sort = {.field = "none"};
  CHECK(absl::IsFailedPrecondition(store->Search(options, "*").status()));
}

TEST_CASE("feedback finds nothing that filters leave out") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n"})}));
  FillSmall(*store);
  SearchOptions options;
  options.feedback.documents = 3;
  CHECK(Sorted(*store, "web", options) == "a b c d e g");
  CHECK(Sorted(*store, "web n:1", options) == "a b c");  // c has a word of a
  CHECK(Sorted(*store, "web (n:1 OR n:12) -n:0", options) == "a b c e");
  options.filters = {{.field = "n", .first = 1.0, .last = 1.0}};
  CHECK(Sorted(*store, "web", options) == "a b");
}

TEST_CASE("a search whose time is over while it walks over field rows says so") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n"})}));
  std::vector<std::string> values;
  for (int i = 0; i < 200; ++i) {
    std::string value = R"({"text":"word","n":[)";
    for (int j = 0; j < 500; ++j) value += std::to_string(i * 500 + j) + ",";
    value.back() = ']';
    REQUIRE_OK(store->Set({.durability = Durability::kWritten}, std::to_string(i), value + "}"));
  }
  CHECK(store->Search({}, "n:>5")->total == 200);
  SearchOptions options;
  options.time_limit = std::chrono::milliseconds(1);
  const auto result = store->Search(options, "word n:>5 -n:..3");  // 200,000 rows
  REQUIRE_OK(result);
  CHECK(result->is_partial);
  CHECK_FALSE(result->total_is_exact);
}

TEST_CASE("an overwrite with the same field value is found by its new words, within a batch too") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"n"})}));
  REQUIRE_OK(store->Set({}, "a", R"({"text":"old","n":1})"));
  REQUIRE_OK(store->Set({}, "a", R"({"text":"newer","n":1})"));
  CHECK(Sorted(*store, "newer n:1") == "a");
  const auto before = store->GetSnapshot();
  const KeyValue items[] = {{"a", R"({"text":"first","n":1})"}, {"a", R"({"text":"last","n":1})"}};
  REQUIRE_OK(store->BulkSet({}, items));
  CHECK(Sorted(*store, "n:1 last") == "a");
  CHECK(Sorted(*store, "n:1 first") == "");
  SearchOptions past;
  past.snapshot = before;
  CHECK(Sorted(*store, "newer n:1", past) == "a");
  CHECK(Sorted(*store, "last n:1", past) == "");
  CheckVerifies(*store);
}

TEST_CASE("huge values and queries with fields are answered, within bounds") {
  const TempDir dir;
  const auto store = OpenStore(dir.path(), WithSpaces({FieldSpace({"f7", "a.a"})}));
  std::string many = R"({"text":"many")";
  for (int i = 0; i < 100'000; ++i) many += ",\"f" + std::to_string(i) + "\":" + std::to_string(i);
  REQUIRE_OK(store->Set({}, "many", many + "}"));
  std::string deep = R"({"text":"deep","f7":)";
  for (int i = 0; i < 1'000; ++i) deep += "{\"a\":";
  deep += "1" + std::string(1'001, '}');
  REQUIRE_OK(store->Set({}, "deep", deep));
  CHECK(Sorted(*store, "f7:7") == "many");
  CHECK(Sorted(*store, "f7:..1e308") == "many");
  for (const std::string piece : {"f7:1 ", "f7:[", "f7:\"", "f7:>", "-f7:1..2 ", "f7:[1 TO "}) {
    std::string query;
    while (query.size() < (1 << 20)) query += piece;
    CHECK_OK(store->Search({}, query));
  }
}

// -- The oracle -----------------------------------------------------------------------------------

// null < false < true < numbers < texts
struct IsLess {
  bool operator()(const FieldValue& a, const FieldValue& b) const {
    if (a.index() != b.index()) return a.index() < b.index();
    if (const bool* const x = std::get_if<bool>(&a)) return !*x && std::get<bool>(b);
    if (const double* const x = std::get_if<double>(&a)) return *x < std::get<double>(b);
    const auto* const x = std::get_if<std::string>(&a);
    return x != nullptr && *x < std::get<std::string>(b);
  }
};
constexpr IsLess kIsLess;

// A value as the model knows it: its words and the values of each field, in order.
struct ModelValue {
  std::set<std::string> words;
  std::map<std::string, std::set<FieldValue, IsLess>> fields;
};
using Model = std::map<std::string, ModelValue>;

const std::vector<std::string> kFields = {"n", "s", "m"};
const std::vector<std::string> kWords = {"alpha", "beta", "gamma"};

FieldValue RandomValue(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
    case 3:
    case 4:
      return static_cast<double>(random() % 12) / 2 - 2;
    default: {
      const char* const texts[] = {"1", "12", "2024-01-05", "2024-02", "b", "ba", "bb", "c"};
      return std::string(texts[random() % std::size(texts)]);
    }
  }
}

std::string ToJson(const FieldValue& value) {
  if (std::holds_alternative<std::nullptr_t>(value)) return "null";
  if (const bool* const b = std::get_if<bool>(&value)) return *b ? "true" : "false";
  if (const auto* const text = std::get_if<std::string>(&value)) return "\"" + *text + "\"";
  return std::to_string(std::get<double>(value));
}

std::string RandomDocument(std::mt19937_64& random, ModelValue* model) {
  std::string json = "{\"text\":\"";
  for (const std::string& word : kWords) {
    if (random() % 2 == 0) continue;
    json += word + " ";
    model->words.insert(word);
  }
  json += "\"";
  for (const std::string& field : kFields) {
    const size_t count = random() % 4;
    if (count == 0) continue;
    json += ",\"" + field + "\":[";
    for (size_t i = 0; i < count; ++i) {
      const FieldValue value = RandomValue(random);
      model->fields[field].insert(value);
      json += (i == 0 ? "" : ",") + ToJson(value);
    }
    json += "]";
  }
  return json + "}";
}

bool Passes(const FieldFilter& filter, const FieldValue& value) {
  const auto* const text = std::get_if<std::string>(&value);
  const auto begins = [&](const FieldValue& bound) {
    const auto* const beginning = std::get_if<std::string>(&bound);
    return filter.by_beginning && text != nullptr && beginning != nullptr &&
           text->starts_with(*beginning);
  };
  if (filter.first.has_value()) {
    const bool is_bound = value == *filter.first || begins(*filter.first);
    if (is_bound ? filter.after_first : kIsLess(value, *filter.first)) return false;
  }
  if (filter.last.has_value()) {
    const bool is_bound = value == *filter.last || begins(*filter.last);
    if (is_bound ? filter.before_last : kIsLess(*filter.last, value)) return false;
  }
  return true;
}

FieldFilter RandomFilter(std::mt19937_64& random) {
  FieldFilter filter{.field = kFields[random() % kFields.size()]};
  if (random() % 4 != 0) filter.first = RandomValue(random);
  if (random() % 4 != 0) filter.last = random() % 4 == 0 ? filter.first : RandomValue(random);
  filter.after_first = random() % 3 == 0;
  filter.before_last = random() % 3 == 0;
  filter.by_beginning = random() % 2 == 0;
  return filter;
}

struct Question {
  SearchOptions options;
  std::string word;  // "": all
};

Question RandomQuestion(std::mt19937_64& random) {
  Question q;
  if (random() % 3 != 0) q.word = kWords[random() % kWords.size()];
  for (size_t i = random() % 3; i > 0; --i) q.options.filters.push_back(RandomFilter(random));
  q.options.sort = {.field = kFields[random() % kFields.size()], .descending = random() % 2 == 0};
  q.options.facets = {{kFields[random() % kFields.size()], 1 + random() % 5}};
  q.options.limit = kSearchLimitMax;
  return q;
}

std::vector<std::string> Matches(const Model& model, const Question& q) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : model) {
    if (value.words.empty() || (!q.word.empty() && value.words.count(q.word) == 0)) continue;
    const bool passes = std::all_of(
        q.options.filters.begin(), q.options.filters.end(), [&](const FieldFilter& filter) {
          const auto found = value.fields.find(filter.field);
          return found != value.fields.end() &&
                 std::any_of(found->second.begin(), found->second.end(),
                             [&](const FieldValue& v) { return Passes(filter, v); });
        });
    if (passes) keys.push_back(key);
  }
  return keys;
}

void SortAsAsked(const Model& model, const SortOptions& sort, std::vector<std::string>* keys) {
  const auto first_value = [&](const std::string& key) -> std::optional<FieldValue> {
    const auto& fields = model.at(key).fields;
    const auto found = fields.find(sort.field);
    if (found == fields.end()) return std::nullopt;
    return sort.descending ? *found->second.rbegin() : *found->second.begin();
  };
  std::stable_sort(keys->begin(), keys->end(), [&](const std::string& a, const std::string& b) {
    const auto x = first_value(a), y = first_value(b);
    if (!x.has_value() || !y.has_value()) return x.has_value() && !y.has_value();
    return sort.descending ? kIsLess(*y, *x) : kIsLess(*x, *y);
  });
}

std::string CountAsAsked(const Model& model, const FacetOptions& asked,
                         const std::vector<std::string>& keys) {
  std::map<FieldValue, size_t, IsLess> counts;
  for (const std::string& key : keys) {
    const auto& fields = model.at(key).fields;
    const auto found = fields.find(asked.field);
    if (found == fields.end()) continue;
    for (const FieldValue& value : found->second) ++counts[value];
  }
  Facet facet;
  for (const auto& [value, count] : counts) facet.values.push_back({value, count});
  facet.distinct = counts.size();
  std::stable_sort(facet.values.begin(), facet.values.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  for (size_t i = asked.limit; i < facet.values.size(); ++i) {
    facet.other_count += facet.values[i].count;
  }
  if (facet.values.size() > asked.limit) facet.values.resize(asked.limit);
  return Show(facet);
}

void Compare(const Store& store, const Model& model, Question q, std::mt19937_64& random) {
  std::vector<std::string> expected = Matches(model, q);
  const std::string query = q.word.empty() ? "*" : q.word;
  const std::string counted = CountAsAsked(model, q.options.facets[0], expected);
  SortAsAsked(model, q.options.sort, &expected);
  const auto all = store.Search(q.options, query);
  REQUIRE_OK(all);
  CHECK(Keys(all) == Keys(expected));
  CHECK(all->total == expected.size());
  CHECK(all->total_is_exact);
  CHECK(Show(all->facets.at(0)) == counted);
  if (expected.size() < 2) return;
  // A page by offset and one after a hit.
  const size_t at = random() % (expected.size() - 1);
  q.options.limit = 5;
  const std::vector<std::string> page(
      expected.begin() + static_cast<ptrdiff_t>(at) + 1,
      expected.begin() + static_cast<ptrdiff_t>(std::min(at + 6, expected.size())));
  q.options.after = {.key = all->hits[at].key, .value = all->hits[at].value};
  CHECK(Keys(store.Search(q.options, query)) == Keys(page));
  q.options.after = {};
  q.options.offset = at + 1;
  CHECK(Keys(store.Search(q.options, query)) == Keys(page));
}

TEST_CASE("random filters, facets and sorts answer as a plain map of JSON values does") {
  // Method: writes, deletes, seals, merges, reopenings and snapshots in between, two spaces.
  const uint64_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const TempDir dir;
  const Options options =
      WithSpaces({FieldSpace({"n", "s", "m"}), FieldSpace({"m", "s", "n"}, "k1")});
  auto store = OpenStore(dir.path(), options);
  Model model;
  for (int step = 0; step < 60; ++step) {
    CAPTURE(step);
    Batch batch;
    Model written;
    for (int i = 0; i < 20; ++i) {
      const std::string key = "k" + std::to_string(random() % 300);
      if (random() % 5 == 0) {
        REQUIRE_OK(store->Delete({.durability = Durability::kWritten}, key));
        model.erase(key);
      } else {
        ModelValue value;
        const std::string json = RandomDocument(random, &value);
        REQUIRE_OK(store->Set({.durability = Durability::kWritten}, key, json));
        model[key] = value;
      }
    }
    auto snapshot = store->GetSnapshot();
    const Model then = model;
    for (int i = 0; i < 5; ++i) {
      REQUIRE_OK(store->Delete({.durability = Durability::kWritten},
                               model.empty() ? "none" : model.begin()->first));
      if (!model.empty()) model.erase(model.begin());
    }
    if (step % 7 == 3) REQUIRE_OK(store->SealIndex(step % 2 == 0 ? "" : "k1"));
    if (step % 20 == 19) REQUIRE_OK(store->MergeIndex(""));
    for (int i = 0; i < 4; ++i) {
      Compare(*store, model, RandomQuestion(random), random);
      Question past = RandomQuestion(random);
      past.options.snapshot = snapshot;
      Compare(*store, then, past, random);
    }
    snapshot = nullptr;
    if (step % 25 == 24) {
      store = nullptr;
      store = OpenStore(dir.path());
    }
  }
  CheckVerifies(*store);
}

}  // namespace
}  // namespace libkv
