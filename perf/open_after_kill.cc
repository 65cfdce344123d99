// Opening a store whose process was killed with kill -9: what is in the log has to be read back.
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "data.h"
#include "workloads.h"

namespace libkv::perf {
namespace {

// More than the write buffers hold: some of it lies in tables, the rest in the log.
constexpr uint64_t kKeys = 300'000;
constexpr size_t kValueBytes = 150;

void WriteAndDie(const Contestant& contestant, const std::string& directory) {
  const std::unique_ptr<Side> side = contestant.open(directory);
  const Values& values = ValuesOf(kValueBytes);
  std::string value;
  for (uint64_t i = 0; i < kKeys; ++i) {
    values.Fill(i, &value);
    side->Set(Durability::kWritten, Key(0, i).view(), value);
  }
  kill(getpid(), SIGKILL);
}

Sample OpenAfterKill(const Contestant& contestant, const Settings&, const std::string& directory) {
  InChild([&](Sample*) { WriteAndDie(contestant, directory); }, /*must_succeed=*/false);
  return InChild([&](Sample* sample) {
    std::unique_ptr<Side> side;
    const ProcessMeter meter;
    side = contestant.open(directory);
    *sample = meter.Read(1);
    if (side->IterateAll() != kKeys) Fail(contestant.name + " lost written keys");
  });
}

}  // namespace

void AddOpenAfterKill(std::vector<Workload>* list) {
  list->push_back({"open-after-kill",
                   "300,000 keys of 150 B written, then kill -9: opens, per second", Libkv(),
                   RawRocksdb(), OpenAfterKill});
}

}  // namespace libkv::perf
