// What a store says about itself.
#ifndef LIBKV_STATS_H_
#define LIBKV_STATS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace libkv {

struct SpaceStats {
  std::string prefix;
  uint64_t documents = 0;         // live values with words
  uint64_t sealed_documents = 0;  // those of them in segments on disk; the others are in memory
  uint64_t dead_documents = 0;    // overwritten or deleted, and still in the index
  uint64_t segments = 0;
  uint64_t terms = 0;         // distinct ones of each segment and of what is in memory, added up
  uint32_t dimension = 0;     // of its vectors, now; 0: it has none
  std::string embedder;       // the identity of the one that makes them, now; "": none
  uint64_t vectors = 0;       // live; right after an open, those that have been read
  uint64_t vector_lists = 0;  // that they are in; 0: all are compared
  // Lists that were split, and that were merged into others, since the store was opened, or since
  // the vectors were made anew.
  uint64_t list_splits = 0, list_merges = 0;
  uint64_t index_bytes = 0;   // memory held by the word index
  uint64_t vector_bytes = 0;  // memory held by the vector index
  // For every recall target that was measured: how much of a space a search for 10 neighbours
  // looks at to reach it, as a share of the vectors, and the share of the true neighbours that such
  // searches found, on average over stored vectors and some of the latest queries; 0: measured by a
  // version that did not keep it. Empty: searches compare everything, or the bits of everything
  // where these alone are in memory.
  struct Recall {
    double target = 0;
    double share = 0;
    double delivered = 0;
  };
  std::vector<Recall> recall;
  uint64_t recall_age = 0;  // vectors overwritten or deleted since it was measured
  // With Space::deferred: values whose vectors are still to be made; those whose texts the embedder
  // does not take, which have none; and what it last answered when it failed, "" since it did not.
  uint64_t pending_vectors = 0, refused_vectors = 0;
  std::string embedder_error;
  // With Space::learn: of how many values the model in force was learnt, 0: none is yet; whether
  // one is being learnt or its vectors are being made, and the share of the learning that is done;
  // and what the last training failed with, "" since one did not.
  uint64_t learnt_from = 0;
  bool is_learning = false;
  double learning_progress = 0;
  std::string learning_error;
  // While Reembed runs, or the vectors of a model are made: how many of the values of before it
  // have been embedded again.
  uint64_t reembedded = 0, reembed_total = 0;
};

struct StoreStats {
  uint64_t keys_estimate = 0;  // of live and expired keys; RocksDB's estimate
  uint64_t disk_bytes = 0;     // tables and logs
  uint64_t memory_bytes = 0;   // held now: caches, write buffers, indexes
  uint64_t commits = 0;        // groups of writes committed since open
  uint64_t writes = 0;         // changes of keys in them
  uint64_t syncs = 0;          // log syncs: commits that somebody needed durable
  uint64_t expired = 0;        // keys removed since open because their time was over
  // The record cache: reads of the newest state that it answered since open, those that it left to
  // the engine, and the memory it holds, which is part of memory_bytes.
  uint64_t record_hits = 0, record_misses = 0;
  uint64_t record_cache_bytes = 0;
  std::vector<SpaceStats> spaces;
};

// What Verify found.
struct VerifyReport {
  uint64_t keys = 0;                  // records whose checksum was compared
  uint64_t rows = 0;                  // rows of the application, likewise
  uint64_t documents = 0;             // compared with the word index
  uint64_t vectors = 0;               // compared with the vector rows
  uint64_t index_rows = 0;            // rows of the index and vectors families that were explained
  uint64_t problem_count = 0;         // 0: data and indexes agree
  std::vector<std::string> problems;  // the first 100, one sentence each
};

}  // namespace libkv

#endif  // LIBKV_STATS_H_
