// The state of a Replica. Its parts are in the files replica_*.cc:
//   replica.cc            turns: writes of clients, what is sealed, what is durable, acks
//   replica_start.cc      a new run, out of the rows of the last one
//   replica_merge.cc      pushes and objects of others become part of the state
//   replica_exchange.cc   adverts, pulls and their answers
//   replica_read.cc       reads of several nodes
//   replica_settle.cc     what may be forgotten: the log, and actors of runs that are over
//   replica_ranges.cc     comparing all keys, to recover
//   replica_serve.cc      the other one's part in that
#ifndef KVSERVER_SRC_CLUSTER_REPLICA_IMPL_H_
#define KVSERVER_SRC_CLUSTER_REPLICA_IMPL_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/actor_table.h"
#include "cluster/dot_log.h"
#include "cluster/log_places.h"
#include "cluster/replica.h"
#include "cluster/storage.h"

namespace kvserver::cluster {

// The end of a range of keys; "": that of all keys.
inline bool IsBelow(std::string_view key, std::string_view end) { return end.empty() || key < end; }

class Replica::Impl {
 public:
  Impl(ReplicaOptions options, std::function<uint64_t()> random);

  // As in Replica.
  absl::Status Start(Storage& storage, int64_t now_ms);
  absl::StatusOr<Dot> Write(Storage& storage, const ClientWrite& write, int64_t now_ms);
  void EndUnit();
  absl::Status AskAhead(Storage& storage, const Message& message, int64_t now_ms);
  absl::Status Receive(Storage& storage, const Message& message, int64_t now_ms);
  void PeerConnected(Slot slot);
  absl::Status Tick(Storage& storage, int64_t now_ms);
  uint64_t Seal(Storage& storage, Levels levels, int64_t now_ms, bool push_late);
  bool is_dirty() const;
  bool awaits_acks() const { return !waiting_.empty(); }
  void Durable(uint64_t turn, int64_t now_ms);
  absl::StatusOr<uint64_t> StartRead(Storage& storage, std::span<const std::string_view> keys,
                                     Level level, int64_t now_ms);
  absl::StatusOr<KeyState> State(Storage& storage, std::string_view key);
  bool is_ready() const {
    return is_started_ && !is_failed_ && !is_recovering_ && is_welcome() && muted_until_ == 0;
  }
  ReplicaStatus Status() const;
  std::vector<Slot> HoldersOf(const Dot& dot) const;

  ReplicaOptions options_;
  std::function<uint64_t()> random_;

  bool is_started_ = false, is_failed_ = false;
  Actor self_;
  uint64_t counter_ = 0;  // of the last dot given
  // A new generation must not be heard of before it is on disk: nothing is sent until that turn is.
  uint64_t muted_until_ = 0;  // 0: no
  uint64_t time_ = 0;         // of the last write made or seen

  DotSet clock_;    // everything that has its effect in the storage
  DotSet durable_;  // and will have it after a power cut
  Generations generations_, durable_generations_;
  std::map<std::string, DotSet, std::less<>> extras_;
  DotLog log_;
  LogPlaces log_places_;
  std::vector<uint64_t> idle_places_;  // their rows are to be deleted
  ActorTable actors_;

  std::vector<Outgoing> messages_;
  std::vector<TurnResult> finished_turns_;
  std::vector<ReadResult> finished_reads_;

  ReplicaStatus counts_;  // the counters of it

 private:
  // -- Other nodes --------------------------------------------------------------------------------
  static constexpr int64_t kNeverMs = -1'000'000;  // long before every other time
  struct Peer {
    Slot slot = 0;
    uint64_t generation = 0;  // of the run that spoke last; 0: none yet
    int64_t heard_ms = 0;
    bool has_answered = false;     // told, in this run of ours, what it knew of us
    std::optional<Advert> advert;  // the newest of its run
    DotSet durable;                // its durable clock in the newest advert of any run
    DotSet told;                   // all it has told to be durable since it last knew of a loss;
                                   // persisted
    // A run of it has said that it recovers, and nobody that it has recovered. A later run that
    // knows nothing of this may have been given an old copy of the disk again.
    bool was_recovering = false;
    bool is_told_saved = true;
    int64_t told_saved_ms = 0;

    int64_t advert_sent_ms = kNeverMs;
    uint64_t advert_sent_hash = 0;
    bool has_gap = false;          // it has made writes that did not come
    int64_t missing_since_ms = 0;  // it has what we have not; 0: no
    int64_t pull_sent_ms = 0;      // and not answered yet; 0: none
    // A pull has been sent that says that these are here, while they were still to be stored. What
    // is answered to it holds only if they are.
    DotSet assumed;
    bool is_asked_ahead = false;  // that pull follows the answer at hand
  };
  std::vector<Peer> peers_;
  Peer* PeerOf(Slot slot);
  size_t majority() const { return options_.members.size() / 2 + 1; }
  size_t NeededBy(Level level) const;

  std::shared_ptr<const Message> Envelope(Actor to, Body body) const;
  void Send(Slot to, uint64_t to_generation, Body body);
  void Send(const Peer& peer, Body body) { Send(peer.slot, peer.generation, std::move(body)); }
  // When everything that this node has done until now survives a power cut.
  void SendWhenDurable(const Peer& peer, Body body);

  // -- Keys ---------------------------------------------------------------------------------------
  struct Loaded {
    bool is_there = false;
    std::string stamp;
    std::vector<Version> versions;  // those that have not expired
  };
  absl::StatusOr<Loaded> Load(RecordView& records, std::string_view key, bool with_vector,
                              int64_t now_ms);
  // Whether this node has seen the dot, which is one of the key with that extra.
  bool HasSeen(const DotSet* extra, const Dot& dot) const;
  const DotSet* ExtraOf(std::string_view key) const;
  void SetExtra(std::string_view key, DotSet extra);  // less what is in the clock
  // Binds the key to `versions`, which come from `loaded` and elsewhere.
  absl::Status Put(Storage& storage, std::string_view key, const Loaded& loaded,
                   std::vector<Version> versions, int64_t now_ms);
  // A dot of which the effect is in the storage with the transaction that is open.
  void AddDot(const Dot& dot, std::string_view key, uint64_t unit_first, uint32_t unit_writes);
  void StripExtras();
  // A write has seen these; its dot is the next one of the key to be added.
  void DropHeads(std::string_view key, const std::vector<Dot>& killed, const DotSet& context);
  static bool IsRecovering(const Peer& peer);
  bool KnowsRecovering() const;
  // All that this node has seen of a key.
  DotSet ContextOf(std::string_view key) const;
  // The log has all dots that some node may not have on disk. If not, a write has to tell all that
  // it has seen.
  bool is_log_whole_ = false;

  absl::Status MergePush(Storage& storage, Peer& peer, const Actor& writer, const Push& push,
                         int64_t now_ms);
  // Of two nodes that compare their keys: who has seen what the other one has not.
  struct Balance {
    bool is_behind = false;      // the sender has seen more than this node
    DotSet ahead;                // what this node has seen and the sender has not
    bool is_ahead_known = true;  // the log knows the keys of all of that
  };
  // Of an answer to a Pull or a Read.
  absl::Status MergeObject(Storage& storage, const SentObject& object, const Objects& all,
                           int64_t now_ms);
  // Of the session under way; of a key that its peer has not, an object without versions.
  absl::Status MergeCompared(Storage& storage, const SentObject& object, const Balance& balance,
                             int64_t now_ms);
  // The sender has seen all that this node has seen of the key, and shows the dot as live. So this
  // node has not overwritten it, but lost it.
  bool IsLostHere(std::string_view key, const DotSet* extra, const Dot& dot,
                  const Balance& balance) const;
  bool IsAhead(uint64_t time, int64_t now_ms) const;
  bool HasTimeAhead(const Objects& objects, int64_t now_ms) const;

  // -- Exchange -----------------------------------------------------------------------------------
  Advert MakeAdvert() const;
  void SendAdvert(Peer& peer, bool wants_answer, bool with_known, int64_t now_ms);
  void ReceiveAdvert(Peer& peer, const Actor& from, const Advert& advert, int64_t now_ms);
  absl::Status ReceivePull(Storage& storage, const Peer& peer, const Pull& pull, int64_t now_ms);
  absl::Status ReceiveObjects(Storage& storage, Peer& peer, const Objects& objects, int64_t now_ms);
  absl::Status ReceiveRead(Storage& storage, const Peer& peer, const Read& read, int64_t now_ms);
  absl::Status ReceiveReadAnswer(Storage& storage, const Peer& peer, const ReadAnswer& answer,
                                 int64_t now_ms);
  void MaybePull(Peer& peer, int64_t now_ms);
  bool IsPulledElsewhere(const Peer& peer, int64_t now_ms) const;
  bool is_welcome() const;  // enough peers have told that nothing was lost

  // Collects objects for an asker with that clock, whole units, up to a bound.
  class Collector;

  // -- What may be forgotten ----------------------------------------------------------------------
  void ForgetLog();
  void SettleActors();

  // -- Recovering ---------------------------------------------------------------------------------
  bool is_recovering_ = false;
  std::set<Slot> needed_;         // the peers whose keys are still to be compared
  bool leaves_recovery_ = false;  // with the transaction that is open
  struct Session {
    Slot peer = 0;
    uint64_t generation = 0;  // of the peer
    uint64_t id = 0, step = 0;
    bool is_open = false;
    DotSet clock;
    std::string position;  // all keys below it are compared
    bool is_at_end = false;
    // The window under way: [position, window_end), "" is the end of all keys.
    bool has_window = false;
    std::string window_end;
    std::vector<RangeHashes::Bucket> buckets;
    std::vector<uint32_t> differing;
    size_t next_bucket = 0;  // all before are compared
    // The items under way.
    std::string items_end;
    std::vector<std::string> item_keys;
    // The next ones, asked for before the answer to these is stored.
    std::optional<RangeItems> ahead;
    std::vector<std::string> ahead_keys;
    int64_t sent_ms = 0;
    int repeats = 0;
    Body last;  // to be repeated
  };
  std::optional<Session> session_;
  std::optional<Slot> avoided_;  // did not answer the last time, or refused
  int64_t session_not_before_ms_ = 0;
  // A session of another node that recovers: all its answers are out of one moment.
  struct Served {
    uint64_t opened = 0;  // as that node has numbered it
    uint64_t id = 0;      // of its steps
    DotSet clock;
    std::map<std::string, DotSet, std::less<>> extras;
    std::unique_ptr<RecordView> records;
    int64_t used_ms = 0;
    size_t object_bytes = 512;  // about: what an object of the last answer took
  };
  std::map<Slot, Served> served_;
  void CloseServed(int64_t now_ms);  // those that nobody has used for long
  // The session of which a step has come; null: it is not known any more, and the asker is told.
  Served* ServedTo(const Peer& peer, uint64_t session, int64_t now_ms);
  // Whether the version is one that the asker is shown: not one of a session of this node that has
  // not come to its end.
  static bool IsServed(const Served& served, std::string_view key, const Dot& dot);
  absl::Status AddServed(const Served& served, const std::string& key, Objects* out, size_t* bytes);
  // One that was opened twice may have got two clocks, if the first was forgotten here meanwhile.
  // So the steps name the clock.
  static uint64_t StepsId(uint64_t opened, const DotSet& clock) { return opened ^ clock.Hash(); }

  // What the session under way says of a key, beside what it has brought: which versions of this
  // node are overwritten, and what else of the key its peer has seen. It becomes true with the end
  // of the session: if that never comes, since the peer's disk is lost, perhaps nobody knows it.
  struct Verdict {
    uint64_t session = 0;
    DotSet dead, extra;
  };
  std::map<std::string, Verdict, std::less<>> verdicts_;
  std::set<std::string, std::less<>> changed_verdicts_;
  uint64_t ended_ = 0;  // the session of which the verdicts are being carried out; 0: none
  absl::Status CarryOut(Storage& storage, const std::string& key, int64_t now_ms);
  absl::Status CarryOutSome(Storage& storage, int64_t now_ms);
  // Versions of sessions that were broken off may be here, which may never be brought to an end.
  bool has_leftovers_ = false;
  bool has_removed_ = false;  // keys that the peer of the session said to be deleted
  size_t second_rounds_ = 0;
  void AskSecond(Slot last, int64_t now_ms);
  void BreakOff();  // the session under way

  void Recover(const std::set<Slot>& from);
  absl::Status TickSession(Storage& storage, int64_t now_ms);
  void SendStep(Body body, int64_t now_ms);
  absl::Status NextWindow(Storage& storage, int64_t now_ms);
  absl::Status NextBucket(Storage& storage, int64_t now_ms);
  absl::Status SendItems(Storage& storage, const std::string& end, int64_t now_ms);
  // The items of [first, end), as far as one message goes, and their keys.
  absl::StatusOr<RangeItems> MakeItems(Storage& storage, std::string_view first,
                                       const std::string& end, uint64_t step,
                                       std::vector<std::string>* keys) const;
  // `served`: what is shown there.
  absl::Status ForEachItem(RecordView& records, const Served* served, std::string_view first,
                           std::string_view end,
                           absl::FunctionRef<bool(std::string_view key, uint64_t id)> visit) const;
  absl::Status EndSession(Storage& storage, int64_t now_ms);
  absl::Status MaybeEnd(Storage& storage, int64_t now_ms);
  // What sessions that were broken off have brought, and no other has, goes.
  absl::Status DropUnknown(Storage& storage, int64_t now_ms);
  // The session under way will bring some of these, or tell that they are dead.
  bool IsLeftToSession(const Actor& writer, const Push& push) const;

  absl::Status ReceiveRangeOpen(Storage& storage, const Peer& peer, const RangeOpen& open,
                                int64_t now_ms);
  absl::Status ReceiveRangeOpened(Storage& storage, const Peer& peer, const RangeOpened& opened,
                                  int64_t now_ms);
  absl::Status ReceiveRangeHashes(const Peer& peer, const RangeHashes& hashes, int64_t now_ms);
  absl::Status ReceiveRangeDiffers(Storage& storage, const Peer& peer, const RangeDiffers& differs,
                                   int64_t now_ms);
  absl::Status ReceiveRangeItems(const Peer& peer, const RangeItems& items, int64_t now_ms);
  absl::Status ReceiveRangeObjects(Storage& storage, const Peer& peer, const RangeObjects& objects,
                                   int64_t now_ms);

  // -- The transaction that is open ---------------------------------------------------------------
  uint64_t next_turn_ = 1;
  std::optional<Push> push_;
  size_t unit_begin_ = 0;          // in push_->writes
  std::vector<DotSet> push_seen_;  // of each: all it has seen, for nodes that recover
  std::vector<DotLog::Entry> new_dots_;
  std::set<std::string, std::less<>> changed_extras_;
  std::vector<uint64_t> gone_turns_;  // nothing of them is left in the log
  bool node_changed_ = false, clock_changed_ = false, generations_changed_ = false;
  bool recovery_changed_ = false;
  size_t saved_actors_ = 0;
  std::vector<Outgoing> when_durable_;  // to be sent then

  // -- Turns under way ----------------------------------------------------------------------------
  struct Turn {
    uint64_t number = 0;
    DotSet clock;
    Generations generations;
    std::vector<Outgoing> when_durable;
    bool has_push = false;
    bool leaves_recovery = false;
  };
  std::deque<Turn> turns_;
  struct Waiting {
    uint64_t first = 0, last = 0;  // counters
    std::set<Slot> acks;
    Levels levels;  // that have too few acks
    int64_t deadline_ms = 0;
  };
  std::map<uint64_t, Waiting> waiting_;
  void GiveUp(uint64_t turn, const Waiting& waiting);
  void Acknowledge(uint64_t turn, Slot by);

  // -- Reads under way ----------------------------------------------------------------------------
  struct PendingRead {
    std::set<Slot> answers;
    size_t needed = 0;
    int64_t deadline_ms = 0;
  };
  std::map<uint64_t, PendingRead> reads_;
  uint64_t next_read_ = 1;
  int64_t last_tick_ms_ = 0, last_forget_ms_ = 0;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_REPLICA_IMPL_H_
