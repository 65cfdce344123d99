// What replicas tell each other. The grammar of the bytes is in kvserver/doc/peer_protocol.md.
//
// Every message may be lost, doubled, late or out of order: what it says stays true, and merging it
// twice changes nothing.
#ifndef KVSERVER_SRC_CLUSTER_MESSAGE_H_
#define KVSERVER_SRC_CLUSTER_MESSAGE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/dot.h"
#include "cluster/dot_set.h"
#include "cluster/version.h"

namespace kvserver::cluster {

// The newest generation of each node that the teller knows.
using Generations = std::map<Slot, uint64_t>;

// One write: its dot is the first counter of the Push and its place in it.
struct PushedWrite {
  std::string key;
  bool is_delete = false;
  Version version;           // without its dot; of a delete only the time counts
  std::vector<Dot> killed;   // the live versions that it has overwritten
  DotSet context;            // beyond: what its client had seen and the writer had not
  uint32_t unit_writes = 1;  // of the first write of a request: how many it has; else 0
};

// Writes of one actor, in order, as they were made.
struct Push {
  uint64_t turn = 0;  // to be acknowledged
  uint64_t first_counter = 0;
  std::vector<PushedWrite> writes;
};

// Everything in the Push of that turn survives a power cut of the sender.
struct Ack {
  uint64_t turn = 0;
};

// The sender's clock and generations as they will be found after a power cut.
struct Advert {
  DotSet durable;
  Generations generations;
  bool is_recovering = false;
  bool wants_answer = false;  // an Advert, with `known`
  // The receiver's durable clock, as it last told the sender: a receiver that has seen less than
  // that has lost data. Absent in most adverts.
  std::optional<DotSet> known;
};

// The same as the Advert before, if that has this hash.
struct Digest {
  uint64_t advert_hash = 0;
};

// Asks for what the receiver has seen and `clock` has not.
struct Pull {
  DotSet clock;
};

// A key as the sender has it. Absent: no versions.
struct SentObject {
  std::string key;
  std::vector<Version> versions;
  DotSet extra;
  DotSet covered;  // the dots of this key that the asker has not seen, and that this object covers
};

// Objects out of one moment of the sender.
struct Objects {
  DotSet clock;  // the sender's, at that moment
  std::vector<SentObject> objects;
  DotSet vacuous;  // dots without any effect
  // The requests of several writes that the covered dots belong to.
  struct Unit {
    Actor actor;
    uint64_t first = 0;
    uint32_t writes = 0;
  };
  std::vector<Unit> units;
  bool is_complete = true;  // false: the sender cannot tell the keys of all that is missing; then
                            // `covered` is not all either
  bool is_last = true;      // false: there is more, to be pulled again
};

// Asks for the keys as the receiver has them, where it knows more than the asker.
struct Read {
  uint64_t id = 0;
  DotSet clock;
  struct Key {
    std::string key;
    std::vector<Dot> dots;  // the asker's live versions
    DotSet extra;
  };
  std::vector<Key> keys;
};
struct ReadAnswer {
  uint64_t id = 0;
  Objects objects;  // is_last does not count
};

// Comparing all keys, in order of keys, window by window: see replica_ranges.cc.
struct RangeOpen {
  uint64_t session = 0;
};
struct RangeOpened {
  uint64_t session = 0;
  DotSet clock;
  bool is_refused = false;
};
// Consecutive buckets from `first` on: [first, ends[0]), [ends[0], ends[1])...; an empty last end
// is the end of all keys.
struct RangeHashes {
  uint64_t session = 0, step = 0;
  std::string first;
  struct Bucket {
    std::string end;
    uint64_t hash = 0;
    uint32_t keys = 0;
  };
  std::vector<Bucket> buckets;
};
struct RangeDiffers {
  uint64_t session = 0, step = 0;
  std::vector<uint32_t> buckets;  // those that differ, ascending
};
// What the asker has in [first, end).
struct RangeItems {
  uint64_t session = 0, step = 0;
  std::string first, end;
  std::vector<uint64_t> ids;  // one per key, in order of keys
};
struct RangeObjects {
  uint64_t session = 0, step = 0;
  std::string reached;           // [first, reached) is answered; equal to `end` if all of it is
  Objects objects;               // what the asker has not, or otherwise
  std::vector<uint32_t> absent;  // places in `ids` below `reached` that the sender has no key for
};

// Why the sender does not accept what the receiver has sent, to be logged there.
struct Refusal {
  std::string reason;
};

using Body =
    std::variant<Push, Ack, Advert, Digest, Pull, Objects, Read, ReadAnswer, RangeOpen, RangeOpened,
                 RangeHashes, RangeDiffers, RangeItems, RangeObjects, Refusal>;

struct Message {
  Actor from;
  Actor to;  // this run of the receiver, and no other; generation 0: any run, or any node
  Generations generations;
  Body body;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_MESSAGE_H_
