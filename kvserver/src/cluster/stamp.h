// The stamp of a stored record: the versions of the key, but for the value that is the record's.
// Its grammar is in kvserver/doc/replication.md. A key with one version, the usual case, has a
// stamp of 14 bytes.
#ifndef KVSERVER_SRC_CLUSTER_STAMP_H_
#define KVSERVER_SRC_CLUSTER_STAMP_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cluster/actor_table.h"
#include "cluster/merge_function.h"
#include "cluster/storage.h"
#include "cluster/version.h"

namespace kvserver::cluster {

// What clients and the indexes see of a key with these versions, which are at least one. Of
// registers the one with the greatest (time, dot) wins. With counters it is the number in that
// register, none counting as 0, plus all of theirs, within 64 bits; unless the register is no
// number: then that is the value. It expires when the last of the versions does.
//
// With `merge` the registers are what it makes of them. The vector is that of the latest register
// with that value; or, if none has it, of the latest with a vector.
StoredRecord Resolve(const std::vector<Version>& versions, const MergeFunction* merge = nullptr);

// The same, with the stamp. New actors get numbers.
StoredRecord EncodeRecord(const std::vector<Version>& versions, ActorTable& actors,
                          const MergeFunction* merge = nullptr);

// DataLoss: not such a stamp, or with an actor that has no number. The vector of the record's own
// version is record.vector.
absl::StatusOr<std::vector<Version>> DecodeRecord(const StoredRecord& record,
                                                  const ActorTable& actors);

// The dots alone, ascending: all that comparing takes. False: not such a stamp.
bool DecodeDots(std::string_view stamp, const ActorTable& actors, std::vector<Dot>* dots);

// One number for a key with these live versions, by which two nodes compare: never by the numbers
// of actors in stamps, which are of one node.
uint64_t ItemId(std::string_view key, const std::vector<Dot>& dots);

// Whether the record's own version has a given vector.
bool StampHasVector(std::string_view stamp);

// Whether the stamp is of several versions.
bool StampHasSiblings(std::string_view stamp);

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_STAMP_H_
