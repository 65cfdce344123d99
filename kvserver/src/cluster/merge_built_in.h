// The merge functions that every kvserver has: see merge_function.h.
#ifndef KVSERVER_SRC_CLUSTER_MERGE_BUILT_IN_H_
#define KVSERVER_SRC_CLUSTER_MERGE_BUILT_IN_H_

#include <vector>

#include "cluster/merge_function.h"

namespace kvserver::cluster {

std::vector<MergeFunction> BuiltInMergeFunctions();

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_MERGE_BUILT_IN_H_
