// Collects what one node has and another one has not: keys with all their missing dots, and whole
// units, so that the other node never shows half of a request.
#ifndef KVSERVER_SRC_CLUSTER_COLLECTOR_H_
#define KVSERVER_SRC_CLUSTER_COLLECTOR_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cluster/replica_impl.h"

namespace kvserver::cluster {

class Replica::Impl::Collector {
 public:
  // A unit that hangs together with others through common keys can grow; beyond so many bytes the
  // rest comes with the next message.
  static constexpr size_t kBytesMax = size_t{16} << 20;

  // `seen`: the asker's clock. Adds to `out`; all must outlive this.
  Collector(Impl& replica, Storage& storage, const DotSet& seen, Objects* out)
      : replica_(replica), storage_(storage), seen_(seen), out_(*out) {}

  // What is missing, until there are so many bytes; sets out->is_last.
  absl::Status AddMissing(const DotSet& missing, size_t bytes_max);
  // One key, and what hangs together with it.
  absl::Status AddKey(const std::string& key);

  size_t bytes() const { return bytes_; }

 private:
  absl::Status AddObject(const std::string& key);
  absl::Status AddWaiting();
  void NameUnit(const Dot& dot);

  Impl& replica_;
  Storage& storage_;
  const DotSet& seen_;
  Objects& out_;
  std::set<std::string> keys_;        // added or waiting
  std::vector<std::string> waiting_;  // to be added
  std::set<Dot> units_, named_;       // the first dots of those that are added, or told of
  DotSet covered_;
  size_t bytes_ = 0;
};

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_COLLECTOR_H_
