// validate: could this run? It may look anywhere and change nothing.
#include <thread>

#include "check/bench/process_state.h"
#include "check/case.h"
#include "check/cases/stage_support.h"

namespace osiris::check {
namespace {

// validate of `change`d request; the rules hold whatever it answers.
void validates(Bench& bench, const std::function<void(AdapterRequest&)>& change, bool has_to_accept,
               const LifeOptions& options = {}) {
  const Pipeline pipeline = any_pipeline(bench);
  AdapterRequest request = bench.request(pipeline);
  change(request);
  Life life(bench, options);
  const bool ok = life.begin(request);
  if (bench.is_settled()) return;
  if (has_to_accept) life.expect_ok("validate");
  if (!ok && life.was_called("validate"))
    bench.expect(!life.status_of("validate").error().message.empty(), "validate failed without a message");
  life.expect_no_misbehaviour();
}

void accepts(Bench& bench) {
  validates(bench, [](AdapterRequest&) {}, true);
}

void accepts_no_steps(Bench& bench) {
  const Pipeline pipeline = empty_pipeline(bench.directory("run"));
  Life life(bench);
  life.begin(bench.request(pipeline));
  if (!bench.is_settled()) life.expect_ok("validate");
  life.expect_no_misbehaviour();
}

void says_the_same_again(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  const AdapterRequest request = bench.request(pipeline);
  Life life(bench);
  const bool first = life.begin(request);
  if (bench.is_settled()) return;
  for (int i = 0; i < 3; ++i)
    bench.expect(life.validate(request) == first, "the same request was answered another way");
  life.expect_no_misbehaviour();
}

void tells_of_no_steps(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  Life life(bench);
  life.begin(bench.request(pipeline));
  for (const auto& event : life.recorder().moments("event")) {
    bench.expect(event.step_id.empty(), "an event of a step arrived before there was a run: " + event.name);
    bench.expect(event.name != "resource_acquired", "a resource was acquired before execute");
  }
}

void changes_no_file(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  const AdapterRequest request = bench.request(pipeline);
  Life life(bench);
  if (!life.create() || !life.configure()) return;
  const std::string before = picture_of_directory(bench.task().directory / "run") +
                             picture_of_directory(bench.task().directory / "home") +
                             picture_of_directory(bench.task().directory / "tmp");
  life.validate(request);
  const std::string after = picture_of_directory(bench.task().directory / "run") +
                            picture_of_directory(bench.task().directory / "home") +
                            picture_of_directory(bench.task().directory / "tmp");
  bench.expect(before == after, "validate left a file behind, or took one away");
}

void starts_nothing(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  const AdapterRequest request = bench.request(pipeline);
  Life life(bench);
  if (!life.create() || !life.configure()) return;
  const ProcessState before = process_state();
  life.validate(request);
  if (const std::string what = lasting_difference(before, "children"); !what.empty()) bench.fail(what);
}

void ignores_unknown_keys(Bench& bench) {
  validates(
      bench,
      [](AdapterRequest& request) {
        for (std::string* text : {&request.manifest_json, &request.connections_json, &request.settings_json}) {
          Json json = *parse_json(*text);
          json.set("a_key_of_a_later_version", *parse_json(R"({"list":[1,2.5,null,{"x":"Ünï"}],"flag":true})"));
          *text = json.dump();
        }
      },
      true);
}

void ignores_deep_keys(Bench& bench) {
  validates(
      bench,
      [](AdapterRequest& request) {
        constexpr size_t kDepth = 150;
        Json json = *parse_json(request.settings_json);
        const auto nested = parse_json(std::string(kDepth, '[') + std::string(kDepth, ']'));
        json.set("a_key_of_a_later_version", *nested);
        request.settings_json = json.dump();
      },
      true);
}

void takes_large_documents(Bench& bench) {
  validates(
      bench,
      [](AdapterRequest& request) {
        Json json = *parse_json(request.manifest_json);
        json.set("a_key_of_a_later_version", std::string(4 << 20, 'x'));
        request.manifest_json = json.dump();
      },
      true);
}

void takes_pretty_documents(Bench& bench) {
  validates(
      bench,
      [](AdapterRequest& request) {
        for (std::string* text : {&request.manifest_json, &request.connections_json, &request.settings_json})
          *text = "\n " + parse_json(*text)->dump_pretty(4) + " \n";
      },
      true);
}

void takes_absent_settings(Bench& bench) {
  LifeOptions options;
  options.host.has_no_settings_json = true;
  validates(bench, [](AdapterRequest&) {}, true, options);
}

std::function<void(Bench&)> survives(std::function<void(AdapterRequest&)> change) {
  return [change](Bench& bench) { validates(bench, change, false); };
}

void takes_other_words(Bench& bench) {
  validates(
      bench,
      [&](AdapterRequest& request) {
        request.work_dir = bench.directory("wörk dir 'quoted' \"twice\" 漢字");
        request.run_id = "run-999999_ÜNÏ";
      },
      true);
}

void is_cancelled_before(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  const AdapterRequest request = bench.request(pipeline);
  Life life(bench);
  if (!life.create() || !life.configure()) return;
  life.cancel();
  const bool ok = life.validate(request);
  if (!ok)
    bench.expect(says_stopped(life.status_of("validate")),
                 "it was cancelled and said: " + life.status_of("validate").error().message);
  life.expect_no_misbehaviour();
}

void takes_a_second_attempt(Bench& bench) {
  validates(bench, [](AdapterRequest& request) { request.attempt = 2; }, true);
}

void are_validated_at_once(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  const AdapterRequest request = bench.request(pipeline);
  std::vector<std::unique_ptr<Life>> lives;
  for (int i = 0; i < 4; ++i) {
    lives.push_back(std::make_unique<Life>(bench));
    if (!lives.back()->create() || !lives.back()->configure()) return;
  }
  std::vector<std::thread> threads;
  for (const auto& life : lives) threads.emplace_back([&life, &request] { life->validate(request); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& life : lives) {
    life->expect_ok("validate");
    life->expect_no_misbehaviour();
  }
}

}  // namespace

std::vector<Case> validate_cases() {
  const auto without_worker = [](AdapterRequest& request) {
    request.worker_path.clear(), request.worker_sha256.clear();
  };
  const auto worker_is_gone = [](AdapterRequest& request) { request.worker_path = "/no/such/worker"; };
  const auto work_dir_is_gone = [](AdapterRequest& request) { request.work_dir = "/no/such/directory"; };
  const auto no_connections = [](AdapterRequest& request) { request.connections_json = "{}"; };
  return {
      {"validate.accepts", "validate accepts a pipeline that can run.", accepts},
      {"validate.no-steps", "validate accepts a pipeline without steps.", accepts_no_steps},
      {"validate.again", "validate may be asked any number of times and says the same.", says_the_same_again},
      {"validate.tells-of-no-step", "validate acquires nothing and tells of no step.", tells_of_no_steps},
      {"validate.changes-no-file", "validate leaves files as they are.", changes_no_file},
      {"validate.starts-nothing", "validate leaves no process behind.", starts_nothing},
      {"validate.unknown-keys", "Keys that the adapter does not know are ignored, in every document.",
       ignores_unknown_keys},
      {"validate.deep-keys", "Values that are nested deeply are passed over.", ignores_deep_keys},
      {"validate.large-documents", "A document of 4 MiB is read.", takes_large_documents},
      {"validate.pretty-documents", "Documents may have blanks and line ends wherever JSON has them.",
       takes_pretty_documents},
      {"validate.absent-settings", "A request may come without settings.", takes_absent_settings},
      {"validate.other-words", "Paths and ids may hold blanks, quotes and any character.", takes_other_words},
      {"validate.no-worker", "A request without a worker is answered, not crashed on.", survives(without_worker)},
      {"validate.worker-gone", "A worker that is not there is answered, not crashed on.", survives(worker_is_gone)},
      {"validate.work-dir-gone", "A working directory that is not there is answered, not crashed on.",
       survives(work_dir_is_gone)},
      {"validate.no-connections", "A pipeline without connections needs no such document.", survives(no_connections)},
      {"validate.cancelled", "After a cancel validate says CANCELLED or DEADLINE, or is done.", is_cancelled_before},
      {"validate.attempt-2", "A second attempt is validated as the first.", takes_a_second_attempt},
      {"validate.at-once", "Four instances validate at once.", are_validated_at_once},
  };
}

}  // namespace osiris::check
