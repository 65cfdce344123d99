// The public class: every method hands its arguments to the file that knows the way (see
// store_impl.h).
#include "libkv/store.h"

#include <exception>
#include <new>

#include "base/status_macros.h"
#include "base/strings.h"
#include "store/commit_types.h"
#include "store/directory.h"
#include "store/store_impl.h"

namespace libkv {
namespace {

// Runs `call`, in which an analyzer, an embedder or a clock of the caller's may throw, and memory
// may run out: no exception leaves the library.
template <typename Call>
auto Guarded(Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return MakeStatus(absl::StatusCode::kResourceExhausted, "out of memory");
  } catch (const std::exception& error) {
    return MakeStatus(absl::StatusCode::kInternal,
                      "an exception was thrown: ", std::string_view(error.what()));
  } catch (...) {
    return MakeStatus(absl::StatusCode::kInternal, "an exception was thrown");
  }
}

}  // namespace

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const Options& options,
                                                   const std::string& directory) {
  return Guarded([&]() -> absl::StatusOr<std::unique_ptr<Store>> {
    LIBKV_ASSIGN_OR_RETURN(std::unique_ptr<Impl> impl, Impl::Open(options, directory));
    return std::unique_ptr<Store>(new Store(std::move(impl)));
  });
}

absl::Status Store::Set(const WriteOptions& write, std::string_view key, std::string_view value,
                        const SetOptions& options) {
  return Guarded([&] { return impl_->Set(write, key, value, options); });
}
absl::Status Store::SetVector(const WriteOptions& write, std::string_view key,
                              std::span<const float> vector) {
  return Guarded([&] { return impl_->SetVector(write, key, vector); });
}
absl::Status Store::Delete(const WriteOptions& write, std::string_view key) {
  return Guarded([&] { return impl_->Delete(write, key); });
}
absl::Status Store::BulkSet(const WriteOptions& write, std::span<const KeyValue> items) {
  return Guarded([&] { return impl_->BulkSet(write, items); });
}
absl::Status Store::Apply(const WriteOptions& write, const Batch& batch) {
  return Guarded([&] { return impl_->Apply(write, batch); });
}
void Store::Write(const WriteOptions& write, Batch batch, std::function<void(absl::Status)> done) {
  impl_->Write(write, std::move(batch), std::move(done));
}
absl::Status Store::CompareAndSet(const WriteOptions& write, std::string_view key,
                                  std::optional<std::string_view> expected,
                                  std::optional<std::string_view> desired) {
  return Guarded([&] { return impl_->CompareAndSet(write, key, expected, desired); });
}
absl::StatusOr<int64_t> Store::Increment(const WriteOptions& write, std::string_view key,
                                         int64_t amount) {
  return Guarded([&] { return impl_->Increment(write, key, amount); });
}

absl::StatusOr<std::string> Store::Get(const ReadOptions& read, std::string_view key) const {
  return Guarded([&] { return impl_->Get(read, key); });
}
absl::StatusOr<Entry> Store::GetEntry(const ReadOptions& read, std::string_view key) const {
  return Guarded([&] { return impl_->GetEntry(read, key); });
}
absl::Status Store::View(const ReadOptions& read, std::string_view key,
                         absl::FunctionRef<void(std::string_view value)> reader) const {
  return Guarded([&] { return impl_->View(read, key, reader); });
}
absl::Status Store::ViewEntry(const ReadOptions& read, std::string_view key,
                              absl::FunctionRef<void(const EntryView& entry)> reader) const {
  return Guarded([&] { return impl_->ViewEntry(read, key, reader); });
}
std::vector<absl::StatusOr<std::string>> Store::MultiGet(
    const ReadOptions& read, std::span<const std::string_view> keys) const {
  return impl_->MultiGet(read, keys);
}
absl::StatusOr<std::optional<int64_t>> Store::GetExpiry(const ReadOptions& read,
                                                        std::string_view key) const {
  return Guarded([&] { return impl_->GetExpiry(read, key); });
}
absl::StatusOr<std::string> Store::GetRow(const ReadOptions& read, std::string_view name) const {
  return Guarded([&] { return impl_->GetRow(read, name); });
}
absl::Status Store::ForEachRow(
    const ReadOptions& read, std::string_view prefix,
    absl::FunctionRef<bool(std::string_view name, std::string_view value)> reader) const {
  return Guarded([&] { return impl_->ForEachRow(read, prefix, reader); });
}
std::unique_ptr<Iterator> Store::NewIterator(const ReadOptions& read,
                                             const IteratorOptions& bounds) const {
  return impl_->NewIterator(read, bounds);
}
std::shared_ptr<const Snapshot> Store::GetSnapshot() const { return impl_->GetSnapshot(); }

absl::StatusOr<SearchResult> Store::Search(const SearchOptions& options,
                                           std::string_view query) const {
  return Guarded([&] { return impl_->Search(options, query); });
}
absl::StatusOr<SearchResult> Store::MoreLike(const MoreLikeOptions& options,
                                             std::string_view key) const {
  return Guarded([&] { return impl_->MoreLike(options, key); });
}
absl::StatusOr<std::vector<Suggestion>> Store::Suggest(const SuggestOptions& options,
                                                       std::string_view text) const {
  return Guarded([&] { return impl_->Suggest(options, text); });
}
absl::StatusOr<std::vector<Neighbor>> Store::Similar(const SimilarOptions& options,
                                                     std::span<const float> vector) const {
  return Guarded([&] { return impl_->Similar(options, vector); });
}
absl::StatusOr<std::vector<Neighbor>> Store::SimilarTo(const SimilarOptions& options,
                                                       std::string_view key) const {
  return Guarded([&] { return impl_->SimilarTo(options, key); });
}
absl::StatusOr<std::vector<Neighbor>> Store::SimilarText(const SimilarOptions& options,
                                                         std::string_view text) const {
  return Guarded([&] { return impl_->SimilarText(options, text); });
}
absl::StatusOr<HybridResult> Store::Hybrid(const HybridOptions& options,
                                           std::string_view query) const {
  return Guarded([&] { return impl_->Hybrid(options, query); });
}
absl::StatusOr<std::vector<float>> Store::GetVector(const ReadOptions& read,
                                                    std::string_view key) const {
  return Guarded([&] { return impl_->GetVector(read, key); });
}
absl::StatusOr<std::vector<float>> Store::Embed(std::string_view prefix, std::string_view text,
                                                EmbedKind kind) const {
  return Guarded([&] { return impl_->EmbedText(prefix, text, kind); });
}
absl::StatusOr<std::vector<std::string>> Store::FindByValue(const FindOptions& options,
                                                            std::string_view value) const {
  return Guarded([&] { return impl_->FindByValue(options, value); });
}

absl::StatusOr<std::vector<FieldHit>> Store::QueryField(const FieldQuery& query) const {
  return Guarded([&] { return impl_->QueryField(query); });
}

absl::Status Store::DefineSpace(const Space& space) {
  return Guarded([&] { return impl_->DefineSpace(space); });
}
std::optional<Space> Store::SpaceOf(std::string_view key) const { return impl_->SpaceOf(key); }
std::vector<Space> Store::Spaces() const { return impl_->DefinedSpaces(); }
absl::Status Store::DropSpace(std::string_view prefix) {
  return Guarded([&] { return impl_->DropSpace(prefix); });
}
absl::Status Store::CreateFieldIndex(std::string_view prefix, std::string_view path) {
  return Guarded([&] { return impl_->CreateFieldIndex(prefix, path); });
}
absl::Status Store::DropFieldIndex(std::string_view prefix, std::string_view path) {
  return Guarded([&] { return impl_->DropFieldIndex(prefix, path); });
}
absl::Status Store::Reembed(std::string_view prefix, std::shared_ptr<const Embedder> embedder) {
  return Guarded([&] { return impl_->Reembed(prefix, std::move(embedder)); });
}
absl::Status Store::WaitIndexed(std::chrono::milliseconds timeout) const {
  return Guarded([&] { return impl_->WaitIndexed(timeout); });
}
absl::Status Store::TrainEmbedder(std::string_view prefix) {
  return Guarded([&] { return impl_->TrainEmbedder(prefix); });
}
absl::Status Store::SealIndex(std::string_view prefix) {
  return Guarded([&] { return impl_->SealIndex(prefix); });
}
absl::Status Store::MergeIndex(std::string_view prefix) {
  return Guarded([&] { return impl_->MergeIndex(prefix); });
}
absl::Status Store::Reindex(std::string_view prefix) {
  return Guarded([&] { return impl_->Reindex(prefix); });
}
absl::Status Store::Flush() {
  return Guarded([&] { return impl_->Flush(); });
}
absl::Status Store::Checkpoint(const std::string& directory) const {
  return Guarded([&] { return impl_->Checkpoint(directory); });
}
absl::StatusOr<VerifyReport> Store::Verify() const {
  return Guarded([&] { return impl_->Verify(); });
}
StoreStats Store::Stats() const { return impl_->Stats(); }

absl::Status Store::Destroy(const std::string& directory) {
  LIBKV_ASSIGN_OR_RETURN(const DirectoryContents there, LookInto(directory));
  if (there == DirectoryContents::kMissing) return absl::OkStatus();
  if (there != DirectoryContents::kStore) {
    return FailedPrecondition(directory, " holds no store: nothing was deleted");
  }
  LIBKV_ASSIGN_OR_RETURN(const DirectoryLock lock, DirectoryLock::Acquire(directory));
  LIBKV_RETURN_IF_ERROR(Engine::Destroy(directory));
  return DeleteOwnFiles(directory);
}

std::optional<int64_t> Store::HolderOf(const absl::Status& status) { return LockHolder(status); }

}  // namespace libkv
