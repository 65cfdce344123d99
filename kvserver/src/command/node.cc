#include "command/node.h"

#include <unistd.h>

#include <utility>

#include "base/clock.h"
#include "base/run_id.h"

namespace kvserver {

Node::Node(libkv::Store& store, SettingsValues values, WriteTurns::OnFinished on_finished)
    : store_(store),
      settings_(values),
      turns_(store, &NowMilliseconds, std::move(on_finished)),
      started_us_(NowMicroseconds()),
      run_id_(NewRunId()) {}

}  // namespace kvserver
