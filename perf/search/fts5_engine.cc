#include <sqlite3.h>

#include <filesystem>

#include "harness.h"
#include "search/rivals.h"

namespace libkv::perf {
namespace {

class Database {
 public:
  explicit Database(const std::string& directory) {
    std::filesystem::create_directories(directory);
    if (sqlite3_open((directory + "/index.sqlite").c_str(), &handle_) != SQLITE_OK) Die();
    Execute("PRAGMA journal_mode = WAL");
    Execute("PRAGMA synchronous = NORMAL");
    Execute("PRAGMA cache_size = -262144");  // KiB: everything stays in memory
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void Execute(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) Die();
  }
  sqlite3* handle() const { return handle_; }
  [[noreturn]] void Die() const { Fail(std::string("sqlite: ") + sqlite3_errmsg(handle_)); }

 private:
  sqlite3* handle_ = nullptr;
};

class Statement {
 public:
  Statement(const Database& database, const char* sql) : database_(database) {
    if (sqlite3_prepare_v2(database.handle(), sql, -1, &handle_, nullptr) != SQLITE_OK) {
      database_.Die();
    }
  }
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // `text` must live until the next Reset.
  void Bind(int place, std::string_view text) {
    sqlite3_bind_text(handle_, place, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  void Bind(int place, int64_t number) { sqlite3_bind_int64(handle_, place, number); }
  bool Step() {  // true: there is a row
    const int result = sqlite3_step(handle_);
    if (result != SQLITE_ROW && result != SQLITE_DONE) database_.Die();
    return result == SQLITE_ROW;
  }
  int64_t Number(int column) const { return sqlite3_column_int64(handle_, column); }
  void Reset() { sqlite3_reset(handle_); }

 private:
  const Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

BuildCost Build(const std::vector<Document>& documents, const std::string& directory) {
  BuildCost cost;
  {
    const double begin = ProcessCpuSeconds();
    Database database(directory);
    database.Execute(
        "CREATE VIRTUAL TABLE documents USING "
        "fts5(text, content = '', tokenize = 'porter unicode61')");
    database.Execute("BEGIN");
    {
      Statement insert(database, "INSERT INTO documents (rowid, text) VALUES (?, ?)");
      for (size_t i = 0; i < documents.size(); ++i) {
        insert.Bind(1, static_cast<int64_t>(i) + 1);
        insert.Bind(2, documents[i].text);
        insert.Step();
        insert.Reset();
      }
    }
    database.Execute("COMMIT");
    cost.write_cpu_seconds = ProcessCpuSeconds() - begin;
    database.Execute("INSERT INTO documents (documents) VALUES ('optimize')");
    database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    database.Execute("VACUUM");
    cost.merge_cpu_seconds = ProcessCpuSeconds() - begin - cost.write_cpu_seconds;
  }
  cost.disk_bytes = DirectoryBytes(directory);
  return cost;
}

std::string InFts5sLanguage(const Query& query) {
  std::string text;
  const bool is_phrase = query.kind == QueryKind::kPhrase;
  if (is_phrase) text += '"';
  for (size_t i = 0; i < query.words.size(); ++i) {
    if (i > 0) text += is_phrase ? " " : query.kind == QueryKind::kOr ? " OR " : " AND ";
    text += is_phrase ? query.words[i] : '"' + query.words[i] + '"';
  }
  if (is_phrase) text += '"';
  if (query.kind == QueryKind::kPrefix) text += '*';
  return text;
}

class Fts5Engine final : public Engine {
 public:
  explicit Fts5Engine(const std::string& directory)
      : database_(directory),
        search_(database_,
                "SELECT rowid FROM documents WHERE documents MATCH ? ORDER BY rank LIMIT 10") {}

  std::vector<Answer> Pass(const std::vector<Query>& queries) override {
    std::vector<Answer> answers(queries.size());
    for (size_t i = 0; i < queries.size(); ++i) {
      if (!Supports(queries[i].kind)) continue;
      const std::string text = InFts5sLanguage(queries[i]);
      const double begin = ThreadCpuSeconds();
      search_.Bind(1, text);
      while (search_.Step()) {
        answers[i].hits.push_back(static_cast<uint32_t>(search_.Number(0) - 1));
      }
      search_.Reset();
      answers[i].us = (ThreadCpuSeconds() - begin) * 1e6;
    }
    return answers;
  }

  bool Supports(QueryKind kind) const override { return kind != QueryKind::kFuzzy; }

 private:
  Database database_;
  Statement search_;
};

}  // namespace

EngineKind Fts5Kind() {
  return {"sqlite fts5", Build, [](const std::string& directory) -> std::unique_ptr<Engine> {
            return std::make_unique<Fts5Engine>(directory);
          }};
}

}  // namespace libkv::perf
