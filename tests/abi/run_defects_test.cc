// Adapters that load well and then break one rule while they run: each is survived, named, and never called a success.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/abi/support.h"

namespace osiris::abi_tests {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What became of a defect's life.
struct Told {
  Recorder recorder;
  Life life;
};

void live(const std::string& sin, Told& told) {
  const auto loaded = load(defect(sin), "defect");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  TemporaryDirectory directory;
  told.life = run_life(*loaded->type, told.recorder, request_in(directory.path()));
}

// The life of `sin` up to `execute`, which fails; collect comes all the same.
Error failure_of(const std::string& sin, Told& told) {
  live(sin, told);
  EXPECT_FALSE(told.life.executed.ok());
  EXPECT_TRUE(told.life.collected.ok()) << "collect is called whatever execute returned";
  return told.life.executed.ok() ? Error() : told.life.executed.status.error();
}

TEST(Misbehaving, NothingIsReportedOfAGoodAdapter) {
  Told told;
  live("newer_minor", told);
  EXPECT_TRUE(told.life.executed.ok() && told.life.collected.ok());
  EXPECT_THAT(told.recorder.misbehaviours(), IsEmpty());
}

TEST(Misbehaving, AStatusWithoutFailKeepsItsCode) {
  Told told;
  const Error error = failure_of("status_without_fail", told);
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.message, "adapter misbehaving: defect 1.0.0, execute: returned UNAVAILABLE (9) without calling fail");
}

TEST(Misbehaving, FailAndOkIsAFailure) {
  Told told;
  const Error error = failure_of("fail_with_ok", told);
  EXPECT_EQ(error.code, Code::kInternal);
  EXPECT_THAT(error.message, HasSubstr("called fail and returned OK; it had said: the far side hung up"));
}

TEST(Misbehaving, TheFirstOfTwoReasonsCounts) {
  Told told;
  const Error error = failure_of("fail_twice", told);
  EXPECT_EQ(error.code, Code::kExhausted);
  EXPECT_EQ(error.message, "adapter defect 1.0.0, execute: the disk is full");
  EXPECT_THAT(told.recorder.misbehaviours(),
              ElementsAre("execute: called fail twice in one call; the second said: something else"));
}

TEST(Misbehaving, TheStatusReturnedCounts) {
  Told told;
  EXPECT_EQ(failure_of("fail_other_code", told).code, Code::kUnavailable);
  EXPECT_THAT(told.recorder.misbehaviours(),
              ElementsAre("execute: told fail EXHAUSTED (10) and returned UNAVAILABLE (9)"));
}

TEST(Misbehaving, AnUnknownStatusIsInternal) {
  Told told;
  const Error error = failure_of("unknown_status", told);
  EXPECT_EQ(error.code, Code::kInternal);
  EXPECT_THAT(error.message, HasSubstr("from the future"));
  EXPECT_THAT(told.recorder.misbehaviours(),
              ElementsAre("execute: returned the unknown status (4711), taken as INTERNAL"));
}

TEST(Misbehaving, OkWithoutADocumentIsAFailure) {
  Told told;
  EXPECT_THAT(failure_of("deliver_missing", told).message, HasSubstr("returned OK (0) without delivering 'result'"));
}

TEST(Misbehaving, TheFirstOfTwoDocumentsCounts) {
  Told told;
  live("deliver_twice", told);
  EXPECT_TRUE(told.life.executed.ok());
  EXPECT_EQ(told.life.executed.document["status"].as_string(), "success");
  EXPECT_THAT(told.recorder.misbehaviours(), ElementsAre("execute: delivered 'result' twice; the first one counts"));
}

TEST(Misbehaving, AnotherStagesDocumentIsNotTaken) {
  Told told;
  EXPECT_THAT(failure_of("deliver_wrong_name", told).message, HasSubstr("without delivering 'result'"));
  EXPECT_THAT(told.recorder.misbehaviours(), Contains("execute: delivered 'artifacts' where 'result' is due"));
}

TEST(Misbehaving, TextThatIsNoJsonObjectIsNotTaken) {
  Told told;
  EXPECT_THAT(failure_of("deliver_not_json", told).message, HasSubstr("without delivering 'result'"));
  EXPECT_THAT(told.recorder.misbehaviours(),
              Contains("execute: delivered a document 'result' that is not a JSON object"));
}

TEST(Misbehaving, AnotherSchemaIsNotTaken) {
  Told told;
  EXPECT_THAT(failure_of("deliver_other_schema", told).message,
              HasSubstr("schema 'osiris.result/9', expected 'osiris.result/1'"));
}

TEST(Misbehaving, AResultThatContradictsTheStatusIsAFailure) {
  Told told;
  EXPECT_THAT(failure_of("result_contradicts", told).message,
              HasSubstr("returned OK (0) with a result whose status is 'failed'"));
}

TEST(Misbehaving, EventsThatAreNoneAreReported) {
  Told told;
  live("event_without_name", told);
  EXPECT_TRUE(told.life.executed.ok());
  EXPECT_THAT(told.recorder.misbehaviours(), ElementsAre("execute: emitted no event, or one too short for a name",
                                                         "execute: emitted no event, or one too short for a name",
                                                         "execute: emitted an event without a name",
                                                         "execute: the data of event odd is not a JSON object"));
  EXPECT_THAT(told.recorder.lines(), Contains("event odd {}"));
}

TEST(Misbehaving, BytesThatAreNoUtf8AreReplaced) {
  Told told;
  live("text_not_utf8", told);
  EXPECT_TRUE(told.life.executed.ok());
  EXPECT_THAT(told.recorder.lines(), Contains("log 20 caf\xEF\xBF\xBD \xEF\xBF\xBD"));
}

TEST(Misbehaving, ASecretNobodyListedIsNotLent) {
  Told told;
  told.recorder.secrets["connection/mysql.shop/password"] = "hunter2hunter2";
  live("foreign_secret", told);
  EXPECT_TRUE(told.life.executed.ok());
  EXPECT_THAT(told.recorder.lines(), Not(Contains("secret connection/mysql.shop/password")));
}

TEST(Misbehaving, CreateWithoutAnInstanceIsAFailure) {
  Told told;
  live("create_without_instance", told);
  ASSERT_FALSE(told.life.created.ok());
  EXPECT_EQ(told.life.created.error().message,
            "adapter misbehaving: defect 1.0.0, create: returned OK without an instance");
}

TEST(Misbehaving, LateEventsAreDroppedButWhatCostsMoneyIsKept) {
  const auto loaded = load(defect("late_event"), "defect");
  ASSERT_TRUE(loaded.ok());
  TemporaryDirectory directory;
  Recorder recorder;
  AdapterRequest request = request_in(directory.path());
  auto instance = AdapterInstance::create(*loaded->type, recorder);
  ASSERT_TRUE(instance.ok());
  ASSERT_TRUE((*instance)->configure({}).ok() && (*instance)->validate(request).ok());
  ASSERT_TRUE((*instance)->prepare(request).ok() && (*instance)->execute(request).ok());
  (*instance)->cancel();
  EXPECT_THAT(recorder.misbehaviours(),
              ElementsAre("execute: event step_start arrived after the call had returned; it is dropped",
                          "execute: event resource_released arrived after the call had returned"));
  EXPECT_THAT(recorder.lines(), Contains("event resource_released {\"kind\":\"slot\",\"id\":\"1\"}"));
  EXPECT_THAT(recorder.lines(), Not(Contains("event step_start {}")));
}

TEST(Misbehaving, AThreadKeptPastDestroyMeetsATableThatSaysCancelled) {
  const auto loaded = load(defect("keeps_thread"), "defect");
  ASSERT_TRUE(loaded.ok());
  TemporaryDirectory directory;
  {
    Recorder recorder;
    const Life life = run_life(*loaded->type, recorder, request_in(directory.path()));
    EXPECT_TRUE(life.collected.ok());
  }  // the recorder is gone, the thread is not
  auto* ended = static_cast<sem_t*>(const_cast<void*>(loaded->type->extension(loaded->type, "test.ended/1")));
  ASSERT_NE(ended, nullptr);
  timespec deadline{};
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 60;
  EXPECT_EQ(sem_timedwait(ended, &deadline), 0) << "the thread never heard that it should end";
}

TEST(Misbehaving, ThreadsThatGoOnLoggingDoNotKeepDestroyFromReturning) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // In a process of its own: the threads go on for ever.
  EXPECT_EXIT(
      {
        Told told;
        live("logs_past_destroy", told);
        _exit(told.life.collected.ok() ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(Misbehaving, AFloodIsCountedAfterTenReports) {
  Told told;
  live("misbehaves_often", told);
  const auto reports = told.recorder.misbehaviours();
  ASSERT_EQ(reports.size(), 12u);
  EXPECT_THAT(reports[9], HasSubstr("emitted an event without a name"));
  EXPECT_THAT(told.recorder.lines(), Contains(HasSubstr("further reports are counted, not written")));
  EXPECT_THAT(told.recorder.lines(), Contains(HasSubstr("100000 times in all")));
}

TEST(Misbehaving, NamesTimesAndValuesThatAreNoneAreNotWritten) {
  Told told;
  live("odd_names", told);
  EXPECT_THAT(
      told.recorder.misbehaviours(),
      ElementsAre(HasSubstr("emitted an event whose name is none"), HasSubstr("emitted an event whose name is none"),
                  HasSubstr("event defect.long_ago has a time outside the years 2000 to 2200"),
                  HasSubstr("emitted metric defect.load with no finite value")));
  EXPECT_THAT(told.recorder.lines(), Contains("event defect.long_ago {}"));
  EXPECT_THAT(told.recorder.lines(), Not(Contains(HasSubstr("event two"))));
}

TEST(Misbehaving, WhatIsLargerThanTheLimitsIsCutOrRefused) {
  Told told;
  live("huge_texts", told);
  EXPECT_TRUE(told.life.executed.ok()) << "the second document was a good one";
  EXPECT_THAT(told.recorder.lines(), Contains(HasSubstr("… (cut, 16777217 bytes)")));
  EXPECT_THAT(told.recorder.misbehaviours(), ElementsAre(HasSubstr("delivered a document 'result' of 67108865 bytes")));
}

TEST(Misbehaving, AStepThatIsToldOfAfterExecuteDoesNotCount) {
  Told told;
  live("step_after_execute", told);
  EXPECT_THAT(told.recorder.misbehaviours(), ElementsAre(HasSubstr("event step_complete arrived after")));
  EXPECT_THAT(told.recorder.lines(), Not(Contains(::testing::StartsWith("event step_complete"))));
}

TEST(Misbehaving, AnExceptionThroughTheInterfaceIsCaught) {
  Told told;
  const Error error = failure_of("throws_through_c", told);
  EXPECT_EQ(error.code, Code::kInternal);
  EXPECT_THAT(error.message, HasSubstr("execute: threw an exception across the C interface: the disk is on fire"));
}

void die_of(const std::string& sin) {
  Told told;
  live(sin, told);
}

TEST(MisbehavingDeathTest, AnExceptionInANoexceptFunctionNamesTheAdapter) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(die_of("throws_noexcept"),
               "adapter misbehaving: defect 1.0.0, execute: threw an exception through its C interface");
}

TEST(MisbehavingDeathTest, AnExceptionOfAnotherRuntimeNamesTheAdapter) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(die_of("throws_own_runtime"), "adapter misbehaving: defect 1.0.0, execute: (ended the process|threw)");
}

TEST(MisbehavingDeathTest, AnExitIsAFailureOfTheAdapter) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(die_of("exits"), ::testing::ExitedWithCode(3), "adapter misbehaving: defect 1.0.0, execute: called exit");
}

TEST(MisbehavingDeathTest, AQuickExitIsAFailureOfTheAdapter) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(die_of("quick_exits"), ::testing::ExitedWithCode(3),
              "adapter misbehaving: defect 1.0.0, execute: called exit");
}

// Its code runs before the host has seen a table.
TEST(MisbehavingDeathTest, WhatHappensWhileALibraryIsLoadedNamesIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(die_of("ctor_exits"), ::testing::ExitedWithCode(3),
              "adapter misbehaving: defect .*ctor_exits.so., load: called exit");
  EXPECT_DEATH(die_of("ctor_aborts"), "adapter misbehaving: defect .*ctor_aborts.so., load: ended the process");
}

TEST(MisbehavingDeathTest, ACrashNamesTheAdapter) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(die_of("crashes"),
               "adapter misbehaving: defect 1.0.0, execute: crashed|AddressSanitizer|ThreadSanitizer");
}

TEST(MisbehavingDeathTest, AnAbortNamesTheAdapter) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(die_of("ends_the_process"), "adapter misbehaving: defect 1.0.0, execute: ended the process");
}

}  // namespace
}  // namespace osiris::abi_tests
