#include "bench.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "exit_code.h"
#include "libkv/store.h"

namespace kvcli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kPrefix = "kv-bench:";
constexpr size_t kDeletedAtOnce = 1'000;

std::string KeyOf(uint64_t number) { return std::string(kPrefix) + std::to_string(number); }

// One turn: so many keys are set, or read; run by one thread.
using Turn = std::function<absl::Status(const std::vector<std::string>& keys)>;
// Makes what one thread needs.
using TurnMaker = std::function<absl::StatusOr<Turn>(const std::string& operation)>;

absl::StatusOr<Turn> ServerTurn(const Target& target, const std::string& operation,
                                const std::string& value) {
  auto connected = kvclient::Client::Connect(target.client);
  if (!connected.ok()) return connected.status();
  auto client = std::make_shared<kvclient::Client>(*std::move(connected));
  const bool is_set = operation == "set";
  return Turn([client, is_set, value](const std::vector<std::string>& keys) {
    kvclient::Pipeline pipeline;
    for (const std::string& key : keys) {
      if (is_set) {
        pipeline.Append({"SET", key, value});
      } else {
        pipeline.Append({"GET", key});
      }
    }
    const auto replies = client->Execute(pipeline);
    if (!replies.ok()) return replies.status();
    for (const Reply& reply : *replies) {
      if (reply.is_error()) return StatusOf(reply);
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<Turn> StoreTurn(libkv::Store& store, const std::string& operation,
                               const std::string& value) {
  if (operation == "set") {
    return Turn([&store, value](const std::vector<std::string>& keys) {
      libkv::Batch batch;
      for (const std::string& key : keys) batch.Set(key, value);
      return store.Apply({}, batch);
    });
  }
  return Turn([&store](const std::vector<std::string>& keys) {
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    for (const auto& result : store.MultiGet({}, views)) {
      if (!result.ok() && !absl::IsNotFound(result.status())) return result.status();
    }
    return absl::OkStatus();
  });
}

// What all threads of one operation have found.
struct Sum {
  std::mutex mutex;  // guards what follows
  absl::Status status;
  uint64_t operations = 0;
  TimeHistogram times;
};

void RunThread(const TurnMaker& make, const BenchRequest& request, const std::string& operation,
               unsigned seed, Clock::time_point end, Sum& sum) {
  absl::Status status;
  uint64_t operations = 0;
  TimeHistogram times;
  auto turn = make(operation);
  if (!turn.ok()) status = turn.status();
  std::mt19937_64 random(seed);
  std::vector<std::string> keys(static_cast<size_t>(request.pipeline));
  while (status.ok() && Clock::now() < end) {
    for (std::string& key : keys) key = KeyOf(random() % request.keys);
    const auto start = Clock::now();
    status = (*turn)(keys);
    times.Add(static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count()));
    operations += keys.size();
  }
  const std::lock_guard lock(sum.mutex);
  if (!status.ok()) sum.status = status;
  sum.operations += operations;
  sum.times.Add(times);
}

absl::StatusOr<Reply> RunOperation(const TurnMaker& make, const BenchRequest& request,
                                   const std::string& operation) {
  Sum sum;
  const auto start = Clock::now();
  const auto end = start + std::chrono::seconds(request.seconds);
  std::vector<std::thread> threads;
  for (int i = 0; i < request.connections; ++i) {
    threads.emplace_back(
        [&, i] { RunThread(make, request, operation, static_cast<unsigned>(i + 1), end, sum); });
  }
  for (std::thread& thread : threads) thread.join();
  if (!sum.status.ok()) return sum.status;
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  Reply row = Reply::Map();
  row.Add("operation", Reply::Bytes(operation))
      .Add("operations", Reply::Integer(static_cast<int64_t>(sum.operations)))
      .Add("per_second",
           Reply::Integer(std::llround(static_cast<double>(sum.operations) / seconds)))
      .Add("p50_us", Reply::Integer(static_cast<int64_t>(sum.times.Percentile(50))))
      .Add("p99_us", Reply::Integer(static_cast<int64_t>(sum.times.Percentile(99))));
  return row;
}

// Removes what the benchmark has set.
absl::Status CleanUp(Backend& backend) {
  std::vector<std::string> keys;
  absl::Status failure;
  const auto remove = [&] {
    if (!keys.empty()) failure = backend.Delete(keys).status();
    keys.clear();
  };
  // Names first: what is walked over does not change meanwhile.
  const absl::Status status =
      backend.Scan({.prefix = std::string(kPrefix)}, [&](const Record& record) {
        keys.push_back(record.key);
        return true;
      });
  if (!status.ok()) return status;
  const std::vector<std::string> all = std::exchange(keys, {});
  for (size_t begin = 0; begin < all.size() && failure.ok(); begin += kDeletedAtOnce) {
    const size_t end = std::min(all.size(), begin + kDeletedAtOnce);
    keys.assign(all.begin() + static_cast<ptrdiff_t>(begin),
                all.begin() + static_cast<ptrdiff_t>(end));
    remove();
  }
  return failure;
}

}  // namespace

size_t TimeHistogram::BucketOf(uint64_t microseconds) {
  if (microseconds < 16) return microseconds;
  const int power = std::bit_width(microseconds) - 5;  // the five highest bits are kept
  const size_t bucket = 16 * static_cast<size_t>(power + 1) + ((microseconds >> power) & 15);
  return std::min(bucket, kBuckets - 1);
}

uint64_t TimeHistogram::EndOf(size_t bucket) {
  if (bucket < 16) return bucket;
  const size_t power = bucket / 16 - 1;
  return ((16 + bucket % 16 + 1) << power) - 1;
}

void TimeHistogram::Add(uint64_t microseconds) {
  ++counts_[BucketOf(microseconds)];
  ++count_;
}

void TimeHistogram::Add(const TimeHistogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
}

uint64_t TimeHistogram::Percentile(double percent) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(static_cast<double>(count_) * percent / 100));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0) return EndOf(i);
  }
  return 0;
}

int Bench(const Target& target, const Output& output, const BenchRequest& request) {
  const auto fail = [&](const absl::Status& status) {
    output.Error(status);
    return ExitCodeOf(status);
  };
  const std::string value(request.size, 'x');
  Reply rows = Reply::Array();
  {
    std::unique_ptr<libkv::Store> store;
    if (!target.directory.empty()) {
      auto opened = libkv::Store::Open({}, target.directory);
      if (!opened.ok()) return fail(opened.status());
      store = *std::move(opened);
    }
    const TurnMaker make = [&](const std::string& operation) {
      return store ? StoreTurn(*store, operation, value) : ServerTurn(target, operation, value);
    };
    for (const std::string& operation : request.operations) {
      auto row = RunOperation(make, request, operation);
      if (!row.ok()) return fail(row.status());
      rows.elements.push_back(*std::move(row));
    }
  }
  output.Result(rows);
  auto backend =
      target.directory.empty() ? OpenServer(target) : OpenDirectory(target, Access::kWrite);
  if (!backend.ok()) return fail(backend.status());
  const absl::Status status = CleanUp(**backend);
  return status.ok() ? kOk : fail(status);
}

}  // namespace kvcli
