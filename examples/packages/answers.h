// Answers asks the store, prints what it found and how long that took, and returns the keys.
#ifndef LIBKV_EXAMPLES_PACKAGES_ANSWERS_H_
#define LIBKV_EXAMPLES_PACKAGES_ANSWERS_H_

#include <string>
#include <vector>

#include "libkv/store.h"

namespace packages {

// Errors are printed to standard error and give no keys. What the store holds is printed without
// control characters: a text must not command the terminal.
class Answers {
 public:
  explicit Answers(const libkv::Store& store);

  // By words, in the query language of libkv; with excerpts.
  std::vector<std::string> Ask(const std::string& query) const;
  // By the vector of the text stored under `key`.
  std::vector<std::string> Like(const std::string& key) const;
  // By the vector of `text`, which need not be stored.
  std::vector<std::string> Meaning(const std::string& text) const;
  // By words and by vectors at once.
  std::vector<std::string> Both(const std::string& text) const;
  // By a field of the value.
  std::vector<std::string> Section(const std::string& section) const;
  // How many of the texts found there are in each section.
  std::vector<std::string> Sections(const std::string& query) const;
  // The packages that take most room, by the order of another field.
  std::vector<std::string> Largest() const;

  void PrintSizes() const;

 private:
  std::vector<std::string> PrintNeighbors(const std::string& title, double milliseconds,
                                          const std::vector<libkv::Neighbor>& neighbors) const;
  void PrintTitle(const std::string& title, const std::string& found, double milliseconds) const;
  std::string SummaryOf(const std::string& key) const;
  std::string Marked(const std::vector<libkv::Excerpt>& excerpts) const;

  const libkv::Store& store_;
  const bool is_terminal_;
};

}  // namespace packages

#endif  // LIBKV_EXAMPLES_PACKAGES_ANSWERS_H_
