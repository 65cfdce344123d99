// relevance: how good libkv's rankings are, on collections that people have judged.
// What the numbers mean: perf/README.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness.h"
#include "libkv/analyzer.h"
#include "libkv/embedder.h"
#include "libkv/hybrid.h"
#include "libkv/lsa.h"
#include "search/documents.h"
#include "search/engine.h"
#include "search/evaluator.h"
#include "search/libkv_index.h"
#include "search/ngram_embedder.h"
#ifdef LIBKV_PERF_LUCENE
#include "search/lucene_process.h"
#endif

namespace libkv::perf {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::vector<std::string> collections;  // folders
  std::string qrels;
  std::string runs_folder;
  std::vector<std::string> rival_runs;  // NAME=FILE
  std::string directory = fs::temp_directory_path() / "libkv_relevance";
  bool self_check = false;
};

struct Collection {
  std::string name;
  std::vector<Document> documents, queries;
  Judgements judgements;
};

struct System {
  std::string name;
  Rankings run;
};

// All relevant documents count, whatever their grade, where a collection says so by a second file.
std::string QrelsOf(const Arguments& arguments, const std::string& folder) {
  if (!arguments.qrels.empty()) return folder + "/" + arguments.qrels;
  const std::string all = folder + "/qrels_all.txt";
  return fs::exists(all) ? all : folder + "/qrels.txt";
}

// Ids that are spelled otherwise than in the texts would pass as bad rankings.
void CheckIds(const Collection& collection) {
  std::set<std::string> documents, queries;
  for (const Document& document : collection.documents) documents.insert(document.id);
  for (const Document& query : collection.queries) queries.insert(query.id);
  size_t missing = 0;
  std::string example;
  for (const auto& [query, grades] : collection.judgements) {
    if (!queries.contains(query)) Fail(collection.name + ": no query has the judged id " + query);
    for (const auto& [document, grade] : grades) {
      if (grade <= 0 || documents.contains(document)) continue;
      ++missing;
      example = document;
    }
  }
  if (missing == 0) return;
  std::printf("  %zu judgements name documents that are not there, as %s: nobody can find them\n",
              missing, example.c_str());
}

Collection ReadCollection(const Arguments& arguments, const std::string& folder) {
  Collection collection;
  const fs::path normal = fs::path(folder).lexically_normal();
  collection.name = (normal.has_filename() ? normal : normal.parent_path()).filename();
  collection.documents = ReadDocuments(folder + "/docs.tsv");
  collection.queries = ReadDocuments(folder + "/queries.tsv");
  const std::string qrels = QrelsOf(arguments, folder);
  collection.judgements = ReadJudgements(qrels);
  std::printf("\n%s: %zu documents, %zu queries, judged in %s\n", collection.name.c_str(),
              collection.documents.size(), collection.queries.size(),
              fs::path(qrels).filename().c_str());
  CheckIds(collection);
  std::erase_if(collection.queries,
                [&](const Document& query) { return !collection.judgements.contains(query.id); });
  return collection;
}

// Any of the words of `text`, each as the analyzer cuts it, in quotes: no sign of the text is taken
// for an operator, and a word with a hyphen is not taken for a phrase.
std::string AnyWordOf(const std::string& text) {
  std::string query;
  MakeEnglishAnalyzer()->Analyze(text, [&](const Token& token) {
    if (!query.empty()) query += " OR ";
    query += '"' + text.substr(token.begin_byte, token.end_byte - token.begin_byte) + '"';
  });
  return query;
}

std::unique_ptr<Store> Load(const Collection& collection, const std::string& directory,
                            std::shared_ptr<const Analyzer> analyzer,
                            std::shared_ptr<const Embedder> embedder) {
  fs::remove_all(directory);
  Options options;
  options.spaces.push_back({.prefix = "",
                            .text = true,
                            .analyzer = std::move(analyzer),
                            .embedder = std::move(embedder)});
  std::unique_ptr<Store> store = OpenStore(options, directory);
  for (const Document& document : collection.documents) {
    Require(store->Set({.durability = Durability::kBuffered}, document.id, document.text));
  }
  MergeIndex(*store, "");
  return store;
}

Rankings SearchAll(const Store& store, const Collection& collection, SearchOptions options) {
  options.limit = kRankedMax;
  Rankings run;
  for (const Document& query : collection.queries) {
    const absl::StatusOr<SearchResult> result = store.Search(options, AnyWordOf(query.text));
    Require(result.status());
    for (const std::string& warning : result->warnings) {
      std::printf("query %s: %s\n", query.id.c_str(), warning.c_str());
    }
    std::vector<Ranked>& ranked = run[query.id];
    for (const Hit& hit : result->hits) ranked.push_back({hit.key, hit.score});
  }
  return run;
}

Rankings HybridAll(const Store& store, const Collection& collection, Fusion fusion) {
  Rankings run;
  for (const Document& query : collection.queries) {
    const HybridOptions options = {.limit = kRankedMax, .fusion = fusion};
    const absl::StatusOr<HybridResult> result = store.Hybrid(options, AnyWordOf(query.text));
    Require(result.status());
    std::vector<Ranked>& ranked = run[query.id];
    for (const HybridHit& hit : result->hits) ranked.push_back({hit.key, hit.score});
  }
  return run;
}

Rankings SimilarAll(const Store& store, const Collection& collection) {
  Rankings run;
  for (const Document& query : collection.queries) {
    const auto neighbors = store.SimilarText({.limit = kRankedMax}, query.text);
    Require(neighbors.status());
    std::vector<Ranked>& ranked = run[query.id];
    for (const Neighbor& neighbor : *neighbors) ranked.push_back({neighbor.key, neighbor.score});
  }
  return run;
}

void AddBm25(const Store& store, const Collection& collection, double k1, double b,
             const std::string& name, std::vector<System>* systems) {
  SearchOptions options;
  if (SetBm25(k1, b, &options)) {
    systems->push_back({name, SearchAll(store, collection, options)});
  } else {
    std::printf("%s: not measured, this libkv has no such option\n", name.c_str());
  }
}

std::shared_ptr<const Embedder> LearnLsa(const Collection& collection) {
  const double start = ThreadCpuSeconds();
  LsaTrainer trainer;
  for (const Document& document : collection.documents) trainer.Add(document.text);
  const absl::StatusOr<std::string> model = trainer.Train();
  Require(model.status());
  std::printf("  lsa/1 learnt in %.2f s of one thread, %zu bytes\n", ThreadCpuSeconds() - start,
              model->size());
  const auto embedder = MakeLsaEmbedder(*model);
  Require(embedder.status());
  return *embedder;
}

// Learnt from the documents themselves, alone and together with words.
void AddLsa(const Collection& collection, const std::string& directory,
            std::vector<System>* systems) {
  const std::unique_ptr<Store> store =
      Load(collection, directory, MakeEnglishAnalyzer(), LearnLsa(collection));
  systems->push_back({"libkv-lsa/1", SimilarAll(*store, collection)});
  systems->push_back({"libkv-hybrid", HybridAll(*store, collection, Fusion::kConvex)});
  systems->push_back({"libkv-hybrid-rrf", HybridAll(*store, collection, Fusion::kReciprocalRank)});
}

// Runs of characters, without a word of libkv's own.
void AddNgrams(const Collection& collection, const std::string& directory,
               std::vector<System>* systems) {
  const std::unique_ptr<Store> store =
      Load(collection, directory, MakeEnglishAnalyzer(), MakeNgramEmbedder());
  systems->push_back({"ngrams", SimilarAll(*store, collection)});
}

void AddLibkv(const Collection& collection, const std::string& directory,
              std::vector<System>* systems) {
  std::unique_ptr<Store> store =
      Load(collection, directory, MakeEnglishAnalyzer(), MakeHashEmbedder());
  systems->push_back({"libkv-bm25", SearchAll(*store, collection, {})});
  AddBm25(*store, collection, 1.2, 0.75, "libkv-bm25-1.2", systems);
  SearchOptions feedback;
  feedback.feedback.documents = 10;
  systems->push_back({"libkv-bm25+rm3", SearchAll(*store, collection, feedback)});
  SearchOptions tf_idf;
  tf_idf.ranking = Ranking::kTfIdf;
  systems->push_back({"libkv-tfidf", SearchAll(*store, collection, tf_idf)});
  systems->push_back({"libkv-hash/1", SimilarAll(*store, collection)});
  store.reset();
  AddNgrams(collection, directory, systems);
  AddLsa(collection, directory, systems);
  // Lucene's own analyzer, to compare the rankings alone.
  const auto porter = MakeAnalyzer("porter");
  if (!porter.ok()) return;
  store = Load(collection, directory, *porter, nullptr);
  AddBm25(*store, collection, 1.2, 0.75, "libkv-porter-1.2", systems);
}

#ifdef LIBKV_PERF_LUCENE
Rankings LuceneRun(LuceneProcess& lucene, const Collection& collection) {
  Rankings run;
  for (const Document& query : collection.queries) {
    std::vector<Ranked>& ranked = run[query.id];
    for (const auto& [number, score] : lucene.Rank(query.text, kRankedMax)) {
      ranked.push_back({collection.documents[number].id, score});
    }
  }
  return run;
}

void AddLucene(const Collection& collection, const std::string& directory,
               std::vector<System>* systems) {
  fs::remove_all(directory);
  LuceneProcess lucene;
  lucene.Index(collection.documents, directory);
  lucene.Open(directory, 1.2, 0.75);
  systems->push_back({"lucene-1.2", LuceneRun(lucene, collection)});
  lucene.Open(directory, 1.5, 0.75);
  systems->push_back({"lucene-1.5", LuceneRun(lucene, collection)});
}
#else
void AddLucene(const Collection&, const std::string&, std::vector<System>*) {
  std::puts("lucene: not built, a JDK or Lucene 8 (liblucene8-java) was not there");
}
#endif

System RivalRun(const std::string& argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string::npos) Fail("--rival-run wants NAME=FILE");
  return {argument.substr(0, equals), ReadRun(argument.substr(equals + 1))};
}

// A name as a part of a file's name.
std::string FileName(std::string name) {
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

void Report(const Arguments& arguments, const Collection& collection,
            const std::vector<System>& systems) {
  std::printf("  %-22s %8s %8s   %s\n", "", "nDCG@10", "MAP", "difference to the first");
  Effectiveness first;
  for (const System& system : systems) {
    const Effectiveness figures = Evaluate(collection.judgements, system.run);
    if (&system == &systems.front()) first = figures;
    std::printf("  %-22s %8.4f %8.4f   %+.4f %+.4f\n", system.name.c_str(), figures.ndcg10,
                figures.map, figures.ndcg10 - first.ndcg10, figures.map - first.map);
    if (arguments.runs_folder.empty()) continue;
    fs::create_directories(arguments.runs_folder);
    WriteRun(system.run, FileName(system.name),
             arguments.runs_folder + "/" + collection.name + "." + FileName(system.name) + ".run");
  }
  std::printf("  means over %zu judged queries\n", first.queries);
  std::fflush(stdout);
}

int RunAll(const Arguments& arguments) {
  CheckEvaluator();
  if (arguments.self_check) {
    std::puts("the evaluator agrees with the rankings worked out by hand");
    return 0;
  }
  if (arguments.collections.empty()) Fail("name a folder with --data");
  if (!arguments.rival_runs.empty() && arguments.collections.size() > 1) {
    Fail("a run belongs to one collection: --rival-run goes with one --data");
  }
  fs::create_directories(arguments.directory);
  for (const std::string& folder : arguments.collections) {
    const Collection collection = ReadCollection(arguments, folder);
    std::vector<System> systems;
    AddLibkv(collection, arguments.directory + "/store", &systems);
    AddLucene(collection, arguments.directory + "/lucene", &systems);
    for (const std::string& run : arguments.rival_runs) systems.push_back(RivalRun(run));
    Report(arguments, collection, systems);
  }
  fs::remove_all(arguments.directory + "/store");
  fs::remove_all(arguments.directory + "/lucene");
  return 0;
}

}  // namespace
}  // namespace libkv::perf

int main(int argc, char** argv) {
  libkv::perf::Arguments arguments;
  CLI::App app("nDCG@10 and MAP of libkv's rankings on judged collections.");
  app.add_option("--data", arguments.collections,
                 "A folder with docs.tsv, queries.tsv and qrels.txt; may be repeated");
  app.add_option("--qrels", arguments.qrels,
                 "The judgements in the folders; else qrels_all.txt where it is, else qrels.txt");
  app.add_option("--save-runs", arguments.runs_folder,
                 "Write every ranking to this folder, COLLECTION.SYSTEM.run in trec_eval's format");
  app.add_option("--rival-run", arguments.rival_runs,
                 "NAME=FILE: a ranking of another program, in trec_eval's format");
  app.add_option("--dir", arguments.directory, "Where the indexes are made and removed again")
      ->capture_default_str();
  app.add_flag("--self-check", arguments.self_check,
               "Compare the evaluator with rankings worked out by hand, and end");
  CLI11_PARSE(app, argc, argv);
  return libkv::perf::RunAll(arguments);
}
