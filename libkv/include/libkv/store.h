// A Store is one directory: an ordered map from keys to values, with a word index and a vector
// index derived from the values. The three change together or not at all.
//
//   absl::StatusOr<std::unique_ptr<libkv::Store>> store = libkv::Store::Open({}, "/var/lib/app");
//   if (!store.ok()) ...
//   absl::Status status = (*store)->Set({}, "greeting", "hello world");
//
// Threads    Any method, any thread, any time.
// Lifetime   Arguments are copied before return. Results belong to the caller, except inside
//            View, ViewEntry and ForEachRow, which lend. Iterators and snapshots must die before
//            the store.
// Errors     NotFound is an answer. InvalidArgument: the caller's data; nothing was written.
//            FailedPrecondition: wrong state, format, analyzer or embedder; the message says what
//            to do. Aborted: a condition did not hold. ResourceExhausted: the disk or memory is
//            full; Unavailable: the system failed to read or write. When the disk failed in a
//            write, its effect is unknown, and the store answers DataLoss to all further writes:
//            reads go on; close it and open it again. DataLoss from a read: a checksum does not
//            match; overwrite that key, or restore it. No exception leaves the library.
// fork()     A child must not use a store its parent opened: every call but the destructor
//            answers FailedPrecondition there.
#ifndef LIBKV_STORE_H_
#define LIBKV_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libkv/batch.h"
#include "libkv/find.h"
#include "libkv/hybrid.h"
#include "libkv/iterator.h"
#include "libkv/options.h"
#include "libkv/search.h"
#include "libkv/similar.h"
#include "libkv/snapshot.h"
#include "libkv/stats.h"

namespace libkv {

struct KeyValue {
  std::string_view key;
  std::string_view value;
};

// What is stored under a key.
struct Entry {
  std::string value;
  std::optional<int64_t> expiry;  // milliseconds since 1970; nullopt: never
  std::string stamp;              // SetOptions::stamp; empty: none
};

// The same, lent.
struct EntryView {
  std::string_view value;
  std::optional<int64_t> expiry;
  std::string_view stamp;
};

class Store {
 public:
  // Opens the store in `directory`, creating it unless options.must_exist. Everything that was
  // acknowledged is there, and searchable, when Open returns; it reads back the values that
  // have words (about 1 s per 35 MB of text).
  //
  // One process at a time may open a store for writing: a second one gets Unavailable, and
  // HolderOf(status) tells the process that has it. With options.read_only a store is opened as it
  // is now, without a lock, and never changes; writes answer FailedPrecondition. Opened beside a
  // process that writes, it may lack what that one was just moving from its log to a table.
  //
  // NotFound: must_exist (or read_only) and no store there. FailedPrecondition: `directory` is a
  // file; a newer format; spaces, analyzers or embedders that differ from the stored ones; a
  // directory with other files in it. PermissionDenied: the directory cannot be written.
  // DataLoss: the files are damaged; of a damaged log it is said where, and nothing was changed.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const Options& options,
                                                     const std::string& directory);

  // Waits for running calls' commits, then closes; for some seconds if an embedder is being learnt.
  // What was written is on disk: a clean close makes even kBuffered writes durable.
  ~Store();

  // Binds `value` to `key`, with its words, its vector and its fields. OK: see Durability.
  // InvalidArgument: empty key, key over kKeyBytesMax, value over kValueBytesMax, stamp over
  // kStampBytesMax, all three over kBatchBytesMax together, a vector of the wrong dimension, with
  // NaN or infinity, or of length zero under cosine. FailedPrecondition: the space has an embedder
  // that was not given at open.
  absl::Status Set(const WriteOptions& write, std::string_view key, std::string_view value,
                   const SetOptions& options = {});

  // Gives the value of `key` another vector and leaves the rest, its stamp included, as it is.
  // NotFound: no such key.
  absl::Status SetVector(const WriteOptions& write, std::string_view key,
                         std::span<const float> vector);

  // Removes `key` and everything derived from its value. Deleting nothing is OK.
  absl::Status Delete(const WriteOptions& write, std::string_view key);

  // Binds all items, or none: readers and searches see all of them or none, and so does a restart
  // after a crash. Of equal keys the last one counts. InvalidArgument: as for Set, naming the item,
  // or more than kBatchBytesMax in total; nothing was written. A Batch may bring rows of the
  // application (Batch::PutRow), which change with its values or not at all.
  absl::Status BulkSet(const WriteOptions& write, std::span<const KeyValue> items);
  absl::Status Apply(const WriteOptions& write, const Batch& batch);

  // As Apply, without waiting: `done` is called once, with the result, from another thread or
  // before Write returns. It must not block and must not wait for other writes of this store.
  // At most 64 MiB and 65,536 batches wait at a time; beyond that Write blocks until there is room.
  void Write(const WriteOptions& write, Batch batch, std::function<void(absl::Status)> done);

  // Binds `desired` to `key`, without a stamp, if its value is `expected`; nullopt stands for no
  // value, on either side. Aborted: the value was another one.
  absl::Status CompareAndSet(const WriteOptions& write, std::string_view key,
                             std::optional<std::string_view> expected,
                             std::optional<std::string_view> desired);

  // Adds `amount` to the decimal integer stored at `key` (none counts as 0) and returns the sum.
  // The expiry time stays, a stamp does not. InvalidArgument: the value is not an integer of 64
  // bits. OutOfRange: the sum would not be one. Nothing is written then.
  absl::StatusOr<int64_t> Increment(const WriteOptions& write, std::string_view key,
                                    int64_t amount = 1);

  // A copy of the value. NotFound carries no message, so that a miss costs nothing.
  // DataLoss: the stored value is damaged.
  absl::StatusOr<std::string> Get(const ReadOptions& read, std::string_view key) const;

  // A copy of the value, of its stamp, and when it expires, all of the same moment: one read of one
  // record, the cost of Get. The same failures.
  absl::StatusOr<Entry> GetEntry(const ReadOptions& read, std::string_view key) const;

  // Lends the value to `reader`, the cheapest read. The view dies when `reader` returns. `reader`
  // must not wait and must not write to this store; an exception from it becomes Internal.
  absl::Status View(const ReadOptions& read, std::string_view key,
                    absl::FunctionRef<void(std::string_view value)> reader) const;

  // The same with stamp and expiry time, all of one record.
  absl::Status ViewEntry(const ReadOptions& read, std::string_view key,
                         absl::FunctionRef<void(const EntryView& entry)> reader) const;

  // The values of `keys`, in their order, all from one view of the store.
  std::vector<absl::StatusOr<std::string>> MultiGet(const ReadOptions& read,
                                                    std::span<const std::string_view> keys) const;

  // When `key` expires: milliseconds since 1970, or nullopt for never. NotFound: no such key.
  absl::StatusOr<std::optional<int64_t>> GetExpiry(const ReadOptions& read,
                                                   std::string_view key) const;

  // A copy of a row of the application's. NotFound, without a message: there is none of that name.
  // DataLoss: the row is damaged; putting or deleting it repairs that.
  absl::StatusOr<std::string> GetRow(const ReadOptions& read, std::string_view name) const;

  // Lends the rows whose names begin with `prefix` to `reader`, in the order of their names, until
  // it returns false; all from one view of the store, the snapshot or the state of now. The views
  // die when `reader` returns. It may use this store, and does not see what it changes. DataLoss: a
  // row is damaged, and named; those before it have been lent. An exception from `reader` becomes
  // Internal. Costs a step for each row, and for each that was deleted lately.
  absl::Status ForEachRow(
      const ReadOptions& read, std::string_view prefix,
      absl::FunctionRef<bool(std::string_view name, std::string_view value)> reader) const;

  std::unique_ptr<Iterator> NewIterator(const ReadOptions& read,
                                        const IteratorOptions& bounds = {}) const;
  std::shared_ptr<const Snapshot> GetSnapshot() const;

  // The best hits for `query` among the spaces with text. Every acknowledged write is seen.
  // InvalidArgument: limit + offset over kSearchLimitMax; a query that strict does not accept;
  // after with a score that is NaN; too many filters or facets. FailedPrecondition: no space with
  // text matches the prefix; a field in the options that none of them indexes, or that is still
  // being built.
  absl::StatusOr<SearchResult> Search(const SearchOptions& options, std::string_view query) const;

  // The values that share the most telling words with the value of `key`, which is left out: its
  // words with the greatest tf * idf, of the 1,000 most frequent of its first MiB, become a query
  // with OR, ranked by BM25. NotFound: no such key. FailedPrecondition: it is in no space with
  // text, or no space under the prefix has text. InvalidArgument: options out of their bounds.
  absl::StatusOr<SearchResult> MoreLike(const MoreLikeOptions& options, std::string_view key) const;

  // Completions of the last word of `text`, most frequent first, from the words of all spaces with
  // text under the prefix; none if it does not end with a word. FailedPrecondition: no such space.
  // InvalidArgument: limit over kSuggestLimitMax. Costs a look at every word with that beginning.
  absl::StatusOr<std::vector<Suggestion>> Suggest(const SuggestOptions& options,
                                                  std::string_view text) const;

  // The nearest neighbours of a vector; of the vector of `key` (which is left out); of `text`, by
  // the space's embedder. Up to Options::exact_vectors_max vectors, and with SimilarOptions::exact,
  // every one is compared; beyond, as many as the recall target asks for, and scores may be those
  // of 8-bit codes (off by about 0.0005 of the product of the lengths). Fewer than `limit` only
  // when fewer pass the filters. InvalidArgument: wrong dimension, NaN, zero under cosine, limit
  // over kSimilarLimitMax, a recall target outside of (0, 1], a prefix that leads to several
  // spaces, too many filters, or words that are no strict query. NotFound: `key` has no vector.
  // FailedPrecondition: no space under the prefix has vectors; it does not index a field of a
  // filter, or, with words, no text. DataLoss: a vector that must be compared is missing or
  // damaged.
  absl::StatusOr<std::vector<Neighbor>> Similar(const SimilarOptions& options,
                                                std::span<const float> vector) const;
  absl::StatusOr<std::vector<Neighbor>> SimilarTo(const SimilarOptions& options,
                                                  std::string_view key) const;
  absl::StatusOr<std::vector<Neighbor>> SimilarText(const SimilarOptions& options,
                                                    std::string_view text) const;

  // The best values for `query` by words and by vectors together: see HybridOptions. One snapshot
  // for both. Either side may find nothing: no value has the words, or the query has no direction.
  // InvalidArgument and FailedPrecondition: as for Search and Similar; weights or candidates out of
  // their bounds; and the space has no text, or neither an embedder nor HybridOptions::vector.
  // Costs both searches, and of each hit that only one side named a look by the other.
  absl::StatusOr<HybridResult> Hybrid(const HybridOptions& options, std::string_view query) const;

  // The stored vector of `key`. NotFound: no such key, or it has none. FailedPrecondition: it is in
  // no space with vectors. DataLoss: it is damaged, or, where no embedder makes vectors, missing.
  absl::StatusOr<std::vector<float>> GetVector(const ReadOptions& read, std::string_view key) const;

  // The vector that the embedder of the space makes of `text`: of the one space with vectors that
  // `prefix` leads to, as for Similar. A text without words has all zeros: no direction.
  // InvalidArgument: the prefix leads to several spaces. FailedPrecondition: none under it has
  // vectors, or it has no embedder, or that one was not given at open. Else: the embedder's error.
  absl::StatusOr<std::vector<float>> Embed(std::string_view prefix, std::string_view text,
                                           EmbedKind kind = EmbedKind::kDocument) const;

  // The keys, in order, whose whole value is `value` (spaces with `values`); or whose JSON field
  // options.field is `value` (spaces with that field). A number in `value` equals the JSON number
  // whatever its spelling: "1" finds 1 and 1.0, and the string "1" too.
  // FailedPrecondition: no space under the prefix has that index. InvalidArgument: limit over
  // kFindLimitMax.
  absl::StatusOr<std::vector<std::string>> FindByValue(const FindOptions& options,
                                                       std::string_view value) const;

  // The keys whose field lies in a range, by the order of their values, then of the keys. The same
  // failures as FindByValue, and InvalidArgument for NaN. Costs a read of each key that is
  // returned.
  absl::StatusOr<std::vector<FieldHit>> QueryField(const FieldQuery& query) const;

  // Defines a space while the store is in use and indexes what is already there. New writes are
  // indexed from the start; searches see the older values as they are done; returns when all are.
  // A crash in between is made up for by the next Open. Defining the same space again is OK.
  // FailedPrecondition: the prefix is defined otherwise: DropSpace it first.
  absl::Status DefineSpace(const Space& space);

  // The definition in force of the space that `key` belongs to; nullopt: it is in none. All of
  // them, in the order of their prefixes. With the fields of CreateFieldIndex, those that are still
  // being built included; the embedder is null when it was not given at open. Such a definition can
  // be given to DefineSpace or Open again, unless its embedder is not there. In a child after a
  // fork: none.
  std::optional<Space> SpaceOf(std::string_view key) const;
  std::vector<Space> Spaces() const;

  // Removes the indexes of the space with this prefix; the values stay. NotFound: no such space.
  absl::Status DropSpace(std::string_view prefix);

  // Makes the JSON field `path` of the space with this prefix one that can be asked for, or takes
  // that away, while the store is in use. Create: new writes are indexed from the start, older
  // values one by one, without their words being touched; returns when all are. Until then queries
  // that name the field answer FailedPrecondition. A crash in between is made up for by the next
  // Open. Values that are not JSON have no fields; that is no error. Creating one that is there,
  // and dropping one that is not, is OK. Costs a read of every value in the space.
  // NotFound: no such space. InvalidArgument: an empty path. ResourceExhausted: the space has had
  // 4,096 fields, numbers of dropped ones included.
  absl::Status CreateFieldIndex(std::string_view prefix, std::string_view path);
  absl::Status DropFieldIndex(std::string_view prefix, std::string_view path);

  // Makes the vectors of the space with this prefix anew, by `embedder`, or, if that is null, by
  // the one the space has: for another model, or when the model behind the old name has changed.
  // The new generation of vectors is built beside the old one, while searches use the old one and
  // writes go to both; then it comes into force, all at once, and the old one is deleted. Its
  // dimension may be another one. Returns when all is done; Stats tells how far it is. A crash, or
  // a failure of the embedder, before the end leaves the old generation in force; call it again.
  //
  // Every vector is made from its value's text: those that were given with values, before or
  // meanwhile, are replaced. What is written meanwhile fails with the error of either embedder;
  // but if the old one cannot be used from the start, new values have a vector in the new
  // generation only, and are not found by similarity until it is in force. Snapshots of before go
  // on with the old generation. From then on the store must be opened with the new embedder.
  //
  // NotFound: no such space. InvalidArgument: the embedder has no name or no dimension.
  // FailedPrecondition: the space has no embedder, or it was not given and `embedder` is null, or
  // it learns one itself; it is being re-embedded already; it was dropped meanwhile. Else: the
  // embedder's error.
  absl::Status Reembed(std::string_view prefix, std::shared_ptr<const Embedder> embedder = nullptr);

  // Waits until no value of a space with Space::deferred waits for its vector, so that all that was
  // written before this call is found by similarity, but for texts that the embedder does not take
  // (SpaceStats::refused_vectors; they are asked for again when they are written again, and after
  // Reembed). OK at once where nothing is deferred. DeadlineExceeded: some still wait; with the
  // embedder's last error, if it fails. Embedding goes on by itself, 128 texts at a time, with
  // pauses of 0.2 to 30 s after failures. FailedPrecondition: the store is read-only, where
  // nothing is made.
  absl::Status WaitIndexed(std::chrono::milliseconds timeout) const;

  // For a space with Space::learn: learns its embedder from the values it has now (a sample of
  // 100,000 of them, or 64 MiB), and makes all vectors anew by it, as Reembed does. About 10 s for
  // 60,000 short texts, in one thread, before the vectors are made; it happens by itself too.
  // NotFound: no such space. FailedPrecondition: it does not learn; fewer than kLsaTextsMin values
  // have words; and as for Reembed.
  absl::Status TrainEmbedder(std::string_view prefix);

  // New words are kept in memory and sealed into a segment on disk when there are enough of them
  // (a sixteenth of memory_bytes, at most 32 MiB of text, or 50,000 values); segments are merged in
  // the background. These calls do it now, for the space with this prefix, and return when it is
  // done; searches and writes go on meanwhile. SealIndex: what is in memory becomes a segment.
  // MergeIndex: all segments become one, without what was overwritten or deleted; as expensive as
  // the index is large. Reindex: the words of all values are taken from them again, into new
  // segments, which then replace the old ones; the codes and lists of its vectors are compared with
  // the vectors, and repaired: for an index that Verify finds fault with. A vector that is lost
  // itself is made again by the space's embedder; without one its value is no longer found by
  // similarity, and Verify names it until it is set again.
  // NotFound: no such space. FailedPrecondition: it indexes no text (Reindex: nor vectors).
  // Reindex, with all else repaired: the error of the embedder, or that it was not given at open.
  absl::Status SealIndex(std::string_view prefix);
  absl::Status MergeIndex(std::string_view prefix);
  absl::Status Reindex(std::string_view prefix);

  // Moves everything from the log into tables, so that the next Open reads no log.
  absl::Status Flush();

  // Writes a copy that can be opened as a store: hard links where possible, taken at one moment.
  // `directory` must not exist; its parent must.
  absl::Status Checkpoint(const std::string& directory) const;

  // Reads everything once and compares: every checksum of files, values and rows; words, vectors
  // and field rows against the values they are derived from. Runs beside other calls, on a
  // snapshot, and needs the memory of the indexes once more while it does.
  absl::StatusOr<VerifyReport> Verify() const;

  StoreStats Stats() const;

  // Deletes the store in `directory` for ever. Unavailable: it is open somewhere.
  // FailedPrecondition: the directory holds something else; nothing is deleted.
  static absl::Status Destroy(const std::string& directory);

  // The process that holds a store, if `status` is the Unavailable that Open or Destroy answered.
  static std::optional<int64_t> HolderOf(const absl::Status& status);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace libkv

#endif  // LIBKV_STORE_H_
