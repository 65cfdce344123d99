// Messages for traces.
#include <variant>

#include "sim/names.h"
#include "sim/simulation.h"

namespace kvserver::sim {
namespace {

using namespace cluster;  // NOLINT: every kind of message

std::string Text(const DotSet& set) {
  std::string text = "[";
  set.ForEachSettled([&](Slot slot, uint64_t generation) {
    text += std::to_string(slot) + "<=" + std::to_string(generation % 100'000) + " ";
  });
  set.ForEachInterval([&](const DotSet::Interval& interval) {
    text += DotName({interval.actor, interval.first});
    if (interval.last != interval.first) text += "-" + std::to_string(interval.last);
    text += " ";
  });
  if (text.back() == ' ') text.pop_back();
  return text + "]";
}

std::string Text(size_t key_count, uint64_t step) {
  return " step " + std::to_string(step) + ", " + std::to_string(key_count);
}

std::string Quoted(const std::string& bytes) {
  std::string text = "'";
  for (const char c : bytes) {
    if (c >= ' ' && c < 127) {
      text += c;
    } else {
      text += "\\" + std::to_string(static_cast<unsigned char>(c));
    }
  }
  return text + "'";
}

std::string Text(const Objects& objects) {
  std::string text = " clock " + Text(objects.clock);
  for (const SentObject& object : objects.objects) {
    text += " " + Quoted(object.key) + VersionNames(object.versions) + " extra " +
            Text(object.extra) + " covered " + Text(object.covered);
  }
  if (!objects.vacuous.empty()) text += " vacuous " + Text(objects.vacuous);
  if (!objects.is_complete) text += " incomplete";
  if (!objects.is_last) text += " more";
  return text;
}

struct Describer {
  std::string operator()(const Push& push) const {
    std::string text = "push " + std::to_string(push.turn);
    uint64_t counter = push.first_counter;
    for (const PushedWrite& write : push.writes) {
      text += " " + std::to_string(counter++) + ":" + Quoted(write.key) +
              (write.is_delete ? " deleted" : "=" + write.version.value);
      for (const Dot& dot : write.killed) text += " kills " + DotName(dot);
      if (!write.context.empty()) text += " context " + Text(write.context);
      if (write.unit_writes != 1) text += " unit " + std::to_string(write.unit_writes);
    }
    return text;
  }
  std::string operator()(const Ack& ack) const { return "ack " + std::to_string(ack.turn); }
  std::string operator()(const Advert& advert) const {
    return "advert " + Text(advert.durable) + (advert.is_recovering ? " recovering" : "") +
           (advert.wants_answer ? " wants answer" : "") +
           (advert.known ? " known " + Text(*advert.known) : "");
  }
  std::string operator()(const Digest&) const { return "digest"; }
  std::string operator()(const Pull& pull) const { return "pull " + Text(pull.clock); }
  std::string operator()(const Objects& objects) const { return "objects" + Text(objects); }
  std::string operator()(const cluster::Read& read) const {
    return "read " + std::to_string(read.id);
  }
  std::string operator()(const ReadAnswer& answer) const {
    return "answer " + std::to_string(answer.id) + Text(answer.objects);
  }
  std::string operator()(const RangeOpen& m) const { return "open " + std::to_string(m.session); }
  std::string operator()(const RangeOpened& m) const {
    return std::string("opened ") + (m.is_refused ? "not" : Text(m.clock));
  }
  std::string operator()(const RangeHashes& m) const {
    std::string text = "hashes step " + std::to_string(m.step) + " " + Quoted(m.first);
    for (const RangeHashes::Bucket& bucket : m.buckets) {
      text += " " + std::to_string(bucket.keys) + " below " + Quoted(bucket.end);
    }
    return text;
  }
  std::string operator()(const RangeDiffers& m) const {
    return "differs" + Text(m.buckets.size(), m.step);
  }
  std::string operator()(const RangeItems& m) const {
    return "items" + Text(m.ids.size(), m.step) + " of " + Quoted(m.first) + " to " + Quoted(m.end);
  }
  std::string operator()(const RangeObjects& m) const {
    return "range" + Text(m.absent.size(), m.step) + " absent, reached " + Quoted(m.reached) +
           Text(m.objects);
  }
  std::string operator()(const Refusal& m) const { return "refusal " + m.reason; }
};

}  // namespace

std::string Describe(const Message& message) {
  std::string text = std::to_string(message.from.generation % 100'000) + "->" +
                     std::to_string(message.to.generation % 100'000) + " (";
  for (const auto& [slot, generation] : message.generations) {
    text += (text.back() == '(' ? "" : " ") + std::to_string(generation % 100'000);
  }
  return text + ") " + std::visit(Describer{}, message.body);
}

}  // namespace kvserver::sim
