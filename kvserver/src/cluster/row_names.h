// The rows that a replica keeps beside the records: see kvserver/doc/replication.md.
#ifndef KVSERVER_SRC_CLUSTER_ROW_NAMES_H_
#define KVSERVER_SRC_CLUSTER_ROW_NAMES_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "cluster/dot.h"
#include "cluster/message.h"

namespace kvserver::cluster {

inline constexpr std::string_view kRowPrefix = "R";
inline constexpr std::string_view kNodeRow = "RN";
inline constexpr std::string_view kClockRow = "RC";
inline constexpr std::string_view kGenerationsRow = "RG";
inline constexpr std::string_view kRecoveringRow = "RR";
inline constexpr std::string_view kEndedRow = "RE";
inline constexpr std::string_view kVerdictPrefix = "RV";
inline constexpr std::string_view kActorPrefix = "RA";
inline constexpr std::string_view kPeerPrefix = "RP";
inline constexpr std::string_view kExtraPrefix = "RX";
inline constexpr std::string_view kOldLogPrefix = "RL";  // of directories of version 1 and 2

std::string ActorRow(uint64_t index);
std::string PeerRow(Slot slot);
// By the hash of the key: keys are longer than names may be.
std::string ExtraRow(std::string_view key);
std::string VerdictRow(std::string_view key);
// "R", and a byte that is not ASCII: other names have letters there.
std::string LogRow(uint64_t place);
bool PlaceOfLogRow(std::string_view name, uint64_t* place);
// The number at the end of the name of such a row; false: none.
bool NumberOfRow(std::string_view name, std::string_view prefix, uint64_t* number);

std::string NodeRow(Slot slot);
bool ReadNodeRow(std::string_view row, Slot* slot);
std::string GenerationsRow(const Generations& generations);
bool ReadGenerationsRow(std::string_view row, Generations* generations);
std::string ActorRowValue(Actor actor);
bool ReadActorRow(std::string_view row, Actor* actor);
std::string SlotsRow(const std::set<Slot>& slots);
bool ReadSlotsRow(std::string_view row, std::set<Slot>* slots);

// Of what an advert says of its sender.
uint64_t HashOf(const Advert& advert);

}  // namespace kvserver::cluster

#endif  // KVSERVER_SRC_CLUSTER_ROW_NAMES_H_
