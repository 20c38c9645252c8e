#include "worker/records/record_stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <future>
#include <thread>

#include "protocol/base/file.h"
#include "protocol/rpc/frames.h"
#include "tests/support/eventually.h"
#include "tests/support/no_more_threads.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

rpc::Event event(const std::string& text) {
  rpc::Event record;
  record.data = Json::object({{"event", "test"}, {"text", text}});
  return record;
}

// A stream into a pipe whose other end the test reads when it likes.
class RecordStreamTest : public ::testing::Test {
 protected:
  RecordStreamTest() {
    char name[] = "/tmp/osiris-records-XXXXXX";
    directory_ = ::mkdtemp(name);
    EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
    open(kQueueBytesMax);
  }
  ~RecordStreamTest() override {
    stream_.reset();
    ::close(pipe_[0]);
    if (pipe_[1] >= 0) ::close(pipe_[1]);
    std::filesystem::remove_all(directory_);
  }
  void open(size_t queue_bytes_max) {
    stream_ = std::make_unique<RecordStream>(
        pipe_[1], system_clock(), [this](const Error& error) { failure_.set_value(error); }, queue_bytes_max);
  }
  std::string log() { return *read_file(directory_ / "records.jsonl"); }
  Json next() {
    for (;;) {
      if (auto frame = parser_.next()) {
        if (frame->kind == rpc::Frame::Kind::kBlob) return Json::object({{"blob", frame->bytes}});
        return frame->message;
      }
      char block[4096];
      const ssize_t got = ::read(pipe_[0], block, sizeof block);
      if (got <= 0) return {};
      parser_.feed(std::string_view(block, static_cast<size_t>(got)));
    }
  }

  std::filesystem::path directory_;
  int pipe_[2] = {-1, -1};
  std::promise<Error> failure_;
  std::unique_ptr<RecordStream> stream_;
  rpc::FrameParser parser_;
};

TEST_F(RecordStreamTest, NumbersRecordsFromOneInTheOrderOfTheWire) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 50; ++i) stream_->emit(event("x"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int64_t seq = 1; seq <= 200; ++seq) EXPECT_EQ(next()["seq"].as_int(), seq);
}

TEST_F(RecordStreamTest, KeepsEveryNumberedRecordFromTheLogOnAndNoOther) {
  stream_->emit(event("before"));
  ASSERT_TRUE(stream_->open_log(directory_ / "records.jsonl").ok());
  stream_->send(rpc::Hello{});
  stream_->emit(event("kept"));
  for (int i = 0; i < 3; ++i) next();
  EXPECT_THAT(log(), HasSubstr("\"kept\""));
  EXPECT_THAT(log(), Not(HasSubstr("before")));
  EXPECT_THAT(log(), Not(HasSubstr("hello")));
}

TEST_F(RecordStreamTest, ReplaysFromAnyNumberAndGoesOn) {
  stream_->emit(event("before"));
  ASSERT_TRUE(stream_->open_log(directory_ / "records.jsonl").ok());
  for (int i = 2; i <= 5; ++i) stream_->emit(event(std::to_string(i)));
  for (int i = 0; i < 5; ++i) next();
  stream_->replay("again", 4);
  stream_->emit(event("6"));
  const Json answer = next();
  EXPECT_EQ(answer["id"].as_string(), "again");
  EXPECT_EQ(answer["result"]["last_seq"].as_int(), 5);
  EXPECT_FALSE(answer.contains("seq"));
  for (int64_t seq = 4; seq <= 6; ++seq) EXPECT_EQ(next()["seq"].as_int(), seq);
}

TEST_F(RecordStreamTest, ReplaysEverythingItHasForANumberBeforeTheLog) {
  ASSERT_TRUE(stream_->open_log(directory_ / "records.jsonl").ok());
  stream_->emit(event("1"));
  next();
  stream_->replay("all", 0);
  EXPECT_EQ(next()["result"]["last_seq"].as_int(), 1);
  EXPECT_EQ(next()["seq"].as_int(), 1);
  stream_->replay("none", 2);
  EXPECT_EQ(next()["id"].as_string(), "none");
}

TEST_F(RecordStreamTest, HidesSecretsInRecordsButNotInStructuralFields) {
  auto redactor = std::make_shared<Redactor>();
  redactor->add("hunter22");
  stream_->set_redactor(redactor);
  ASSERT_TRUE(stream_->open_log(directory_ / "records.jsonl").ok());
  rpc::Event said = event("it is hunter22");
  said.data.set("step_id", "hunter22");
  stream_->emit(said);
  rpc::Response response;
  response.id = "1";
  Error failed(Code::kStepFailed, "no hunter22", "try hunter22");
  failed.detail = Json::object({{"x", "hunter22"}});
  response.outcome = std::move(failed);
  stream_->emit(response);
  rpc::Response result;
  result.id = "2";
  result.outcome = Json::object({{"artifacts", Json::array({Json::object({{"target", "/out/hunter22.csv"}})})}});
  stream_->emit(result);
  EXPECT_EQ(next()["data"].dump(), R"({"event":"test","text":"it is ***MASKED***","step_id":"hunter22"})");
  EXPECT_THAT(next().dump(), Not(HasSubstr("hunter22")));
  EXPECT_THAT(next().dump(), HasSubstr("/out/hunter22.csv"));
  EXPECT_THAT(log(), HasSubstr("***MASKED***"));
}

TEST_F(RecordStreamTest, MakesTheSenderWaitWhileNobodyReadsAndLosesNothing) {
  stream_.reset();
  open(/*queue_bytes_max=*/4096);
  std::atomic<int> sent{0};
  std::thread sender([&] {
    for (int i = 0; i < 3000; ++i) {
      stream_->emit(event(std::string(100, 'x')));
      ++sent;
    }
  });
  // The pipe holds 64 KiB and the queue some records: far less than there are.
  ASSERT_TRUE(test::eventually([&] { return stream_->queued_bytes() >= 4096; }));
  EXPECT_LT(sent, 3000);
  for (int64_t seq = 1; seq <= 3000; ++seq) ASSERT_EQ(next()["seq"].as_int(), seq);
  sender.join();
}

TEST_F(RecordStreamTest, SendsUnnumberedRecordsPastAFullQueue) {
  stream_.reset();
  open(/*queue_bytes_max=*/64);
  stream_->emit(event("fills the queue, which holds one record of this size and no more"));
  rpc::Response pong;
  pong.id = "ping";
  pong.outcome = Json::object();
  for (int i = 0; i < 100; ++i) stream_->send(pong);
  EXPECT_EQ(next()["seq"].as_int(), 1);
  EXPECT_EQ(next()["id"].as_string(), "ping");
}

TEST_F(RecordStreamTest, LetsWaitingSendersGoWhenAbandoned) {
  stream_.reset();
  open(/*queue_bytes_max=*/1024);
  std::thread sender([&] {
    for (int i = 0; i < 2000; ++i) stream_->emit(event(std::string(100, 'x')));
  });
  ASSERT_TRUE(test::eventually([&] { return stream_->queued_bytes() >= 1024; }));
  stream_->abandon();
  sender.join();
  // The stream still writes what it has before it goes; somebody must take it.
  std::thread reader([&] {
    char block[65536];
    while (::read(pipe_[0], block, sizeof block) > 0) {
    }
  });
  stream_.reset();
  ::close(std::exchange(pipe_[1], -1));
  reader.join();
}

TEST_F(RecordStreamTest, ReportsAReaderThatIsGone) {
  ::signal(SIGPIPE, SIG_IGN);
  ::close(std::exchange(pipe_[0], -1));
  stream_->emit(event("nobody hears"));
  EXPECT_EQ(failure_.get_future().get().code, Code::kUnavailable);
  for (int i = 0; i < 10; ++i) stream_->emit(event("and nobody waits"));
}

TEST_F(RecordStreamTest, ReportsALogThatCannotBeWritten) {
  ASSERT_TRUE(stream_->open_log("/dev/full").ok());
  stream_->emit(event("x"));
  EXPECT_EQ(failure_.get_future().get().code, Code::kExhausted);
}

TEST_F(RecordStreamTest, SendsAFileInBlobsAfterItsRecordAndRemovesIt) {
  const auto file = directory_ / "relation";
  ASSERT_TRUE(write_file_atomically(file, "the bytes").ok());
  rpc::Response response;
  response.id = "get";
  response.outcome = Json::object({{"bytes", 9}});
  stream_->send_with_blobs(response, file);
  stream_->emit(event("after"));
  EXPECT_EQ(next()["id"].as_string(), "get");
  EXPECT_EQ(next()["blob"].as_string(), "the bytes");
  EXPECT_EQ(next()["data"]["text"].as_string(), "after");
  EXPECT_FALSE(std::filesystem::exists(file));
}

// Reads of a pipe come short.
TEST_F(RecordStreamTest, WhatIsReadInPiecesIsSentAsOneBlob) {
  const auto file = directory_ / "relation";
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  std::string bytes(300'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i / 1000);
  std::thread writer([&] { std::ofstream(file, std::ios::binary) << bytes; });
  rpc::Response response;
  response.id = "get";
  response.outcome = Json::object({{"bytes", bytes.size()}});
  stream_->send_with_blobs(response, file);
  EXPECT_EQ(next()["id"].as_string(), "get");
  EXPECT_TRUE(next()["blob"].as_string() == bytes);
  writer.join();
}

TEST_F(RecordStreamTest, ReplacesARecordThatIsTooLongByOneThatSaysSo) {
  stream_->emit(event(std::string(rpc::kMessageBytesMax, 'x')));
  const Json record = next();
  EXPECT_EQ(record["data"]["event"].as_string(), "test");
  EXPECT_THAT(record["data"]["omitted"].as_string(), HasSubstr("longer than"));
}

TEST_F(RecordStreamTest, WithoutAThreadItFailsAndNothingWaitsForIt) {
  stream_.reset();
  const NoMoreThreads none;
  open(kQueueBytesMax);
  EXPECT_THAT(failure_.get_future().get().message, HasSubstr("the machine has no more threads"));
  for (int i = 0; i < 100; ++i) stream_->emit(event(std::string(100'000, 'x')));
  stream_->flush(std::chrono::seconds(60));
}

}  // namespace
}  // namespace osiris::worker
