// prepare: the index of what will travel. Same request, same bytes.
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "check/bench/process_state.h"
#include "check/case.h"
#include "check/cases/stage_support.h"
#include "protocol/base/text.h"

namespace osiris::check {
namespace {

// The document of a fresh instance; empty: the case is settled.
std::string prepared_by(Bench& bench, AdapterRequest request, const LifeOptions& options = {}) {
  Life life(bench, options);
  if (life.begin(request)) life.prepare(request);
  if (bench.is_settled()) return {};
  for (const char* stage : {"validate", "prepare"})
    if (!life.expect_ok(stage)) return {};
  life.expect_no_misbehaviour();
  return life.outcome_of("prepare").document_text;
}

Json prepared_document(Bench& bench) {
  const std::string text = prepared_by(bench, bench.request(any_pipeline(bench)));
  return text.empty() ? Json() : *parse_json(text);
}

void delivers(Bench& bench) {
  const Json document = prepared_document(bench);
  if (bench.is_settled()) return;
  for (const char* list : {"files", "secret_names"})
    bench.expect(document[list].is_array(), std::string("'") + list + "' is no list");
  bench.expect(document["options"].is_object(), "'options' is no object");
}

void lists_files(Bench& bench) {
  const Json document = prepared_document(bench);
  std::set<std::string> seen;
  for (const Json& file : document["files"].items()) {
    const std::string& path = file["path"].as_string();
    bench.expect(!path.empty() && seen.insert(path).second, "a file has no path, or one that another has: " + path);
    bench.expect(!path.starts_with('/') && path.find("..") == std::string::npos,
                 "a path leads out of the package: " + path);
    if (const Json& hash = file["sha256"]; hash.is_string())
      bench.expect(hash.as_string().size() == 64 && is_hex(hash.as_string()), path + " has no SHA-256");
  }
}

void names_known_secrets(Bench& bench) {
  const Json document = prepared_document(bench);
  for (const Json& name : document["secret_names"].items())
    bench.expect(bench.answers().secrets.count(name.as_string()) > 0 || name.as_string().find('/') != std::string::npos,
                 "it will ask for '" + name.as_string() + "', which is no secret of the request or the adapter");
}

void holds_no_secret(Bench& bench) {
  if (bench.secret_values().empty()) return bench.skip("no secret was given in the answers");
  const std::string text = prepared_document(bench).dump();
  for (const std::string& value : bench.secret_values())
    bench.expect(text.find(value) == std::string::npos, "the document holds the value of a secret");
}

void asks_for_no_secret(Bench& bench) {
  AdapterRequest request = bench.request(any_pipeline(bench));
  Life life(bench);
  if (life.begin(request)) {
    const size_t before = life.boundary().secrets_asked().size();
    life.prepare(request);
    bench.expect(life.boundary().secrets_asked().size() == before, "prepare asked for a secret");
  }
}

void says_the_same(Bench& bench) {
  AdapterRequest request = bench.request(any_pipeline(bench));
  Life life(bench);
  if (!life.begin(request) || !life.prepare(request)) return;
  const std::string first = life.outcome_of("prepare").document_text;
  for (int i = 0; i < 3; ++i) {
    life.prepare(request);
    life.expect_ok("prepare");
    bench.expect(life.outcome_of("prepare").document_text == first, "asked again, prepare delivered other bytes");
  }
  life.validate(request);
  life.prepare(request);
  bench.expect(life.outcome_of("prepare").document_text == first, "after validate, prepare delivered other bytes");
  life.expect_no_misbehaviour();
}

// The same request under other circumstances.
std::function<void(Bench&)> says_the_same_when(std::function<void(Bench&)> change, LifeOptions options = {}) {
  return [change, options](Bench& bench) {
    const AdapterRequest request = bench.request(any_pipeline(bench));
    const std::string first = prepared_by(bench, request);
    if (bench.is_settled()) return;
    change(bench);
    bench.expect(prepared_by(bench, request, options) == first || bench.is_settled(), "the document has other bytes");
  };
}

void writes_below_adapter_only(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  const std::string before = picture_of_directory(pipeline.directory());
  prepared_by(bench, bench.request(pipeline));
  std::string after;
  for (const std::string& line : split(picture_of_directory(pipeline.directory()), '\n'))
    if (!line.empty() && !line.starts_with((pipeline.session_dir() / "adapter").string())) after += line + "\n";
  bench.expect(before == after, "prepare changed files outside of adapter/ in the session directory");
}

void prepares_a_thousand(Bench& bench) {
  Pipeline pipeline(bench.directory("many"));
  pipeline.read("first", "in.csv", "id\n1\n");
  for (int i = 0; i < 999; ++i) pipeline.sql("step-" + std::to_string(i), "SELECT * FROM df_first", {"first"});
  prepared_by(bench, bench.request(pipeline));
}

void is_cancelled_before(Bench& bench) {
  AdapterRequest request = bench.request(any_pipeline(bench));
  Life life(bench);
  if (!life.begin(request)) return;
  life.cancel();
  if (!life.prepare(request))
    bench.expect(says_stopped(life.status_of("prepare")),
                 "it was cancelled and said: " + life.status_of("prepare").error().message);
  life.expect_no_misbehaviour();
}

// deliver says no: the call has to say no as well, in its own words.
std::function<void(Bench&)> says_what_host_refused(const char* stage) {
  return [stage](Bench& bench) {
    LifeOptions options;
    options.host.refuses_documents = true;
    AdapterRequest request = bench.request(empty_pipeline(bench.directory("run")));
    Life life(bench, options);
    if (!life.begin(request)) return;
    life.prepare(request);
    if (bench.is_settled()) return;
    bench.expect(!life.status_of(stage).ok(), "the host took no document, and " + std::string(stage) + " said OK");
    for (const std::string& what : life.recorder().misbehaviours())
      bench.expect(what.find("without calling fail") == what.npos && what.find("returned OK") == what.npos, what);
  };
}

void leaves_process(Bench& bench) {
  AdapterRequest request = bench.request(any_pipeline(bench));
  Life life(bench);
  if (!life.begin(request)) return;
  const ProcessState before = process_state();
  life.prepare(request);
  for (const char* aspect : {"descriptors", "children", "threads"})
    if (const std::string what = lasting_difference(before, aspect); !what.empty()) bench.fail(what);
}

}  // namespace

std::vector<Case> prepare_cases() {
  LifeOptions at_page_end, slow;
  at_page_end.host.placement = Placement::kPageEnd;
  const auto elsewhere = [](Bench& bench) { bench.expect(::chdir("/") == 0, "this process may not go to /"); };
  const auto zone = [](Bench&) { ::setenv("TZ", "Pacific/Kiritimati", 1), ::tzset(); };
  const auto mask = [](Bench&) { ::umask(0); };
  const auto words = [](Bench&) { ::setlocale(LC_ALL, "C.UTF-8"); };
  const auto later = [](Bench&) {};
  return {
      {"prepare.delivers", "prepare delivers the document 'prepared' with its lists.", delivers},
      {"prepare.files", "Each file of the index has a path of its own, inside the package.", lists_files},
      {"prepare.secret-names", "The index names only secrets that may be asked for.", names_known_secrets},
      {"prepare.holds-no-secret", "The index holds no secret.", holds_no_secret},
      {"prepare.asks-for-no-secret", "prepare asks for no secret.", asks_for_no_secret},
      {"prepare.again", "prepare may be asked any number of times and delivers the same bytes.", says_the_same},
      {"prepare.other-instance", "Another instance delivers the same bytes.", says_the_same_when(later)},
      {"prepare.other-directory", "The working directory of the process changes no byte.",
       says_the_same_when(elsewhere)},
      {"prepare.other-zone", "The time zone changes no byte.", says_the_same_when(zone)},
      {"prepare.other-umask", "The umask changes no byte.", says_the_same_when(mask)},
      {"prepare.other-locale", "The locale changes no byte.", says_the_same_when(words)},
      {"prepare.other-memory", "Where the request stands in memory changes no byte.",
       says_the_same_when(later, at_page_end)},
      {"prepare.writes-below-adapter", "prepare writes below adapter/ in the session directory at most.",
       writes_below_adapter_only},
      {"prepare.thousand-steps", "A plan of a thousand steps is prepared.", prepares_a_thousand, kTables | kRuns},
      {"prepare.cancelled", "After a cancel prepare says CANCELLED or DEADLINE, or is done.", is_cancelled_before},
      {"prepare.refused-document", "A document that the host refuses is a failure of the call, told with fail.",
       says_what_host_refused("prepare")},
      {"prepare.leaves-nothing", "prepare leaves no descriptor, thread or process behind.", leaves_process},
  };
}

}  // namespace osiris::check
