// What is lent for one call: its end is where it says, it is not written, and it is gone afterwards. And structs of a
// later minor version.
#include "check/case.h"
#include "check/cases/stage_support.h"

namespace osiris::check {
namespace {

// A whole run with such a host.
void runs(Bench& bench, const LifeOptions& options) {
  const Pipeline pipeline = any_pipeline(bench);
  Life life(bench, options);
  life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  if (pipeline.plan().steps.empty())
    life.expect_ok("collect");
  else
    life.expect_success(pipeline);
  bench.expect(!life.boundary().wrote_into_lent_memory(), "it wrote into what it was lent, or beside it");
}

std::function<void(Bench&)> runs_with(HostManner manner) {
  return [manner](Bench& bench) {
    LifeOptions options;
    options.host = manner;
    runs(bench, options);
  };
}

void stops_for_any_number(Bench& bench) {
  for (const int32_t number : {7, -1, INT32_MIN}) {
    LifeOptions options;
    options.host.cancelled_number = number;
    const bool runs = bench.task().runs;
    AdapterRequest request = bench.request(runs ? endless_pipeline(bench.directory("endless")) : any_pipeline(bench));
    Life life(bench, options);
    if (!life.begin(request) || !life.prepare(request)) return;
    life.cancel();
    const bool ok = life.execute(request);
    if (runs || !ok)
      bench.expect(says_stopped(life.status_of("execute")),
                   "is_cancelled said " + std::to_string(number) +
                       ", and execute: " + (ok ? "OK" : life.status_of("execute").error().message));
    life.collect(request);
    life.expect_no_misbehaviour();
  }
}

void takes_grace_of(Bench& bench, int64_t grace_ns) {
  LifeOptions options;
  options.host.grace_ns = grace_ns;
  runs(bench, options);
}

}  // namespace

std::vector<Case> borrow_cases() {
  HostManner at_page_end, longer, longer_at_page_end, newer;
  at_page_end.placement = longer_at_page_end.placement = Placement::kPageEnd;
  longer.growth = 128;
  longer_at_page_end.growth = 8;
  newer.abi = OSIRIS_ABI(1, 40);
  newer.growth = 256;
  return {
      {"borrow.heap", "What is lent is neither written nor used after the call.", runs_with({})},
      {"borrow.page-end", "Every struct and text may end where memory ends, and is not written.",
       runs_with(at_page_end)},
      {"borrow.grown", "Structs of the host may be longer than the adapter knows.", runs_with(longer)},
      {"borrow.grown-page-end", "Structs that have grown by one field may end where memory ends.",
       runs_with(longer_at_page_end)},
      {"borrow.much-newer", "A host 40 minor versions later runs the adapter.", runs_with(newer)},
      {"borrow.any-yes", "is_cancelled means yes by any number but 0.", stops_for_any_number},
      {"borrow.short-grace", "A grace of 1 s is taken.", [](Bench& bench) { takes_grace_of(bench, 1'000'000'000); }},
      {"borrow.long-grace", "A grace without end is taken.", [](Bench& bench) { takes_grace_of(bench, INT64_MAX); }},
  };
}

}  // namespace osiris::check
