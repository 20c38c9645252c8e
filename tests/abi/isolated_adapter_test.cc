// An adapter in a process of its own is seen by the host as one in its own process is: what crosses the line, the same
// documents, the same reports of what it does wrong. And it may end its process as it likes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <osiris/ext/early.h>
#include <osiris/ext/resources.h>
#include <unistd.h>

#include <thread>

#include "host/adapters/isolated_adapter.h"
#include "tests/abi/support.h"
#include "tests/support/children.h"
#include "tests/support/eventually.h"

namespace osiris::abi_tests {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kLongNs = 30'000'000'000, kShortNs = 50'000'000;

Result<IsolatedAdapter*> isolate(const std::filesystem::path& library, const std::string& id,
                                 int64_t grace_ns = kLongNs) {
  const AdapterManifest manifest = manifest_for(library, id);
  set_isolation_program(tree_dir() / "bin/osiris", grace_ns);
  return IsolatedAdapter::load({library, manifest.file, id});
}

std::string told(const Status& status) {
  return status.ok() ? "ok" : status.error().message + " | " + status.error().hint;
}

std::vector<std::string> told(const Life& life) {
  std::vector<std::string> all = {told(life.created), told(life.configured), told(life.validated)};
  for (const StageOutcome* stage : {&life.prepared, &life.executed, &life.collected}) {
    all.push_back(told(stage->status));
    all.push_back(stage->document_text);
  }
  return all;
}

class IsolatedDefect : public ::testing::TestWithParam<std::string> {};

TEST_P(IsolatedDefect, IsToldOfAsInTheHostsOwnProcess) {
  const auto here = load(defect(GetParam()), "defect");
  ASSERT_TRUE(here.ok()) << here.error().message;
  const auto there = isolate(defect(GetParam()), "defect");
  ASSERT_TRUE(there.ok()) << there.error().message;
  TemporaryDirectory directory;
  Recorder seen_here, seen_there;
  const Life life_here = run_life(*here->type, seen_here, request_in(directory.path()));
  const Life life_there = run_life(*(*there)->type(), seen_there, request_in(directory.path()));
  EXPECT_EQ(told(life_here), told(life_there));
  EXPECT_EQ(seen_here.lines(), seen_there.lines());
  EXPECT_EQ(seen_here.misbehaviours(), seen_there.misbehaviours());
  EXPECT_FALSE((*there)->has_lost_a_process());
}

INSTANTIATE_TEST_SUITE_P(All, IsolatedDefect,
                         ::testing::Values("newer_minor", "status_without_fail", "fail_with_ok", "fail_twice",
                                           "fail_other_code", "unknown_status", "deliver_missing", "deliver_twice",
                                           "deliver_wrong_name", "deliver_not_json", "deliver_other_schema",
                                           "create_without_instance", "event_without_name", "foreign_secret",
                                           "huge_texts", "misbehaves_often", "odd_names", "result_contradicts",
                                           "text_not_utf8", "holds_resource"),
                         [](const auto& row) { return row.param; });

TEST(Isolated, AnExceptionIsTheFailureOfTheCall) {
  const auto adapter = isolate(defect("throws_through_c"), "defect");
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  TemporaryDirectory directory;
  Recorder recorder;
  const Life life = run_life(*(*adapter)->type(), recorder, request_in(directory.path()));
  EXPECT_THAT(told(life.executed.status), HasSubstr("threw an exception across the C interface: the disk is on fire"));
  EXPECT_TRUE(life.collected.ok()) << "its process lives on";
}

// The rest of these ends or crashes the process that makes the call.
TEST(Isolated, WhatMayBeginEarlyBeginsInItsProcess) {
  const auto adapter = isolate(tree_dir() / "lib/osiris/adapters/local.so", "local");
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  const osiris_adapter_type& type = *(*adapter)->type();
  const auto* const early = static_cast<const osiris_early*>(type.extension(&type, OSIRIS_EARLY_V1));
  ASSERT_NE(early, nullptr);
  TemporaryDirectory directory;
  const std::string worker = tree_dir() / "lib/osiris/osiris-worker", work = directory.path();
  const osiris_str drivers[] = {OSIRIS_STR("mock"), OSIRIS_STR("filesystem.csv_writer")};
  const osiris_early_run run = {sizeof run, 2, {worker.data(), worker.size()}, {work.data(), work.size()}, drivers};
  early->begin(&type, &run);
  const auto begun = [&] {
    std::string words;
    for (const pid_t process : osiris::test::children_of(::getpid()))
      for (const pid_t child : osiris::test::children_of(process)) words += osiris::test::words_of(child);
    return words;
  };
  EXPECT_TRUE(osiris::test::eventually([&] { return begun().find("mock") != std::string::npos; }));
  EXPECT_THAT(begun(), HasSubstr(worker));
  EXPECT_THAT(begun(), HasSubstr("filesystem.csv_writer"));

  const auto other = isolate(defect("holds_resource"), "defect");
  ASSERT_TRUE(other.ok()) << other.error().message;
  EXPECT_EQ((*other)->type()->extension((*other)->type(), OSIRIS_EARLY_V1), nullptr) << "which has none of its own";
}

class IsolatedEnd : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(IsolatedEnd, IsTheFailureOfOneCall) {
  const auto& [sin, how] = GetParam();
  const auto adapter = isolate(defect(sin), "defect");
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  TemporaryDirectory directory;
  Recorder recorder;
  const Life life = run_life(*(*adapter)->type(), recorder, request_in(directory.path()));
  ASSERT_FALSE(life.executed.ok());
  EXPECT_EQ(life.executed.status.error().code, Code::kInternal);
  EXPECT_THAT(life.executed.status.error().message, HasSubstr("execute: the adapter's process " + how));
  EXPECT_TRUE((*adapter)->has_lost_a_process());
  Recorder second;
  EXPECT_TRUE(AdapterInstance::create(*(*adapter)->type(), second).ok()) << "another instance has another process";
}

INSTANTIATE_TEST_SUITE_P(All, IsolatedEnd,
                         ::testing::ValuesIn(std::vector<std::pair<std::string, std::string>>{
                             {"crashes", "was killed by signal 11 (SIGSEGV)"},
                             {"exits", "exited with status 3"},
                             {"ends_the_process", "was killed by signal 6 (SIGABRT)"},
                             {"quick_exits", "exited with status 3"},
                             {"throws_noexcept", "was killed by signal 6 (SIGABRT)"},
                             {"throws_own_runtime", "was killed by signal 6 (SIGABRT)"}}),
                         [](const auto& row) { return row.param.first; });

class IsolatedLoad : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(IsolatedLoad, IsRefusedInAClearSentence) {
  const auto& [sin, why] = GetParam();
  const auto adapter = isolate(defect(sin), "defect");
  ASSERT_FALSE(adapter.ok());
  EXPECT_THAT(adapter.error().message, HasSubstr(why));
}

INSTANTIATE_TEST_SUITE_P(All, IsolatedLoad,
                         ::testing::ValuesIn(std::vector<std::pair<std::string, std::string>>{
                             {"ctor_exits", "load: its process exited with status 3"},
                             {"ctor_aborts", "load: its process was killed by signal 6 (SIGABRT)"},
                             {"entry_exits", "load: its process exited with status 3"},
                             {"null_slot", "refused, adapter misbehaving"},
                             {"needs_newer_host", "needs adapter ABI 1.9 or newer"},
                             {"not_an_adapter", "not an osiris adapter"}}),
                         [](const auto& row) { return row.param.first; });

// A host that only looks at what it is told last.
struct PlainHost {
  static PlainHost& self(const osiris_host* host) { return *static_cast<PlainHost*>(host->context); }
  PlainHost() {
    table.size = sizeof table;
    table.abi = OSIRIS_ABI_VERSION;
    table.context = this;
    table.fail = [](const osiris_host* host, const osiris_error* error) noexcept {
      self(host).failure.assign(error->message.data, error->message.len);
    };
    table.log = [](const osiris_host*, const osiris_log*) noexcept {};
    table.emit_event = [](const osiris_host*, const osiris_event*) noexcept {};
    table.emit_metric = [](const osiris_host*, const osiris_metric*) noexcept {};
    table.progress = [](const osiris_host*, const osiris_progress*) noexcept {};
    table.is_cancelled = [](const osiris_host* host) noexcept -> int32_t { return self(host).cancelled; };
    table.with_secret = [](const osiris_host*, osiris_str, void (*)(void*, osiris_str) noexcept,
                           void*) noexcept -> osiris_status { return OSIRIS_NOT_FOUND; };
    table.deliver = [](const osiris_host*, const char*, osiris_str) noexcept -> osiris_status { return OSIRIS_OK; };
    table.extension = [](const osiris_host*, const char*) noexcept -> const void* { return nullptr; };
  }
  osiris_host table{};
  std::string failure;
  std::atomic<int32_t> cancelled{0};
};

TEST(Isolated, ACallThatDoesNotReturnIsEndedWhenItsGraceIsOver) {
  const auto adapter = isolate(defect("hangs_in_validate"), "defect");
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  const osiris_adapter_type& type = *(*adapter)->type();
  PlainHost host;
  osiris_adapter* instance = nullptr;
  ASSERT_EQ(type.create(&type, &host.table, &instance), OSIRIS_OK);
  ASSERT_EQ(type.configure(instance, nullptr, 0), OSIRIS_OK);
  osiris_request request{};
  request.size = sizeof request;
  request.grace_ns = 50'000'000;
  host.cancelled = 1;
  EXPECT_EQ(type.validate(instance, &request), OSIRIS_INTERNAL);
  EXPECT_EQ(host.failure, "the adapter's process did not return in the time it has to stop, and was killed");
  EXPECT_EQ(type.collect(instance, &request), OSIRIS_INTERNAL) << "it is gone for every later call";
  type.destroy(instance);
  EXPECT_TRUE((*adapter)->has_lost_a_process());
}

// ---- Stages without a request

constexpr const char* kCrashed = "the adapter's process was killed by signal 11 (SIGSEGV)";
constexpr const char* kHung = "the adapter's process did not return in the time it has to stop, and was killed";

// Is told to stop once a call is under way: when it is asked a second time.
class StopsLater : public Recorder {
 public:
  bool is_cancelled() const override { return left_-- <= 0; }
  void stop_soon() { left_ = 1; }

 private:
  mutable std::atomic<int> left_{1'000'000};
};

TEST(Isolated, ACrashInCreateIsItsFailureEachTime) {
  const auto adapter = isolate(defect("crashes_in_create"), "defect");
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  for (int i = 0; i < 2; ++i) {
    Recorder recorder;
    const auto made = AdapterInstance::create(*(*adapter)->type(), recorder);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, Code::kInternal);
    EXPECT_THAT(made.error().message, HasSubstr(std::string("create: ") + kCrashed));
  }
  EXPECT_TRUE((*adapter)->has_lost_a_process());
}

TEST(Isolated, ACrashInConfigureIsItsFailure) {
  const auto adapter = isolate(defect("crashes_in_configure"), "defect");
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  Recorder recorder;
  const auto made = AdapterInstance::create(*(*adapter)->type(), recorder);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Status configured = (*made)->configure({});
  ASSERT_FALSE(configured.ok());
  EXPECT_THAT(configured.error().message, HasSubstr(std::string("configure: ") + kCrashed));
}

TEST(Isolated, ACrashInAQueryIsItsFailure) {
  for (const std::string sin : {"crashes_in_list", "crashes_in_release"}) {
    const auto adapter = isolate(defect(sin), "defect");
    ASSERT_TRUE(adapter.ok()) << adapter.error().message;
    Recorder recorder;
    const auto made = AdapterInstance::create(*(*adapter)->type(), recorder);
    ASSERT_TRUE(made.ok()) << made.error().message;
    ASSERT_TRUE((*made)->configure({}).ok());
    const ResourceQuery query{"{}", {}, "thing", "r-1"};
    const StageOutcome outcome =
        sin == "crashes_in_list" ? (*made)->list_resources(query) : (*made)->release_resource(query);
    ASSERT_FALSE(outcome.ok()) << sin;
    EXPECT_THAT(outcome.status.error().message, HasSubstr(kCrashed)) << sin;
    EXPECT_FALSE((*made)->list_resources(query).ok()) << "its process is gone for every later call";
  }
}

TEST(Isolated, ACreateThatDoesNotReturnIsEndedWhenItsGraceIsOver) {
  const auto adapter = isolate(defect("hangs_in_create"), "defect", kShortNs);
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  StopsLater recorder;
  recorder.stop_soon();
  const auto made = AdapterInstance::create(*(*adapter)->type(), recorder);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr(std::string("create: ") + kHung));
}

TEST(Isolated, AConfigureThatDoesNotReturnIsEndedWhenItsGraceIsOver) {
  const auto adapter = isolate(defect("hangs_in_configure"), "defect", kShortNs);
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  StopsLater recorder;
  const auto made = AdapterInstance::create(*(*adapter)->type(), recorder);
  ASSERT_TRUE(made.ok()) << made.error().message;
  recorder.stop_soon();
  const Status configured = (*made)->configure({});
  ASSERT_FALSE(configured.ok());
  EXPECT_THAT(configured.error().message, HasSubstr(std::string("configure: ") + kHung));
}

TEST(Isolated, AQueryThatDoesNotReturnIsEndedWhenItsGraceIsOver) {
  for (const std::string sin : {"hangs_in_list", "hangs_in_release"}) {
    const auto adapter = isolate(defect(sin), "defect");
    ASSERT_TRUE(adapter.ok()) << adapter.error().message;
    const osiris_adapter_type& type = *(*adapter)->type();
    PlainHost host;
    osiris_adapter* instance = nullptr;
    ASSERT_EQ(type.create(&type, &host.table, &instance), OSIRIS_OK);
    ASSERT_EQ(type.configure(instance, nullptr, 0), OSIRIS_OK);
    const auto* const resources = static_cast<const osiris_resources*>(type.extension(&type, OSIRIS_RESOURCES_V1));
    ASSERT_NE(resources, nullptr);
    osiris_resource_query query{};
    query.size = sizeof query;
    query.grace_ns = kShortNs;
    host.cancelled = 1;
    const auto slot = sin == "hangs_in_list" ? resources->list : resources->release;
    EXPECT_EQ(slot(instance, &query), OSIRIS_INTERNAL) << sin;
    EXPECT_EQ(host.failure, kHung) << sin;
    type.destroy(instance);
  }
}

TEST(Isolated, ACancelThatBlocksDoesNotKeepTheCaller) {
  const auto adapter = isolate(defect("cancel_blocks"), "defect");
  ASSERT_TRUE(adapter.ok()) << adapter.error().message;
  const osiris_adapter_type& type = *(*adapter)->type();
  PlainHost host;
  osiris_adapter* instance = nullptr;
  ASSERT_EQ(type.create(&type, &host.table, &instance), OSIRIS_OK);
  ASSERT_EQ(type.configure(instance, nullptr, 0), OSIRIS_OK);
  osiris_request request{};
  request.size = sizeof request;
  request.grace_ns = 50'000'000;
  std::thread call([&] { EXPECT_EQ(type.execute(instance, &request), OSIRIS_INTERNAL); });
  host.cancelled = 1;
  type.cancel(instance);
  call.join();
  type.destroy(instance);
}

}  // namespace
}  // namespace osiris::abi_tests
