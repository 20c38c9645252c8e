// Instances: made, used as far as any stage, several at once, and ended.
#include <malloc.h>

#include <atomic>
#include <thread>

#include "check/bench/life.h"
#include "check/bench/process_state.h"
#include "check/bench/syscall_watch.h"
#include "check/case.h"

namespace osiris::check {
namespace {

// As far as `last`, then destroy.
void live_until(Bench& bench, const std::string& last, const LifeOptions& options = {}) {
  const Pipeline pipeline = empty_pipeline(bench.directory("run"));
  AdapterRequest request = bench.request(pipeline);
  Life life(bench, options);
  bool ok = life.create();
  if (ok && last != "create") ok = life.configure();
  if (ok && last != "create" && last != "configure") ok = life.validate(request);
  if (ok && (last == "prepare" || last == "execute" || last == "collect")) ok = life.prepare(request);
  if (ok && (last == "execute" || last == "collect")) ok = life.execute(request);
  if (ok && last == "collect") ok = life.collect(request);
  life.destroy();
  if (!bench.is_settled()) life.expect_ok(last);
  life.expect_no_misbehaviour();
}

std::function<void(Bench&)> until(const char* stage) {
  return [stage](Bench& bench) { live_until(bench, stage); };
}

std::function<void(Bench&)> with_host(HostManner manner) {
  return [manner](Bench& bench) {
    LifeOptions options;
    options.host = manner;
    live_until(bench, "collect", options);
  };
}

std::function<void(Bench&)> create_refuses(Watched watched) {
  return [watched](Bench& bench) {
    Life life(bench);  // its thread exists before threads are watched
    std::string why;
    if (!watch_syscalls(watched, why)) return bench.skip(why);
    life.create();
    for (const std::string& what : refused_syscalls()) bench.fail("create asked for " + what);
    if (!bench.failed()) life.expect_ok("create");
    bench.end_now();
  };
}

void is_made_often(Bench& bench) {
  constexpr int kTimes = 200;
  constexpr size_t kBytesMax = 512 << 10;  // of 200 instances: what the check itself keeps of each is below it
  ::mallopt(M_ARENA_MAX, 1);               // mallinfo2 counts one
  const ProcessState before = process_state();
  size_t used = 0;
  for (int i = 0; i < 2 * kTimes; ++i) {
    if (i == kTimes) used = ::mallinfo2().uordblks;
    Life life(bench);
    if (!life.create() || !life.configure()) return void(life.expect_ok("create") && life.expect_ok("configure"));
  }
  const size_t now = ::mallinfo2().uordblks;
  const size_t each = now > used ? (now - used) / kTimes : 0;
  bench.note(std::to_string(each) + " bytes an instance stay, the check's own among them");
  bench.expect(now < used + kBytesMax * 8, std::to_string(each) + " bytes of each instance are never given back");
  for (const char* aspect : {"descriptors", "threads", "children"})
    if (const std::string what = lasting_difference(before, aspect); !what.empty()) bench.fail(what);
}

void are_made_at_once(Bench& bench) {
  constexpr int kThreads = 8, kTimes = 10;
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < kTimes; ++j) {
        Life life(bench);
        if (!life.create() || !life.configure()) ++failed;
      }
    });
  for (std::thread& thread : threads) thread.join();
  bench.expect(failed == 0, std::to_string(failed) + " of 80 instances could not be made");
}

void ends_in_any_order(Bench& bench) {
  const Pipeline pipeline = empty_pipeline(bench.directory("run"));
  const AdapterRequest request = bench.request(pipeline);
  auto first = std::make_unique<Life>(bench), second = std::make_unique<Life>(bench);
  if (!first->begin(request) || !second->begin(request)) return void(first->expect_ok("validate"));
  first.reset();
  AdapterRequest prepared = request;
  second->prepare(prepared);
  second->expect_ok("prepare");
  second->expect_no_misbehaviour();
}

void goes_through_many_threads(Bench& bench) {
  LifeOptions options;
  options.thread_for_each_call = true;
  live_until(bench, "collect", options);
}

}  // namespace

std::vector<Case> life_cases() {
  HostManner newer, longer, at_page_end;
  newer.abi = OSIRIS_ABI(1, 7);
  longer.growth = 64;
  at_page_end.placement = Placement::kPageEnd;
  return {
      {"life.create-destroy", "An instance can be made and ended at once.", until("create")},
      {"life.end-after-configure", "An instance can be ended after configure.", until("configure")},
      {"life.end-after-validate", "An instance can be ended after validate.", until("validate")},
      {"life.end-after-prepare", "An instance can be ended after prepare.", until("prepare")},
      {"life.end-after-execute", "An instance can be ended without collect.", until("execute")},
      {"life.whole", "A run without steps goes through every stage.", until("collect")},
      {"life.often", "400 instances, one after the other, leave no descriptor, thread, child or memory behind.",
       is_made_often, kTables | kShared},
      {"life.at-once", "Instances can be made and ended on eight threads at once.", are_made_at_once},
      {"life.independent", "Ending one instance does not disturb another.", ends_in_any_order},
      {"life.many-threads", "Each call of an instance may come from another thread.", goes_through_many_threads},
      {"life.newer-host", "A host that speaks a later minor version is served.", with_host(newer)},
      {"life.longer-host", "A host whose structs have grown is served, and what is new in them is left alone.",
       with_host(longer)},
      {"life.host-at-pages-end", "No struct of the host is read past its size, or written.", with_host(at_page_end)},
      {"create.no-network", "create opens no network connection.", create_refuses({.network = true})},
      {"create.no-thread", "create starts no thread.", create_refuses({.threads = true}), kTables | kShared},
      {"create.no-process", "create starts no process.", create_refuses({.processes = true})},
      {"create.no-writing", "create writes no file.", create_refuses({.writes = true})},
  };
}

}  // namespace osiris::check
