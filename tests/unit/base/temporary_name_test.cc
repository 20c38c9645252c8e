// Whose the names of files on their way are.
#include "protocol/base/temporary_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;
using ::testing::UnorderedElementsAre;

class TemporaryName : public testing::Test {
 protected:
  fs::path make(const fs::path& name) {
    EXPECT_TRUE(write_file_atomically(name, "x").ok());
    return name.filename();
  }
  std::vector<fs::path> names() const {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(directory_.path())) all.push_back(entry.path().filename());
    return all;
  }
  TemporaryDirectory directory_ = *TemporaryDirectory::make();
  const fs::path target_ = directory_.path() / "out.csv";
};

TEST_F(TemporaryName, OfTheRunAreRemovedAndNoOthers) {
  const fs::path without_run = make(temporary_beside(target_));
  set_temporary_run("run-000001_a");
  const fs::path first = make(temporary_beside(target_));
  set_temporary_run("run-000002_b");
  make(temporary_beside(target_));
  const fs::path directory = temporary_beside(target_);
  fs::create_directories(directory / "k=1");
  make(directory / "k=1/data_0.csv");
  make(target_);
  remove_temporaries_beside(target_, "run-000002_b");
  EXPECT_THAT(names(), UnorderedElementsAre(without_run, first, "out.csv"));
  remove_temporaries_beside(directory_.path() / "no/such/out.csv", "run-000001_a");
  remove_temporaries_beside(directory_.path() / "another.csv", "run-000001_a");
  EXPECT_THAT(names(), UnorderedElementsAre(without_run, "out.csv"));
}

TEST_F(TemporaryName, AreNeverTheSame) { EXPECT_NE(temporary_beside(target_), temporary_beside(target_)); }

}  // namespace
}  // namespace osiris
