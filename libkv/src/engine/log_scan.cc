#include "engine/log_scan.h"

#include <fcntl.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/coding.h"
#include "base/status_macros.h"
#include "base/strings.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace libkv {
namespace {

// A log is a row of blocks of 32 KiB; records do not cross them, pieces of records do not either.
//   piece := crc:u32le length:u16le type:u8 bytes[length]     crc masked, over type and bytes
constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kHeaderBytes = 7;
constexpr size_t kBatchHeaderBytes = 12;  // sequence:u64le count:u32le
enum PieceType : uint8_t { kNone = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

constexpr std::string_view kClaimMark = "KVD1";

template <typename Number>
Number LoadLittle(const char* in) {
  Number v;
  std::memcpy(&v, in, sizeof v);
  return v;  // x86-64 and arm64 are little-endian; index_rows.cc asserts it
}

uint32_t Unmask(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return rotated >> 17 | rotated << 15;
}

// The bytes of a file, as many as can be read. It is not mapped: a log that its writer closes
// beside a reader becomes shorter.
std::string ReadLog(const std::string& path) {
  std::string bytes;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return bytes;
  if (const off_t end = lseek(file, 0, SEEK_END); end > 0) bytes.resize(static_cast<size_t>(end));
  size_t there = 0;
  while (there < bytes.size()) {
    const ssize_t got =
        pread(file, bytes.data() + there, bytes.size() - there, static_cast<off_t>(there));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    there += static_cast<size_t>(got);
  }
  bytes.resize(there);
  close(file);
  return bytes;
}

// Finds the claim among a batch's operations and ignores everything else.
class ClaimReader : public rocksdb::WriteBatch::Handler {
 public:
  std::optional<uint64_t> claim;

  void LogData(const rocksdb::Slice& blob) override {
    uint64_t sequence = 0;
    if (ParseDurableClaim({blob.data(), blob.size()}, &sequence)) claim = sequence;
  }
  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status SingleDeleteCF(uint32_t, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status MergeCF(uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override {
    return rocksdb::Status::OK();
  }
};

// Walks over the logs in their order and keeps what the verdict needs.
class LogScanner {
 public:
  void Scan(const std::string& name, std::string_view log) {
    name_ = name;
    std::string record;
    bool inside = false;  // between the first and the last piece of a record
    for (size_t at = 0; at + kHeaderBytes <= log.size();) {
      const size_t left_in_block = kBlockBytes - at % kBlockBytes;
      if (left_in_block < kHeaderBytes) {
        at += left_in_block;
        continue;
      }
      const std::string_view piece = IntactPiece(log, at);
      if (piece.empty()) {
        if (log.find_first_not_of('\0', at) == log.npos) return;
        Damage(at);
        inside = false;
        const size_t next = NextIntactRecord(log, at + 1);
        // RocksDB looks at length and type alone.
        const bool is_hole = log.substr(at + 4, 3).find_first_not_of('\0') == log.npos;
        if (is_hole && next < log.size()) holes_.push_back({name, at});
        at = next;
        continue;
      }
      const auto type = static_cast<PieceType>(piece[kHeaderBytes - 1]);
      const std::string_view bytes = piece.substr(kHeaderBytes);
      at += piece.size();
      if (type == kFull) {
        Record(bytes);
        inside = false;
        continue;
      }
      if (type == kFirst) record.clear();
      if (type == kFirst || inside) record += bytes;
      if (type == kLast && inside) Record(record);
      inside = type == kFirst || (type == kMiddle && inside);
    }
  }

  // The header of a piece is zeros, and an intact record stands behind it.
  struct Hole {
    std::string name;
    size_t at = 0;
  };
  const std::vector<Hole>& holes() const { return holes_; }

  absl::Status Verdict() const {
    if (!lost_) return absl::OkStatus();
    return DataLoss("log ", damaged_name_, " is damaged at byte ", damaged_at_,
                    ", and what stood there was durable: writes up to sequence ", claim_,
                    " were acknowledged, but only those up to ", good_through_,
                    " can be read. Nothing was changed: restore a checkpoint, or copy the "
                    "directory and repair the copy");
  }

 private:
  // The piece at `at` if it is whole and its checksum matches.
  static std::string_view IntactPiece(std::string_view log, size_t at) {
    const auto length = LoadLittle<uint16_t>(log.data() + at + 4);
    const auto type = static_cast<uint8_t>(log[at + 6]);
    const size_t end = at + kHeaderBytes + length;
    if (type < kFull || type > kLast || end > log.size()) return {};
    if (kHeaderBytes + length > kBlockBytes - at % kBlockBytes) return {};
    const uint32_t stored = Unmask(LoadLittle<uint32_t>(log.data() + at));
    if (Crc32c(log.substr(at + 6, size_t{1} + length)) != stored) return {};
    return log.substr(at, end - at);
  }

  // Where the next record begins that can be read; the end of the log if there is none.
  static size_t NextIntactRecord(std::string_view log, size_t at) {
    for (; at + kHeaderBytes <= log.size(); ++at) {
      const auto type = static_cast<uint8_t>(log[at + 6]);
      if (type != kFull && type != kFirst) continue;
      if (kBlockBytes - at % kBlockBytes < kHeaderBytes) continue;
      if (LoadLittle<uint16_t>(log.data() + at + 4) < kBatchHeaderBytes) continue;
      if (!IntactPiece(log, at).empty()) return at;
    }
    return log.size();
  }

  void Damage(size_t at) {
    if (damaged_) return;  // recovery stops at the first
    damaged_ = true;
    damaged_name_ = name_;
    damaged_at_ = at;
    good_through_ = last_sequence_;
    knows_good_ = seen_record_;
  }

  void Record(std::string_view bytes) {
    if (bytes.size() < kBatchHeaderBytes) return;
    const auto first = LoadLittle<uint64_t>(bytes.data());
    const auto count = LoadLittle<uint32_t>(bytes.data() + 8);
    if (damaged_ && !knows_good_ && first > 0) {
      // The damage came first of all: what it swallowed ends before this record.
      good_through_ = first - 1;
      if (good_through_ > 0) --good_through_;
      knows_good_ = true;
    }
    if (damaged_ && !lost_ && seen_record_ && first == good_through_ + 1) {
      // Nothing is missing in between: a torn tail that an earlier recovery dropped, in a log that
      // was not deleted yet when the process ended.
      damaged_ = false;
    }
    seen_record_ = true;
    last_sequence_ = std::max(last_sequence_, first + count - (count > 0 ? 1 : 0));
    if (!damaged_) return;
    ClaimReader reader;
    const rocksdb::WriteBatch batch{std::string(bytes)};
    if (!batch.Iterate(&reader).ok() || !reader.claim.has_value()) return;
    if (*reader.claim > good_through_) {
      lost_ = true;
      claim_ = std::max(claim_, *reader.claim);
    }
  }

  std::vector<Hole> holes_;
  std::string name_, damaged_name_;
  size_t damaged_at_ = 0;
  bool damaged_ = false, lost_ = false;
  bool seen_record_ = false, knows_good_ = false;
  uint64_t last_sequence_ = 0;  // of the records so far
  uint64_t good_through_ = 0;   // before the first damage
  uint64_t claim_ = 0;
};

// A header of a piece with a checksum that is wrong.
absl::Status MarkHole(const std::string& path, size_t at) {
  constexpr char kMark[kHeaderBytes] = {'H', 'O', 'L', 'E', 0, 0, kFull};
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool is_marked = file >= 0 &&
                         pwrite(file, kMark, sizeof kMark, static_cast<off_t>(at)) ==
                             static_cast<ssize_t>(sizeof kMark) &&
                         fdatasync(file) == 0;
  const int error = errno;
  if (file >= 0) close(file);
  if (is_marked) return absl::OkStatus();
  return absl::ErrnoToStatus(error, Concat("cannot mark the hole in the log ", path));
}

uint32_t Crc32cPortable(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
      t[i] = crc;
    }
    return t;
  }();
  uint32_t crc = ~0u;
  for (const char c : bytes) crc = table[(crc ^ static_cast<uint8_t>(c)) & 0xff] ^ crc >> 8;
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t Crc32cSse42(std::string_view bytes) {
  uint64_t crc = ~uint32_t{0};
  while (bytes.size() >= 8) {
    crc = _mm_crc32_u64(crc, LoadLittle<uint64_t>(bytes.data()));
    bytes.remove_prefix(8);
  }
  auto narrow = static_cast<uint32_t>(crc);
  for (const char c : bytes) narrow = _mm_crc32_u8(narrow, static_cast<uint8_t>(c));
  return ~narrow;
}
#endif

}  // namespace

uint32_t Crc32c(std::string_view bytes) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return Crc32cSse42(bytes);
#endif
  return Crc32cPortable(bytes);
}

std::string EncodeDurableClaim(uint64_t sequence) {
  std::string blob(kClaimMark);
  AppendFixed64(blob, sequence);
  return blob;
}

bool ParseDurableClaim(std::string_view blob, uint64_t* sequence) {
  if (!blob.starts_with(kClaimMark)) return false;
  Reader in(blob.substr(kClaimMark.size()));
  in.Fixed64(sequence);
  return in.done();
}

absl::Status CheckLogs(const std::string& directory, bool marks_holes) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".log" && entry.path().filename() != "libkv.log") {
      names.push_back(entry.path().filename());
    }
  }
  std::sort(names.begin(), names.end());  // numbers with leading zeros: the order of writing
  LogScanner scanner;
  for (const std::string& name : names) {
    scanner.Scan(name, ReadLog(directory + "/" + name));
  }
  absl::Status verdict = scanner.Verdict();
  if (!verdict.ok() || !marks_holes) return verdict;
  for (const auto& [name, at] : scanner.holes()) {
    LIBKV_RETURN_IF_ERROR(MarkHole(directory + "/" + name, at));
  }
  return absl::OkStatus();
}

}  // namespace libkv
