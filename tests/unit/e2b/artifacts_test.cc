// What a sandbox sends back is not trusted: whatever differs from the host's own plan or from what was declared leaves
// every file of this machine as it was.
#include "plugins/sdk/package/receive_artifacts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <atomic>

#include "plugins/e2b/sandbox_access.h"
#include "plugins/sdk/api/byte_stream.h"
#include "protocol/archive/archive.h"
#include "protocol/base/file.h"
#include "protocol/base/replacing_file.h"
#include "protocol/base/sha256.h"
#include "tests/unit/e2b/e2b_service.h"
#include "tests/unit/http/fake_transport.h"

namespace osiris::e2b {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class ArtifactsTest : public testing::Test {
 protected:
  ArtifactsTest() : directory_(fs::path(testing::TempDir()) / ("artifacts_" + std::to_string(::getpid()))) {
    fs::remove_all(directory_);
    request_.session_dir = directory_ / "session";
    fs::create_directories(request_.session_dir);
    target_ = directory_ / "out/result.csv";
    PlanStep& write = request_.plan.steps.emplace_back();
    write.id = "write";
    write.outputs = {{"out/result.csv", target_.string(), {}}};
    packed_.path = "/far/artifacts.tar.zst";
  }
  ~ArtifactsTest() override { fs::remove_all(directory_); }

  // Announces a member and packs it; what is packed may differ from what is announced.
  void add(const std::string& kind, const std::string& path, const std::string& announced,
           std::optional<std::string> sent = std::nullopt) {
    rpc::PackedFile file;
    file.number = static_cast<uint32_t>(packed_.files.size() + 1);
    file.kind = kind;
    file.step_id = kind == "output" ? "write" : "";
    file.path = path;
    file.size_bytes = announced.size();
    file.sha256 = sha256_hex(announced);
    packed_.files.push_back(file);
    members_.push_back(sent.value_or(announced));
  }

  std::string archive() const {
    std::string bytes;
    archive::Writer writer([&](std::string_view part) {
      bytes += part;
      return true;
    });
    for (size_t i = 0; i < members_.size(); ++i)
      EXPECT_TRUE(writer.add_bytes(static_cast<uint32_t>(i + 1), members_[i]).ok());
    EXPECT_TRUE(writer.finish().ok());
    return bytes;
  }

  Result<sdk::Received> fetch(const sdk::ReceiveLimits& limits = {}) {
    if (transport_.answers.empty()) transport_.answers.push_back({200, archive(), false});
    const auto sleep = [](http::Milliseconds) { return true; };
    ApiClient api({}, transport_, {}, sleep, {});
    Sandbox sandbox;
    sandbox.id = "abc";
    SandboxAccess access(api, sandbox, http::Milliseconds(1'000));
    const std::atomic<bool> cancelled{false};
    const sdk::ArtifactSource source{e2b_service(),
                                     [&](uint64_t offset) {
                                       return adapter_sdk::byte_stream([&, offset] {
                                         return access.download(packed_.path, offset, "download the artifacts");
                                       });
                                     },
                                     sleep, cancelled};
    return sdk::receive_artifacts(source, packed_, request_, limits);
  }

  // The error of a fetch that must have changed nothing.
  std::string refusal(const sdk::ReceiveLimits& limits = {}) {
    fs::create_directories(target_.parent_path());
    EXPECT_TRUE(write_file_atomically(target_, "as it was").ok());
    const auto fetched = fetch(limits);
    EXPECT_EQ(*read_file(target_), "as it was");
    size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) files += entry.is_regular_file();
    EXPECT_EQ(files, 1u) << "something was left lying about";
    return fetched.ok() ? "" : fetched.error().message;
  }

  const fs::path directory_;
  fs::path target_;
  sdk::RunRequest request_;
  rpc::Packed packed_;
  std::vector<std::string> members_;
  http::FakeTransport transport_;
};

TEST_F(ArtifactsTest, ADirectoryIsPutInPlaceWhole) {
  request_.plan.steps[0].outputs = {{"out/set/", (directory_ / "out/set").string(), {}, true}};
  fs::create_directories(directory_ / "out/set/k=9");
  ASSERT_TRUE(write_file_atomically(directory_ / "out/set/k=9/old.parquet", "old").ok());
  add("output", "out/set/k=1/a.parquet", "a");
  add("output", "out/set/k=2/b.parquet", "b");
  const auto fetched = fetch();
  ASSERT_TRUE(fetched.ok()) << fetched.error().message;
  EXPECT_EQ(*read_file(directory_ / "out/set/k=1/a.parquet"), "a");
  EXPECT_EQ(*read_file(directory_ / "out/set/k=2/b.parquet"), "b");
  EXPECT_FALSE(fs::exists(directory_ / "out/set/k=9"));
  ASSERT_EQ(fetched->outputs.size(), 2u);
  EXPECT_EQ(fetched->outputs[0].target, (directory_ / "out/set/k=1/a.parquet").string());
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_ / "out"), fs::directory_iterator()), 1);
}

TEST_F(ArtifactsTest, AFileOutsideItsDirectoryIsRefused) {
  for (const char* path :
       {"out/set/../../x.parquet", "out/set/", "out/set", "out/sets/x.parquet", "out/set//x.parquet"}) {
    packed_.files.clear();
    members_.clear();
    transport_.answers.clear();
    request_.plan.steps[0].outputs = {{"out/set", (directory_ / "out/set").string(), {}, true}};
    add("output", path, "a");
    EXPECT_THAT(refusal(), HasSubstr("cannot have written")) << path;
  }
}

TEST_F(ArtifactsTest, ADirectoryThatHoldsAnotherFileIsTheStepsFailure) {
  request_.plan.steps[0].outputs = {{"out/set", (directory_ / "out/set").string(), {}, true}};
  fs::create_directories(directory_ / "out/set");
  ASSERT_TRUE(write_file_atomically(directory_ / "out/set/notes.txt", "mine").ok());
  add("output", "out/set/k=1/a.parquet", "a");
  const auto fetched = fetch();
  ASSERT_FALSE(fetched.ok());
  EXPECT_THAT(fetched.error().message, HasSubstr("step write: cannot write the directory"));
  EXPECT_FALSE(sdk::check_outputs(request_).ok());
  EXPECT_EQ(*read_file(directory_ / "out/set/notes.txt"), "mine");
}

TEST_F(ArtifactsTest, ArePutWhereALocalRunHasThem) {
  add("output", "out/result.csv", "id\n1\n");
  add("session", "artifacts/write/cleaned_config.json", "{}");
  const auto fetched = fetch();
  ASSERT_TRUE(fetched.ok()) << fetched.error().message;
  EXPECT_EQ(*read_file(target_), "id\n1\n");
  EXPECT_EQ(*read_file(request_.session_dir / "artifacts/write/cleaned_config.json"), "{}");
  ASSERT_EQ(fetched->outputs.size(), 1u);
  EXPECT_EQ(fetched->outputs[0].target, target_.string());
  EXPECT_EQ(fetched->files, 2u);
  EXPECT_EQ(fetched->bytes, 7u);
}

TEST_F(ArtifactsTest, AReplacedFileKeepsItsMode) {
  fs::create_directories(target_.parent_path());
  ASSERT_TRUE(write_file_atomically(target_, "old", {.mode = 0600}).ok());
  add("output", "out/result.csv", "new");
  ASSERT_TRUE(fetch().ok());
  struct stat info{};
  ASSERT_EQ(::stat(target_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(ArtifactsTest, ANewFileHasTheModeThatTheUmaskLeaves) {
  for (const mode_t mask : {mode_t{077}, mode_t{002}}) {
    fs::remove_all(target_.parent_path());
    fs::remove_all(request_.session_dir / "artifacts");
    packed_.files.clear();
    members_.clear();
    add("output", "out/result.csv", "id\n");
    add("session", "artifacts/write/x.json", "{}");
    const mode_t before = ::umask(mask);
    const bool fetched = fetch().ok();
    ::umask(before);
    ASSERT_TRUE(fetched);
    for (const fs::path& file : {target_, request_.session_dir / "artifacts/write/x.json"})
      EXPECT_EQ(static_cast<mode_t>(fs::status(file).permissions()), 0666 & ~mask) << file;
  }
}

TEST_F(ArtifactsTest, AReplacedFileKeepsItsOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  fs::create_directories(target_.parent_path());
  ASSERT_TRUE(write_file_atomically(target_, "old").ok());
  ASSERT_EQ(::chown(target_.c_str(), 1234, 1235), 0);
  add("output", "out/result.csv", "new");
  ASSERT_TRUE(fetch().ok());
  struct stat now{};
  ASSERT_EQ(::stat(target_.c_str(), &now), 0);
  EXPECT_EQ(now.st_uid, 1234u);
  EXPECT_EQ(now.st_gid, 1235u);
  EXPECT_EQ(*read_file(target_), "new");
}

// What may not be replaced, each made at the target's place.
struct Obstacle {
  const char* name;
  const char* said;
  bool (*make)(const fs::path& target);
};
void PrintTo(const Obstacle& obstacle, std::ostream* out) { *out << obstacle.name; }
class ArtifactsObstacle : public ArtifactsTest, public testing::WithParamInterface<Obstacle> {};

TEST_P(ArtifactsObstacle, IsNotReplaced) {
  fs::create_directories(target_.parent_path());
  if (!GetParam().make(target_)) GTEST_SKIP() << "no right to make one";
  const fs::file_type before = fs::symlink_status(target_).type();
  add("output", "out/result.csv", "id\n");
  add("session", "artifacts/x", "x");
  const auto fetched = fetch();
  ASSERT_FALSE(fetched.ok());
  EXPECT_EQ(fetched.error().code, Code::kStepFailed) << "as in a local run";
  EXPECT_EQ(fetched.error().category, "write.failed");
  EXPECT_EQ(fetched.error().message, "step write: cannot write " + target_.string() + ": it is " + GetParam().said);
  EXPECT_EQ(fs::symlink_status(target_).type(), before);
  EXPECT_FALSE(fs::exists(request_.session_dir / "artifacts/x")) << "one that may not be written, and none is";
  EXPECT_EQ(sdk::check_outputs(request_).error().message, fetched.error().message)
      << "and it is known before the sandbox is made";
}

INSTANTIATE_TEST_SUITE_P(
    All, ArtifactsObstacle,
    testing::Values(
        Obstacle{"directory", "a directory", [](const fs::path& at) { return fs::create_directory(at); }},
        Obstacle{"link", "a symbolic link", [](const fs::path& at) { return ::symlink("/nowhere", at.c_str()) == 0; }},
        Obstacle{"pipe", "not a regular file", [](const fs::path& at) { return ::mkfifo(at.c_str(), 0600) == 0; }},
        Obstacle{"socket", "not a regular file",
                 [](const fs::path& at) { return ::mknod(at.c_str(), S_IFSOCK | 0600, 0) == 0; }},
        Obstacle{"device", "not a regular file",
                 [](const fs::path& at) { return ::mknod(at.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0; }}),
    [](const auto& row) { return row.param.name; });

TEST_F(ArtifactsTest, AFreeOrARegularTargetIsNoObstacle) {
  EXPECT_TRUE(sdk::check_outputs(request_).ok());
  EXPECT_FALSE(fs::exists(target_.parent_path())) << "looking makes nothing";
  fs::create_directories(target_.parent_path());
  ASSERT_TRUE(write_file_atomically(target_, "old").ok());
  EXPECT_TRUE(sdk::check_outputs(request_).ok());
}

TEST_F(ArtifactsTest, ALinkThatIsPutThereMeanwhileIsRefused) {
  fs::create_directories(target_.parent_path());
  ASSERT_TRUE(write_file_atomically(directory_ / "precious", "as it was").ok());
  ReplacingFile file(target_);
  ASSERT_TRUE(file.open(true).ok());
  ASSERT_TRUE(file.write("new").ok());
  fs::create_symlink(directory_ / "precious", target_);
  const Status put = file.commit();
  ASSERT_FALSE(put.ok());
  EXPECT_THAT(put.error().message, HasSubstr("it is a symbolic link"));
  EXPECT_TRUE(fs::is_symlink(target_));
  EXPECT_EQ(*read_file(directory_ / "precious"), "as it was");
}

TEST_F(ArtifactsTest, AnotherContentIsRefused) {
  add("output", "out/result.csv", "id\n1\n", "id\n2\n");
  EXPECT_THAT(refusal(), HasSubstr("arrived damaged"));
}

TEST_F(ArtifactsTest, AnotherSizeIsRefused) {
  add("output", "out/result.csv", "short", std::string(1 << 20, 'x'));
  EXPECT_THAT(refusal(), HasSubstr("not announced"));
}

TEST_F(ArtifactsTest, AMemberNobodyAnnouncedIsRefused) {
  add("output", "out/result.csv", "id\n");
  members_.push_back("stowaway");
  EXPECT_THAT(refusal(), HasSubstr("member 2, which was not announced"));
}

TEST_F(ArtifactsTest, AMissingMemberIsRefusedEvenIfAllOthersAreWell) {
  add("output", "out/result.csv", "id\n");
  add("session", "artifacts/x", "x");
  members_.pop_back();
  EXPECT_THAT(refusal(), HasSubstr("artifacts/x did not arrive"));
}

TEST_F(ArtifactsTest, AnOutputOfNoStepIsRefusedBeforeAnythingIsFetched) {
  add("output", "/etc/cron.d/evil", "* * * * * root evil");
  EXPECT_THAT(refusal(), HasSubstr("cannot have written"));
  EXPECT_TRUE(transport_.requests.empty());
}

TEST_F(ArtifactsTest, ASessionPathThatLeavesArtifactsIsRefused) {
  for (const char* path :
       {"artifacts/../../evil", "../evil", "/evil", "events.jsonl", "artifacts/./x", "artifacts//x", ""}) {
    packed_.files.clear();
    members_.clear();
    add("session", path, "x");
    EXPECT_THAT(refusal(), HasSubstr("cannot have written")) << path;
  }
}

TEST_F(ArtifactsTest, ANumberThatComesTwiceIsRefused) {
  add("output", "out/result.csv", "id\n");
  add("session", "artifacts/x", "x");
  packed_.files[1].number = 1;
  EXPECT_THAT(refusal(), HasSubstr("number 1 twice"));
}

TEST_F(ArtifactsTest, MoreThanASessionMayHoldIsRefusedBeforeAnythingIsFetched) {
  add("session", "artifacts/bomb", std::string(2000, 'x'));
  EXPECT_THAT(refusal({.session_bytes_max = 1999}), HasSubstr("more than 1999 bytes"));
  EXPECT_TRUE(transport_.requests.empty());
  EXPECT_TRUE(fetch({.session_bytes_max = 2000}).ok()) << "as much as it may hold";
}

TEST_F(ArtifactsTest, KeptRowsHaveTheBoundOfThePlanInstead) {
  add("session", "artifacts/write/kept.parquet", std::string(2500, 'x'));
  EXPECT_THAT(refusal({.session_bytes_max = 1999}), HasSubstr("more than 1999 bytes"));
  request_.plan.steps[0].kept.use = StepUse::kKeep;
  request_.plan.steps[0].kept.bytes_max = 2499;
  EXPECT_THAT(refusal({.session_bytes_max = 1999}), HasSubstr("larger than what may be kept"));
  request_.plan.steps[0].kept.bytes_max = 2500;
  EXPECT_TRUE(fetch({.session_bytes_max = 1999}).ok());
}

// A sum that wraps around would be small again.
TEST_F(ArtifactsTest, MoreThanASessionMayHoldIsFoundWhateverTheSum) {
  add("session", "artifacts/small", "xx");
  add("session", "artifacts/bomb", "x");
  packed_.files[1].size_bytes = UINT64_MAX;
  EXPECT_THAT(refusal(), HasSubstr("more than"));
  EXPECT_TRUE(transport_.requests.empty());
}

TEST_F(ArtifactsTest, WhatIsNoArchiveIsRefused) {
  add("output", "out/result.csv", "id\n");
  transport_.answers = {{200, "<html>welcome to the hotel's network</html>", false}};
  EXPECT_NE(refusal(), "");
  transport_.answers = {{200, archive().substr(0, 20), false}};
  EXPECT_NE(refusal(), "");
}

TEST_F(ArtifactsTest, ABrokenDownloadGoesOnWhereItBroke) {
  add("output", "out/result.csv", std::string(5000, 'a') + "end\n");
  const std::string bytes = archive();
  transport_.answers = {{200, bytes.substr(0, 30), true}, {206, bytes.substr(30), false}};
  const auto fetched = fetch();
  ASSERT_TRUE(fetched.ok()) << fetched.error().message;
  ASSERT_EQ(transport_.requests.size(), 2u);
  EXPECT_EQ(transport_.requests[1].headers.get("Range"), "bytes=30-");
  EXPECT_EQ(fetched->bytes_on_the_wire, bytes.size());
}

TEST_F(ArtifactsTest, ADownloadThatBreaksForEverIsANetworkError) {
  add("output", "out/result.csv", "id\n");
  transport_.answers.push_back({200, archive().substr(0, 1), true});
  for (int i = 0; i < 20; ++i) transport_.answers.push_back({206, "", true});
  EXPECT_THAT(refusal({.retry_budget = http::Milliseconds(3'000)}), HasSubstr("cannot download the artifacts"));
  EXPECT_GE(transport_.requests.size(), 5u) << "waits of 0.2, 0.4, 0.8 and 1.6 s fit";
  EXPECT_LE(transport_.requests.size(), 7u);
}

TEST_F(ArtifactsTest, ADownloadThatBreaksOftenIsContinuedAsLongAsBytesCome) {
  add("output", "out/result.csv", std::string(50, 'a') + "end\n");
  const std::string bytes = archive();
  for (size_t i = 0; i < bytes.size(); ++i)
    transport_.answers.push_back({i == 0 ? 200 : 206, bytes.substr(i, 1), i + 1 < bytes.size()});
  const auto fetched = fetch({.retry_budget = http::Milliseconds(1'000)});
  ASSERT_TRUE(fetched.ok()) << fetched.error().message;
  EXPECT_EQ(transport_.requests.size(), bytes.size());
}

}  // namespace
}  // namespace osiris::e2b
