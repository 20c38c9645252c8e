// osiris.resources/1: what an adapter holds, listed and given back outside of any run.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "check/bench/patience.h"
#include "check/case.h"
#include "check/cases/stage_support.h"
#include "protocol/base/file.h"

namespace osiris::check {
namespace {

constexpr int64_t kStepMsMax = 15'000;  // until the first step of a run

// An instance for queries; null: the case is settled.
std::unique_ptr<Life> opened(Bench& bench, const LifeOptions& options = {}) {
  auto life = std::make_unique<Life>(bench, options);
  if (life->create() && life->configure()) return life;
  if (!bench.is_settled()) life->expect_ok("configure");
  return nullptr;
}

std::vector<Json> listed(Life& life, const ResourceQuery& query) {
  life.list(query);
  if (!life.expect_ok("list")) return {};
  return life.outcome_of("list").document["resources"].items();
}

void lists(Bench& bench) {
  const auto life = opened(bench);
  if (!life) return;
  for (const Json& resource : listed(*life, query_of(bench)))
    bench.expect(!resource["kind"].as_string().empty() && !resource["id"].as_string().empty(),
                 "a resource has no kind or no id: " + resource.dump());
  life->expect_no_misbehaviour();
}

void lists_the_same(Bench& bench) {
  const auto life = opened(bench);
  if (!life) return;
  const Json filter = Json::object({{"owner_id", bench.owner_id()}});
  const std::string first = Json(listed(*life, query_of(bench, filter))).dump_canonical();
  const std::string second = Json(listed(*life, query_of(bench, filter))).dump_canonical();
  bench.expect(first == second, "two lists, one after the other, differ: listing changed something");
}

void filters_by(Bench& bench, const Json& filter, const std::function<bool(const Json&)>& fits,
                const std::string& what) {
  const auto life = opened(bench);
  if (!life) return;
  for (const Json& resource : listed(*life, query_of(bench, filter)))
    bench.expect(fits(resource), what + ": " + resource.dump());
  life->expect_no_misbehaviour();
}

void filters_by_owner(Bench& bench) {
  const std::string other = "ffffffffffffffffffffffffffffffff";
  filters_by(
      bench, Json::object({{"owner_id", other}}), [](const Json&) { return false; },
      "an owner without resources has one");
}

void filters_by_kind(Bench& bench) {
  filters_by(
      bench, Json::object({{"kind", "a-kind-that-is-none"}}), [](const Json&) { return false; },
      "a kind that is none has a resource");
}

void has_no_leftover(Bench& bench) {
  filters_by(
      bench,
      Json::object({{"owner_id", bench.owner_id()}, {"leftovers_only", Json(true)}, {"dead_run_ids", Json::array()}}),
      [](const Json&) { return false; }, "no run is dead, and there is a leftover");
}

void ignores_unknown_filters(Bench& bench) {
  filters_by(
      bench, Json::object({{"owner_id", bench.owner_id()}, {"a_key_of_a_later_version", Json::array({1, 2})}}),
      [](const Json&) { return true; }, "");
}

void needs_no_filter(Bench& bench) {
  const auto life = opened(bench);
  if (!life) return;
  ResourceQuery query = query_of(bench);
  query.filter = Json();
  life->list(query);
  life->expect_ok("list");
  life->expect_no_misbehaviour();
}

std::function<void(Bench&)> lists_with(HostManner manner) {
  return [manner](Bench& bench) {
    LifeOptions options;
    options.host = manner;
    const auto life = opened(bench, options);
    if (!life) return;
    listed(*life, query_of(bench));
    life->expect_no_misbehaviour();
  };
}

void is_cancelled(Bench& bench) {
  const auto life = opened(bench);
  if (!life) return;
  life->cancel();
  if (!life->list(query_of(bench)))
    bench.expect(says_stopped(life->status_of("list")),
                 "it was cancelled and said: " + life->status_of("list").error().message);
  life->expect_no_misbehaviour();
}

// The kind of what a run holds; the first that a run announces.
std::string kind_of_run(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("kind"));
  Life life(bench);
  life.run(bench.request(pipeline));
  bench.next_run();
  for (const auto& event : life.recorder().moments("event"))
    if (event.name == "resource_acquired") return event.data["kind"].as_string();
  bench.skip("a run holds no resource");
  return {};
}

void releases_what_is_gone(Bench& bench) {
  const std::string kind = kind_of_run(bench);
  const auto life = bench.is_settled() ? nullptr : opened(bench);
  if (!life) return;
  ResourceQuery query = query_of(bench);
  query.kind = kind;
  query.id = "i0000000000000000gone";
  if (!life->release(query))
    bench.expect(life->status_of("release").error().code == Code::kNotFound ||
                     life->status_of("release").error().code == Code::kInvalidArgument,
                 "a resource that is gone was released with: " + life->status_of("release").error().message);
  life->expect_no_misbehaviour();
}

void refuses_nonsense(Bench& bench) {
  const auto life = opened(bench);
  if (!life) return;
  for (const auto& [kind, id] : {std::pair{"a-kind-that-is-none", "x"}, std::pair{"", ""}, std::pair{"sandbox", ""}}) {
    ResourceQuery query = query_of(bench);
    query.kind = kind;
    query.id = id;
    bench.expect(!life->release(query), std::string("it released '") + kind + "' '" + id + "'");
  }
  life->expect_no_misbehaviour();
}

// A run whose host is killed leaves something behind; its run id.
std::string leave_something(Bench& bench) {
  const auto sign = bench.directory("signs") / "started";
  AdapterRequest request = bench.request(endless_pipeline(bench.directory("left")));
  const pid_t host = ::fork();
  if (host == 0) {
    Life life(bench);
    life.recorder().at_event = [&](const Recorder::Event& event) {
      if (event.name == "step_start") (void)write_file_atomically(sign, "");
    };
    if (life.begin(request) && life.prepare(request)) life.execute(request);
    _exit(0);
  }
  std::error_code error;
  const bool is_there = wait_patiently(kStepMsMax, [&] { return std::filesystem::exists(sign, error); });
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
  if (!is_there) bench.skip("the run did not get as far as its first step");
  return request.run_id;
}

void reaps(Bench& bench) {
  const std::string run = leave_something(bench);
  const auto life = bench.is_settled() ? nullptr : opened(bench);
  if (!life) return;
  const auto leftovers = [&](const std::string& dead) {
    return listed(*life, query_of(bench, leftovers_of(bench, dead)));
  };
  bench.expect(leftovers("run-000777_OTHER").empty(), "a run that is not dead has leftovers");
  const std::vector<Json> found = leftovers(run);
  if (!bench.expect(!found.empty(), "the killed run held something, and it is no leftover")) return;
  for (const Json& resource : found) {
    bench.expect(resource["leftover"].as_bool(), "a leftover does not say that it is one");
    bench.expect(resource["owner_id"].as_string() == bench.owner_id(), "a leftover has another owner");
    bench.expect(resource["run_id"].as_string() == run, "a leftover is of another run");
    ResourceQuery query = query_of(bench);
    query.kind = resource["kind"].as_string();
    query.id = resource["id"].as_string();
    for (int i = 0; i < 2; ++i) {
      life->release(query);
      if (!life->expect_ok("release")) return;
      bench.expect(life->outcome_of("release").document["released"].items().size() == 1 &&
                       life->outcome_of("release").document["released"].items()[0]["verified"].as_bool(),
                   "what was released was not verified to be gone");
    }
  }
  bench.expect(leftovers(run).empty(), "what was released is still there");
  life->expect_no_misbehaviour();
}

void asks_with_state_of_its_own(Bench& bench) {
  const auto life = opened(bench);
  if (!life) return;
  ResourceQuery query = query_of(bench, Json::object({{"owner_id", bench.owner_id()}}));
  Json settings = bench.settings_json();
  settings.set("state_dir", (bench.task().directory / "not made yet").string());
  query.settings_json = settings.dump();
  life->list(query);
  life->expect_ok("list");
  life->expect_no_misbehaviour();
}

}  // namespace

std::vector<Case> resource_cases() {
  const auto has = kTables | kResources;
  HostManner at_page_end, longer;
  at_page_end.placement = Placement::kPageEnd;
  longer.growth = 64;
  return {
      {"resources.lists", "list delivers resources, each with a kind and an id.", lists, has},
      {"resources.lists-the-same", "Listing changes nothing.", lists_the_same, has},
      {"resources.by-owner", "An owner without resources has none in the list.", filters_by_owner, has},
      {"resources.by-kind", "A kind that is none has no resource in the list.", filters_by_kind, has},
      {"resources.no-leftover", "Without a dead run there is no leftover.", has_no_leftover, has},
      {"resources.unknown-filter", "Keys of the filter that are not known are ignored.", ignores_unknown_filters, has},
      {"resources.no-filter", "A list may be asked for without a filter.", needs_no_filter, has},
      {"resources.borrowed", "A query is neither read past its end nor kept.", lists_with(at_page_end), has},
      {"resources.grown", "A query may be longer than the adapter knows.", lists_with(longer), has},
      {"resources.cancelled", "A list that is cancelled says so, or is done.", is_cancelled, has},
      {"resources.state-dir", "The state directory need not be there.", asks_with_state_of_its_own, has},
      {"resources.release-gone", "Releasing what is gone does no harm.", releases_what_is_gone, has | kRuns},
      {"resources.release-nonsense", "What is no resource is not released.", refuses_nonsense, has},
      {"resources.reap", "What a killed run left is found as a leftover, released twice, verified, and gone.", reaps,
       has | kRuns},
  };
}

}  // namespace osiris::check
