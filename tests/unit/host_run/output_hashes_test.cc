// Outputs hashed beside later steps: what counts at the end, and what does not.
#include "host/run/output_hashes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>

#include "protocol/base/file.h"
#include "tests/support/no_more_threads.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// By which every reading takes long: a file that is read within one tick of the kernel's clock does not count.
class SlowClock : public ManualClock {
 public:
  int64_t monotonic_ns() const override { return now_ += 1'000'000'000; }

 private:
  mutable std::atomic<int64_t> now_{0};
};

class OutputHashesTest : public testing::Test {
 protected:
  OutputHashesTest() : directory_(fs::path(testing::TempDir()) / ("output_hashes_" + std::to_string(::getpid()))) {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  ~OutputHashesTest() override { fs::remove_all(directory_); }

  fs::path target() const { return directory_ / "out.csv"; }
  void write(const std::string& bytes) { EXPECT_TRUE(write_file_atomically(target(), bytes).ok()); }
  std::optional<FileDigest> known() {
    struct stat info{};
    return ::stat(target().c_str(), &info) == 0 ? hashes_.of(target(), info) : std::nullopt;
  }

  const fs::path directory_;
  SlowClock clock_;
  OutputHashes hashes_{{{"save", "out.csv", directory_ / "out.csv"}}, clock_};
};

TEST_F(OutputHashesTest, AFileIsKnownOnceItsStepHasCompleted) {
  write("id\n1\n");
  hashes_.step_completed("another");
  EXPECT_FALSE(known());
  hashes_.step_completed("save");
  ASSERT_TRUE(known());
  EXPECT_EQ(known()->sha256, sha256_hex("id\n1\n"));
  EXPECT_EQ(known()->size_bytes, 5u);
}

TEST_F(OutputHashesTest, AFileThatChangedSinceIsNotKnown) {
  write("id\n1\n");
  hashes_.step_completed("save");
  ASSERT_TRUE(known());
  write("id\n2\n");
  EXPECT_FALSE(known());
}

TEST_F(OutputHashesTest, AFileIsReadAgainWhereAChangeCouldHaveGoneUnseen) {
  write("id\n1\n");
  const ManualClock still;
  OutputHashes hashes({{"save", "out.csv", target()}}, still);
  hashes.step_completed("save");
  struct stat info{};
  ASSERT_EQ(::stat(target().c_str(), &info), 0);
  EXPECT_FALSE(hashes.of(target(), info));
}

TEST_F(OutputHashesTest, AFileThatComesLaterIsNotKnown) {
  hashes_.step_completed("save");
  EXPECT_FALSE(hashes_.of(target(), {}));  // waits until it was looked for
  write("id\n1\n");
  EXPECT_FALSE(known());
}

TEST_F(OutputHashesTest, AChangedFileIsDoubtedWhateverWasRead) {
  write("id\n1\n");
  hashes_.step_completed("save");
  ASSERT_TRUE(known());
  ManualClock clock;
  StepTally tally(clock);
  const auto digest =
      Json::object({{"path", "out.csv"}, {"size_bytes", uint64_t{5}}, {"sha256", sha256_hex("id\n1\n")}});
  tally.on_event("output_written", "save", digest);
  const std::vector<Artifact> reported = {{"out.csv", target().string(), 5, sha256_hex("id\n1\n"), "save"}};
  const std::vector<PlannedOutput> planned = {{"save", "out.csv", target()}};
  EXPECT_TRUE(prove_outputs(planned, tally.steps(), reported, &hashes_).ok());
  write("id\n2\n");
  EXPECT_FALSE(prove_outputs(planned, tally.steps(), reported, &hashes_).ok());
}

TEST_F(OutputHashesTest, WithoutAThreadNothingIsKnownAndNothingIsWaitedFor) {
  write("id\n1\n");
  {
    const NoMoreThreads none;
    hashes_.step_completed("save");
    EXPECT_FALSE(known());
  }
  hashes_.step_completed("save");
  EXPECT_TRUE(known());
}

}  // namespace
}  // namespace osiris
