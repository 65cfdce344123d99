// Runs a plan with a function as its sink, to which all matches are of interest.
#ifndef LIBKV_TESTS_TEXT_VISIT_ALL_H_
#define LIBKV_TESTS_TEXT_VISIT_ALL_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "text/search_plan.h"

namespace libkv {

inline void VisitAll(const SearchPlan& plan, const PostingsSource& source,
                     const CollectionStatistics& statistics, const Scoring& scoring,
                     absl::FunctionRef<bool(uint32_t document, double score)> visit) {
  class Sink final : public MatchSink {
   public:
    explicit Sink(absl::FunctionRef<bool(uint32_t, double)> visit) : visit_(visit) {}
    bool Visit(uint32_t document, double score) override { return visit_(document, score); }
    bool GoOn() override { return true; }

   private:
    const absl::FunctionRef<bool(uint32_t, double)> visit_;
  };
  Sink sink(visit);
  plan.Run(source, statistics, scoring, &sink);
}

}  // namespace libkv

#endif  // LIBKV_TESTS_TEXT_VISIT_ALL_H_
