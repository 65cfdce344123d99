// Debian's package lists as documents. A list is a text of paragraphs, one to a package, of lines
// "Field: value"; a line that begins with a blank continues the field above it (deb822(5)).
//
// "Packages" lists hold the facts and one line of summary; the texts stand in "Translation-en"
// lists beside them, joined by the name of the package and the MD5 of its text.
#ifndef LIBKV_EXAMPLES_PACKAGES_LISTS_H_
#define LIBKV_EXAMPLES_PACKAGES_LISTS_H_

#include <functional>
#include <istream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "packages/document.h"

namespace packages {

// What is longer than this is no package list: the rest of the paragraph is left out.
inline constexpr size_t kParagraphBytesMax = size_t{1} << 20;

class Paragraph {
 public:
  // The value of `field`, its lines joined by '\n' without their leading blank; "" if there is
  // none.
  std::string_view Get(std::string_view field) const;

 private:
  friend void ForEachParagraph(std::istream& in, const std::function<void(const Paragraph&)>& sink);
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Lines that are neither a field nor a continuation are skipped.
void ForEachParagraph(std::istream& in, const std::function<void(const Paragraph&)>& sink);

// The packages of all "*_Packages" and "*_Translation-en" files (plain text) in `directory`, one
// document each: the key is the package's name, the value JSON with name, section, homepage,
// installed_kb, tags, summary and description. Of several packages with one name the first counts,
// files taken by name.
std::vector<Document> ReadLists(const std::string& directory);

}  // namespace packages

#endif  // LIBKV_EXAMPLES_PACKAGES_LISTS_H_
