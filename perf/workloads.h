// All workloads, in one list.
#ifndef LIBKV_PERF_WORKLOADS_H_
#define LIBKV_PERF_WORKLOADS_H_

#include <vector>

#include "harness.h"

namespace libkv::perf {

std::vector<Workload> AllWorkloads();

// The parts of the list, by file.
void AddWriteWorkloads(std::vector<Workload>* list);
void AddReadWorkloads(std::vector<Workload>* list);
void AddOpenAfterKill(std::vector<Workload>* list);
void AddIndexWorkloads(std::vector<Workload>* list);

}  // namespace libkv::perf

#endif  // LIBKV_PERF_WORKLOADS_H_
