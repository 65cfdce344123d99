#include "command/key_walk.h"

#include <algorithm>

#include "command/node.h"
#include "command/session.h"

namespace kvserver {
namespace {

bool IsBefore(const WriteTurns::Writer::PendingKey& pending, std::string_view key) {
  return pending.key < key;
}

}  // namespace

KeyWalk::KeyWalk(Context& context, std::string_view prefix)
    : stored_(context.node.store().NewIterator({.snapshot = nullptr, .fill_cache = false},
                                               {.prefix = std::string(prefix)})) {
  if (context.session.writer != nullptr) {
    pending_ = context.session.writer->PendingKeys();
    std::erase_if(pending_, [&](const PendingKey& p) { return !p.key.starts_with(prefix); });
    std::sort(pending_.begin(), pending_.end(),
              [](const PendingKey& a, const PendingKey& b) { return a.key < b.key; });
  }
  stored_->SeekToFirst();
  Settle();
}

const KeyWalk::PendingKey* KeyWalk::FindPending(std::string_view key) const {
  const auto found = std::lower_bound(pending_.begin(), pending_.end(), key, IsBefore);
  return found != pending_.end() && found->key == key ? &*found : nullptr;
}

// The smaller one of both sides; of equal ones the pending side counts, which may be a delete.
void KeyWalk::Settle() {
  is_stored_ = is_pending_ = false;
  for (; next_pending_ < pending_.size(); ++next_pending_) {
    const PendingKey& pending = pending_[next_pending_];
    if (stored_->Valid() && stored_->key() < pending.key) break;
    if (stored_->Valid() && stored_->key() == pending.key) stored_->Next();
    if (pending.exists) {
      is_pending_ = true;
      return;
    }
  }
  is_stored_ = stored_->Valid();
}

void KeyWalk::Seek(std::string_view key) {
  stored_->Seek(key);
  const auto first = std::lower_bound(pending_.begin(), pending_.end(), key, IsBefore);
  next_pending_ = static_cast<size_t>(first - pending_.begin());
  Settle();
}

std::string_view KeyWalk::key() const {
  return is_pending_ ? pending_[next_pending_].key : stored_->key();
}

void KeyWalk::Next() {
  if (is_pending_) {
    ++next_pending_;
  } else {
    stored_->Next();
  }
  Settle();
}

std::optional<std::string> KeyWalk::LastKey() {
  std::optional<std::string> last;
  const auto exists = [](const PendingKey& pending) { return pending.exists; };
  const auto pending = std::find_if(pending_.rbegin(), pending_.rend(), exists);
  if (pending != pending_.rend()) last = std::string(pending->key);
  for (stored_->SeekToLast(); stored_->Valid(); stored_->Prev()) {
    if (FindPending(stored_->key()) != nullptr) continue;
    if (!last || stored_->key() > *last) last = std::string(stored_->key());
    break;
  }
  return last;
}

}  // namespace kvserver
