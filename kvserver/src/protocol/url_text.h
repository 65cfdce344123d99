// The parts of a URL, decoded.
#ifndef KVSERVER_SRC_PROTOCOL_URL_TEXT_H_
#define KVSERVER_SRC_PROTOCOL_URL_TEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvserver {

inline constexpr size_t kQueryParametersMax = 64;

// "a%20b" is "a b". nullopt: a "%" without two hexadecimal digits behind it.
std::optional<std::string> PercentDecode(std::string_view text);

// The pairs of a query in their order: "a=1&b" is {a, 1} {b, ""}; "+" is a space, as browsers
// write it. nullopt: as above, a name that comes twice, or more than kQueryParametersMax.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
std::optional<QueryParameters> ParseQuery(std::string_view query);

// nullptr: there is no such parameter.
const std::string* FindParameter(const QueryParameters& parameters, std::string_view name);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_URL_TEXT_H_
