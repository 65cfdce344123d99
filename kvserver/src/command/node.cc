#include "command/node.h"

#include <unistd.h>

#include <utility>

#include "base/clock.h"
#include "base/run_id.h"

namespace kvserver {

Node::Node(libkv::Store& store, SettingsValues values, WriteTurns::OnFinished on_finished)
    : last_save_seconds(NowMicroseconds() / 1'000'000),
      store_(store),
      settings_(values),
      turns_(store, &NowMilliseconds, std::move(on_finished)),
      started_us_(NowMicroseconds()),
      run_id_(NewRunId()) {}

absl::Status Node::StartReplication(Replication::Options options) {
  replication_ =
      std::make_unique<Replication>(store_, turns_, std::move(options), &NowMilliseconds);
  return replication_->Start();
}

absl::Status Node::StartSpaces(std::vector<SpaceDefinition> wanted) {
  spaces_ = std::make_unique<SharedSpaces>(store_, turns_, *replication_);
  return spaces_->Start(std::move(wanted));
}

void Node::CountError(std::string_view code) {
  if (code.empty()) return;
  errors.fetch_add(1, std::memory_order_relaxed);
  error_stats_.Add(code);
}

void Node::SampleRates() {
  rates_.Sample(SteadyMicroseconds(), {commands.load(std::memory_order_relaxed),
                                       input_bytes.load(std::memory_order_relaxed),
                                       output_bytes.load(std::memory_order_relaxed)});
}

}  // namespace kvserver
