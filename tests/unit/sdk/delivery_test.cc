// How the worker gets to another machine: what is uploaded, and what the first process there does.
#include "plugins/sdk/package/delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>

#include "plugins/sdk/package/stub_bytes.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/base/subprocess.h"
#include "tests/support/eventually.h"

namespace osiris::sdk {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
namespace fs = std::filesystem;

// Of the two skippable frames: magic, length and hash; magic, length and table.
size_t head_of(std::string_view packed) {
  constexpr size_t kHash = 8 + 64;
  return kHash + 8 + static_cast<unsigned char>(packed.at(kHash + 4));
}

std::string bytes_of(const UploadPart& part) {
  std::string bytes;
  EXPECT_TRUE(part.write([&bytes](std::string_view piece) {
                    bytes += piece;
                    return true;
                  })
                  .ok());
  return bytes;
}

std::string unpacked(std::string_view packed) {
  packed.remove_prefix(head_of(packed));
  std::string bytes(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
  EXPECT_EQ(ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()), bytes.size());
  return bytes;
}

class DeliveryTest : public testing::Test {
 protected:
  DeliveryTest() {
    char name[] = "/tmp/osiris-delivery-XXXXXX";
    directory_ = ::mkdtemp(name);
    worker_ = directory_ / "worker";
    put(worker_, kWorker);
    request_.worker_path = worker_;
    request_.worker_sha256 = hash_;
    request_.layout = layout_of((directory_ / "home").string(), "run_1");
  }
  ~DeliveryTest() override { fs::remove_all(directory_); }

  static void put(const fs::path& path, std::string_view bytes) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path, bytes, {.mode = 0755}).ok());
  }
  Delivery delivery() {
    auto planned = plan_delivery(request_);
    EXPECT_TRUE(planned.ok());
    return *std::move(planned);
  }
  std::string script() { return delivery().start.arguments.at(1); }
  // Runs the first process as the machine does, once everything has arrived.
  ExitStatus arrive(const Delivery& delivery) {
    for (const UploadPart& part : delivery.parts) put(part.path, bytes_of(part));
    put(request_.layout.arrived(), "1");
    auto process = started(delivery);
    return process.wait(-1).value_or(ExitStatus{true, 0});
  }
  static Subprocess started(const Delivery& delivery) {
    SpawnOptions options;
    options.arguments = {delivery.start.command};
    options.arguments.insert(options.arguments.end(), delivery.start.arguments.begin(), delivery.start.arguments.end());
    options.environment = {delivery.start.environment.begin(), delivery.start.environment.end()};
    auto process = Subprocess::spawn(options);
    EXPECT_TRUE(process.ok());
    return *std::move(process);
  }
  // The unpacker alone, over a file that is whole.
  std::string unpack(std::string_view packed) {
    put(directory_ / "stub", std::string_view(kStubBytes, kStubSize));
    put(directory_ / "packed", packed);
    SpawnOptions options;
    options.arguments = {directory_ / "stub", directory_ / "packed", directory_ / "unpacked"};
    auto process = Subprocess::spawn(options);
    EXPECT_TRUE(process.ok());
    return process->wait(-1).value_or(ExitStatus{true, 0}).describe();
  }

  // A program that proves that it ran, where, and with which environment.
  static constexpr std::string_view kWorker = "#!/bin/sh\necho \"$PWD $HOME\" > \"${0%/*}/ran\"\nexit 5\n";
  const std::string hash_ = sha256_hex(kWorker);
  fs::path directory_, worker_;
  DeliveryRequest request_;
};

TEST_F(DeliveryTest, AWorkerThatIsNotThereTravelsPackedWithTheProgramThatUnpacksIt) {
  const Delivery sent = delivery();
  EXPECT_TRUE(sent.sends_worker);
  ASSERT_EQ(sent.parts.size(), 2u);
  EXPECT_EQ(sent.parts[0].path, request_.layout.run + "/unpack");
  EXPECT_EQ(bytes_of(sent.parts[0]), std::string(kStubBytes, kStubSize));
  EXPECT_EQ(sent.parts[1].path, request_.layout.root + "/worker.zst");
  EXPECT_EQ(unpacked(bytes_of(sent.parts[1])), kWorker);
}

TEST_F(DeliveryTest, TheFirstProcessUnpacksTheWorkerAndBecomesItInTheRunsDirectory) {
  EXPECT_EQ(arrive(delivery()).describe(), "exited with status 5");
  const fs::path file = worker_file(request_.layout.root, hash_);
  EXPECT_EQ(*read_file(file), kWorker);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0755));
  EXPECT_EQ(*read_file(file.parent_path() / "ran"), request_.layout.run + " " + request_.layout.home + "\n");
}

TEST_F(DeliveryTest, AWorkerThatIsThereDoesNotTravel) {
  request_.present_in = request_.layout.root;
  const Delivery sent = delivery();
  EXPECT_FALSE(sent.sends_worker);
  EXPECT_THAT(sent.parts, IsEmpty());
  put(worker_file(request_.layout.root, hash_), kWorker);
  EXPECT_EQ(arrive(sent).describe(), "exited with status 5");
}

TEST_F(DeliveryTest, TheWorkerIsToldWhatToGetReadyFor) {
  EXPECT_THAT(script(), Not(HasSubstr("--ahead")));
  request_.drivers = {"duckdb.processor", "mock"};
  EXPECT_THAT(script(), EndsWith(" --ahead duckdb.processor mock"));
  request_.drivers = {"duckdb.processor", "mock; true"};
  EXPECT_THAT(script(), Not(HasSubstr("--ahead"))) << "words of ours only";
}

TEST_F(DeliveryTest, NothingStartsBeforeWhatItNeedsHasArrived) {
  EXPECT_THAT(script(), StartsWith("until [ -e " + request_.layout.root + "/worker.zst ]"));
  request_.present_in = request_.layout.root;
  EXPECT_THAT(script(), StartsWith("until [ -e " + request_.layout.arrived() + " ]"));
}

TEST_F(DeliveryTest, TheWorkerIsUnpackedWhileItComes) {
  const Delivery sent = delivery();
  auto process = started(sent);
  put(sent.parts[0].path, bytes_of(sent.parts[0]));
  const std::string packed = bytes_of(sent.parts[1]);
  std::ofstream file(sent.parts[1].path, std::ios::binary);
  // In the middle of the first frame's head, of the table, and before the last byte.
  for (const size_t upto : {size_t{5}, head_of(packed) - 3, packed.size() - 1}) {
    file.write(packed.data() + file.tellp(), static_cast<std::streamoff>(upto) - file.tellp()).flush();
    EXPECT_FALSE(process.wait(50)) << upto;
  }
  file.write(packed.data() + file.tellp(), static_cast<std::streamoff>(packed.size()) - file.tellp()).flush();
  const auto exit = process.wait(-1);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->describe(), "exited with status 5");
  EXPECT_FALSE(fs::exists(request_.layout.arrived())) << "it waits for no more than itself";
}

TEST_F(DeliveryTest, OtherRunsAreWipedOnlyWhereAMachineIsUsedAgain) {
  const fs::path other = fs::path(request_.layout.run).parent_path() / "run_0";
  put(other / "session/data.csv", "secret\n");
  request_.present_in = request_.layout.root;
  put(worker_file(request_.layout.root, hash_), kWorker);
  arrive(delivery());
  EXPECT_TRUE(fs::exists(other));
  request_.wipe_other_runs = true;
  EXPECT_EQ(arrive(delivery()).describe(), "exited with status 5");
  EXPECT_FALSE(fs::exists(other));
  EXPECT_TRUE(fs::exists(request_.layout.arrived()));
}

TEST_F(DeliveryTest, TheProcessIsGivenTheHomeOfItsUserAndNothingOfThisMachine) {
  ::setenv("OSIRIS_DELIVERY_TEST", "x", 1);
  const auto environment = delivery().start.environment;
  EXPECT_EQ(environment.at("HOME"), request_.layout.home);
  EXPECT_EQ(environment.count("OSIRIS_DELIVERY_TEST"), 0u);
  ::unsetenv("OSIRIS_DELIVERY_TEST");
}

TEST(PackTool, SaysWhichWorkerItCannotRead) {
  SpawnOptions options;
  options.arguments = {std::string(std::getenv("OSIRIS_BUILD_DIR")) + "/plugins/sdk/osiris_pack", "/no/such/worker",
                       "/no/such/output", "1"};
  const auto output = run_command(options, 60'000);
  ASSERT_TRUE(output.ok()) << output.error().message;
  EXPECT_EQ(output->exit.value, 1);
  EXPECT_THAT(output->standard_error, HasSubstr("/no/such/worker"));
}

// They become words of a shell's script.
TEST_F(DeliveryTest, ARunIdOrAHashThatIsNoPlainWordIsRefused) {
  for (const char* id : {"a b", "$(reboot)", "a;b", "a'b", "a\nb", "a*"}) {
    request_.layout = layout_of("/home/user", id);
    EXPECT_EQ(plan_delivery(request_).error().code, Code::kInvalidArgument) << id;
  }
  request_.layout = layout_of("/home/user", "run_1.x-Y");
  EXPECT_TRUE(plan_delivery(request_).ok());
  for (const char* hash : {"", "`id`", "a&b"}) {
    request_.worker_sha256 = hash;
    EXPECT_EQ(plan_delivery(request_).error().code, Code::kInvalidArgument) << hash;
  }
}

TEST_F(DeliveryTest, AWorkerThatCannotBePackedIsAnError) {
  request_.packed = Error(Code::kInternal, "no memory");
  EXPECT_EQ(plan_delivery(request_).error().message, "no memory");
  request_.packed.reset();
  fs::remove(worker_);
  EXPECT_FALSE(plan_delivery(request_).ok());
}

// ---- A machine of which others are made

class UnpackingTest : public DeliveryTest {
 protected:
  UnpackingTest() {
    put(worker_, kInstaller);
    request_.worker_sha256 = sha256_hex(kInstaller);
    request_.environment = {{"PIP_INDEX_URL", "https://i.test"}, {"HOME", "/elsewhere"}};
  }
  ExitStatus unpack() {
    auto planned = plan_unpacking(request_);
    EXPECT_TRUE(planned.ok());
    return arrive(*planned);
  }
  std::string said() const { return *read_file(fs::path(request_.layout.root) / "said"); }
  // What is there, but for what the worker wrote.
  std::string files() const {
    std::string names;
    for (const auto& entry : fs::directory_iterator(request_.layout.root))
      if (entry.path().filename() != "said") names += entry.path().filename().string() + " ";
    return names;
  }

  static constexpr std::string_view kInstaller =
      "#!/bin/sh\necho \"$* $HOME $PIP_INDEX_URL\" >> \"${0%/*}/said\"\n"
      "[ $1 = --version ] || { cat $2 >> \"${0%/*}/said\"; ! grep -q wrong $2; }\n";
};

TEST_F(UnpackingTest, LeavesTheWorkerAloneWhichHasRunOnce) {
  EXPECT_EQ(unpack().describe(), "exited with status 0");
  EXPECT_EQ(said(), "--version " + request_.layout.home + " https://i.test\n");
  EXPECT_EQ(files(), fs::path(worker_file("", request_.worker_sha256)).filename().string() + " ");
}

TEST_F(UnpackingTest, InstallsWhatIsRequiredByTheVariablesThatAreGiven) {
  request_.requirements = {"first\n", "second\n"};
  EXPECT_EQ(unpack().describe(), "exited with status 0");
  const std::string root = request_.layout.root,
                    more = " --cache-dir " + request_.layout.cache() + " " + request_.layout.home + " https://i.test\n";
  EXPECT_EQ(said(), "--version " + request_.layout.home + " https://i.test\n--install-requirements " + root +
                        "/requirements-1.json" + more + "first\n--install-requirements " + root +
                        "/requirements-2.json" + more + "second\n");
  EXPECT_EQ(files(), fs::path(worker_file("", request_.worker_sha256)).filename().string() + " ");
}

TEST_F(UnpackingTest, SaysWhetherOnlyTheInstallingWentWrong) {
  request_.requirements = {"wrong\n", "second\n"};
  EXPECT_EQ(unpack().describe(), "exited with status " + std::to_string(kNotInstalled));
  EXPECT_EQ(said().find("second"), std::string::npos);
  EXPECT_EQ(files(), fs::path(worker_file("", request_.worker_sha256)).filename().string() + " ");
}

// ---- The packed worker

TEST_F(DeliveryTest, APackedWorkerBesideItIsUsedIfItIsOfThisWorker) {
  const fs::path other = directory_ / "other";
  put(other, "another program");
  const std::string ready = *compress_worker(other, hash_, 1);
  put(worker_.string() + ".zst", ready);
  EXPECT_EQ(*packed_worker(worker_, hash_), ready) << "its first frame names this worker";
  const std::string packed = *packed_worker(worker_, std::string(64, 'f'));
  EXPECT_EQ(unpacked(packed), kWorker);
  EXPECT_THAT(packed.substr(8, 64), std::string(64, 'f'));
}

// Behind its last line a script may hold anything.
TEST_F(DeliveryTest, ALargeWorkerIsUnpackedFromFramesOfItsOwn) {
  std::string large(kWorker);
  uint64_t random = 1;
  while (large.size() < (size_t{20} << 20)) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    large.append("line ").append(std::to_string(random >> 40)).append("\n");
  }
  put(worker_, large);
  request_.worker_sha256 = sha256_hex(large);
  Delivery sent = delivery();
  const std::string packed = bytes_of(sent.parts[1]);
  EXPECT_EQ(arrive(sent).describe(), "exited with status 5");
  EXPECT_TRUE(*read_file(worker_file(request_.layout.root, request_.worker_sha256)) == large);

  const size_t head = head_of(packed);
  const std::string_view first = std::string_view(packed).substr(head);
  const size_t first_size = ZSTD_findFrameCompressedSize(first.data(), first.size());
  ASSERT_LT(first_size, first.size()) << "one frame holds all of it";
  fs::remove(worker_file(request_.layout.root, request_.worker_sha256));
  for (const size_t at : {head + first_size / 2, packed.size() - 1000}) {  // in the first, in the last
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    sent.parts[1] = bytes_part(sent.parts[1].path, std::make_shared<const std::string>(damaged));
    EXPECT_EQ(arrive(sent).describe(), "exited with status 123");
    EXPECT_FALSE(fs::exists(worker_file(request_.layout.root, request_.worker_sha256)));
  }
}

TEST_F(DeliveryTest, ADamagedPackedWorkerIsNotRun) {
  Delivery sent = delivery();
  std::string bytes = bytes_of(sent.parts[1]);
  const std::string whole = bytes;
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // of the checksum
  std::string no_table = whole;
  no_table[72] = 'x';
  std::string odd_table = whole;
  odd_table[76] = 15;  // its length
  for (const std::string& damaged : {bytes, no_table, odd_table, std::string("no worker")}) {
    sent.parts[1] = bytes_part(sent.parts[1].path, std::make_shared<const std::string>(damaged));
    EXPECT_EQ(arrive(sent).describe(), "exited with status 123") << damaged.size();
    EXPECT_FALSE(fs::exists(worker_file(request_.layout.root, hash_)));
  }
  EXPECT_EQ(unpack(whole), "exited with status 5");
  for (const std::string& damaged : {bytes, whole.substr(0, whole.size() - 5), whole.substr(0, head_of(whole))})
    EXPECT_EQ(unpack(damaged), "exited with status 123") << damaged.size();
}

TEST_F(DeliveryTest, AWorkerWhoseFileIsHeldForAMomentIsRunOnceItIsNot) {
  const Delivery sent = delivery();
  const fs::path file = worker_file(request_.layout.root, hash_);
  fs::create_directories(file.parent_path());
  std::ofstream holder(file.string() + ".new");
  for (const UploadPart& part : sent.parts) put(part.path, bytes_of(part));
  put(request_.layout.arrived(), "1");
  auto process = started(sent);
  EXPECT_TRUE(test::eventually([&] { return fs::exists(file); }));
  EXPECT_FALSE(process.wait(50));
  holder.close();
  EXPECT_EQ(process.wait(-1).value_or(ExitStatus{true, 0}).describe(), "exited with status 5");
}

TEST_F(DeliveryTest, WhatIsNoProgramIsSaidWithItsErrno) {
  put(worker_, "no program");
  request_.worker_sha256 = sha256_hex("no program");
  put(directory_ / "stub", std::string_view(kStubBytes, kStubSize));
  put(directory_ / "packed", bytes_of(delivery().parts[1]));
  SpawnOptions options;
  options.arguments = {directory_ / "stub", directory_ / "packed", directory_ / "unpacked"};
  const auto output = run_command(options, 10'000);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->exit.describe(), "exited with status 126");
  EXPECT_THAT(output->standard_error, HasSubstr("cannot execute the worker: errno 008"));
}

TEST_F(DeliveryTest, APackedWorkerThatDoesNotNameItsHashIsUnpackedToo) {
  const std::string packed = bytes_of(delivery().parts[1]);
  EXPECT_EQ(unpack(packed.substr(head_of(packed))), "exited with status 5");
}

TEST_F(DeliveryTest, AnUploadThatStopsIsACancel) {
  const Delivery sent = delivery();
  EXPECT_EQ(sent.parts[0].write([](std::string_view) { return false; }).error().code, Code::kCancelled);
}

TEST_F(DeliveryTest, OnlyAStaticWorkerTravels) {
  const std::string dynamic = "/bin/sh";
  EXPECT_THAT(check_worker_travels(dynamic).error().message, HasSubstr("linked dynamically"));
  put(directory_ / "stub", std::string_view(kStubBytes, kStubSize));
  EXPECT_TRUE(check_worker_travels(directory_ / "stub").ok());
}

}  // namespace
}  // namespace osiris::sdk
