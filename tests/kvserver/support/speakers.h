// Clients of all protocols behind one face: words in, the answer as text that does not depend on
// the protocol (see tests/dialogs/README.md).
#ifndef TESTS_KVSERVER_SUPPORT_SPEAKERS_H_
#define TESTS_KVSERVER_SUPPORT_SPEAKERS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kvserver {

class Speaker {
 public:
  virtual ~Speaker() = default;
  // nullopt: the protocol has no way to ask that, and nothing was sent.
  virtual std::optional<std::string> Ask(const std::vector<std::string>& words) = 0;
};

struct SpeakerMaker {
  std::string_view protocol;
  std::function<std::unique_ptr<Speaker>(uint16_t port)> connect;
};

const std::vector<SpeakerMaker>& AllSpeakers();

}  // namespace kvserver

#endif  // TESTS_KVSERVER_SUPPORT_SPEAKERS_H_
