#include "workloads.h"

namespace libkv::perf {

std::vector<Workload> AllWorkloads() {
  std::vector<Workload> list;
  AddWriteWorkloads(&list);
  AddReadWorkloads(&list);
  AddOpenAfterKill(&list);
  AddIndexWorkloads(&list);
  return list;
}

}  // namespace libkv::perf
