// osiris.explain/1: what a run would touch, told before anything is asked for.
#include "check/case.h"
#include "check/cases/stage_support.h"

namespace osiris::check {
namespace {

// The document; null: the case is settled.
Json explained(Bench& bench, const std::function<void(AdapterRequest&)>& change = {}, const LifeOptions& options = {}) {
  AdapterRequest request = bench.request(any_pipeline(bench));
  if (change) change(request);
  Life life(bench, options);
  if (!life.begin(request)) {
    if (!bench.is_settled()) life.expect_ok("validate");
    return {};
  }
  life.explain(request);
  life.expect_ok("explain");
  life.expect_no_misbehaviour();
  for (const auto& event : life.recorder().moments("event"))
    bench.expect(event.name != "resource_acquired", "explain acquired a resource");
  return life.outcome_of("explain").document;
}

void explains(Bench& bench) {
  const Json document = explained(bench);
  for (const Json& fact : document["facts"].items())
    bench.expect(!fact["text"].as_string().empty(), "a fact says nothing: " + fact.dump());
  for (const Json& warning : document["warnings"].items())
    bench.expect(!warning.as_string().empty(), "a warning says nothing");
}

void explains_its_options(Bench& bench) {
  const Json document = explained(bench);
  for (const Json& fact : document["facts"].items())
    for (const Json& option : fact["options"].items()) {
      bool known = false;
      for (uint32_t i = 0; i < bench.type().option_count; ++i) {
        const osiris_str name = bench.type().options[i]->name;
        known |= std::string_view(name.data, name.len) == option.as_string();
      }
      bench.expect(known, "a fact rests on the option '" + option.as_string() + "', which there is not");
    }
}

void explains_again(Bench& bench) {
  AdapterRequest request = bench.request(any_pipeline(bench));
  Life life(bench);
  if (!life.begin(request)) return;
  life.explain(request);
  const std::string first = life.outcome_of("explain").document_text;
  life.explain(request);
  life.expect_ok("explain");
  bench.expect(life.outcome_of("explain").document_text == first, "asked again, it explained another thing");
  life.prepare(request);
  life.explain(request);
  life.expect_ok("explain");
  life.expect_no_misbehaviour();
}

void explains_without_worker(Bench& bench) {
  AdapterRequest request = bench.request(empty_pipeline(bench.directory("run")));
  request.worker_path.clear();
  request.worker_sha256.clear();
  request.run_id = "none";
  Life life(bench);
  if (!life.begin(request)) {
    if (!bench.is_settled()) bench.skip("validate wants a worker: " + life.status_of("validate").error().message);
    return;
  }
  life.explain(request);
  life.expect_ok("explain");
  life.expect_no_misbehaviour();
}

void holds_no_secret(Bench& bench) {
  if (bench.secret_values().empty()) return bench.skip("no secret was given in the answers");
  const std::string text = explained(bench).dump();
  for (const std::string& value : bench.secret_values())
    bench.expect(text.find(value) == std::string::npos, "the explanation holds the value of a secret");
}

void changes_no_file(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  AdapterRequest request = bench.request(pipeline);
  Life life(bench);
  if (!life.begin(request)) return;
  const std::string before = picture_of_directory(bench.task().directory / "run");
  life.explain(request);
  bench.expect(before == picture_of_directory(bench.task().directory / "run"), "explain changed a file");
}

void borrows(Bench& bench) {
  LifeOptions options;
  options.host.placement = Placement::kPageEnd;
  explained(bench, {}, options);
}

}  // namespace

std::vector<Case> explain_cases() {
  const auto has = kTables | kExplanation;
  return {
      {"explain.explains", "explain delivers facts and warnings that say something, and acquires nothing.", explains,
       has},
      {"explain.options", "Facts rest on options that the adapter has.", explains_its_options, has},
      {"explain.again", "explain may be asked any number of times and says the same.", explains_again, has},
      {"explain.no-worker", "explain needs no worker and no run.", explains_without_worker, has},
      {"explain.holds-no-secret", "The explanation holds no secret.", holds_no_secret, has},
      {"explain.changes-no-file", "explain changes no file.", changes_no_file, has},
      {"explain.borrowed", "explain reads nothing past its end and keeps nothing.", borrows, has},
  };
}

}  // namespace osiris::check
