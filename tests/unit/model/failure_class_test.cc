#include "protocol/model/failure_class.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

constexpr FailureClass kAll[] = {FailureClass::kQuotaExceeded, FailureClass::kCreationTimeout,
                                 FailureClass::kSandboxError,  FailureClass::kWorkerCrash,
                                 FailureClass::kAuthError,     FailureClass::kNotFound,
                                 FailureClass::kNetworkError};

TEST(ServiceFailure, NamesItsClassForProgramsAndInItsCategory) {
  for (const FailureClass each : kAll) {
    const Error error = service_failure("far", each, "m", "h");
    EXPECT_EQ(failure_class_of(error), each);
    EXPECT_EQ(error.category, "far." + std::string(failure_class_name(each)));
    EXPECT_EQ(error.detail["attempts"].as_int(), 1);
    EXPECT_FALSE(error.detail["retried"].as_bool());
  }
  EXPECT_EQ(service_failure("", FailureClass::kNotFound, "m", "h").category, "") << "a machine without a service";
}

TEST(ServiceFailure, TellsByItsCodeWhetherAnotherAttemptMakesSense) {
  EXPECT_EQ(service_failure("far", FailureClass::kNetworkError, "m", "").code, Code::kUnavailable);
  EXPECT_EQ(service_failure("far", FailureClass::kQuotaExceeded, "m", "").code, Code::kExhausted);
  EXPECT_EQ(service_failure("far", FailureClass::kAuthError, "m", "").code, Code::kUnauthenticated);
  EXPECT_EQ(service_failure("far", FailureClass::kNotFound, "m", "").code, Code::kNotFound);
}

TEST(ServiceFailure, OfAnErrorThatNamesNoClassItIsTheServicesTrouble) {
  EXPECT_EQ(failure_class_of(Error(Code::kInternal, "m")), FailureClass::kSandboxError);
  EXPECT_EQ(retry_after_of(Error(Code::kInternal, "m")).count(), 0);
  EXPECT_EQ(retry_after_of(
                service_failure("far", FailureClass::kQuotaExceeded, "m", "", Json::object({{"retry_after_s", 3}})))
                .count(),
            3000);
}

TEST(ServiceFailure, SaysHowOftenItWasTried) {
  const Error error = service_failure("far", FailureClass::kNetworkError, "no answer", "");
  EXPECT_EQ(after_attempts(error, 1).message, "no answer");
  const Error thrice = after_attempts(error, 3);
  EXPECT_EQ(thrice.message, "no answer; tried 3 times");
  EXPECT_EQ(thrice.detail["attempts"].as_int(), 3);
  EXPECT_TRUE(thrice.detail["retried"].as_bool());
  EXPECT_EQ(after_attempts(Error(Code::kCancelled, "the run was cancelled"), 3).message, "the run was cancelled");
}

}  // namespace
}  // namespace osiris
