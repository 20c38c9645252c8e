// Rows that go from chunks to a writer without the engine: formatted by several threads, written in their order.
#include "worker/driver_api/direct_write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "worker/drivers/db/chunk.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

db::RelationColumns columns() {
  return {{"id", ColumnType::plain(DUCKDB_TYPE_BIGINT)}, {"word", ColumnType::plain(DUCKDB_TYPE_VARCHAR)}};
}

// `batches` batches of two chunks of `rows` rows: 0 | "row 0", 1 | "row 1", ...
class Numbers : public ChunkBatches {
 public:
  Numbers(uint64_t batches, size_t rows, uint64_t bytes = 0) : batches_(batches), rows_(rows), bytes_(bytes) {}

  std::vector<std::string> batch_columns() const override { return {"id", "word"}; }
  bool take_batches(const std::vector<size_t>&) override { return true; }
  size_t threads_max() const override { return 4; }
  Result<std::unique_ptr<Batch>> take_batch() override {
    EXPECT_FALSE(is_taking_.exchange(true));
    auto taken = make();
    is_taking_ = false;
    return taken;
  }
  void fail_at(uint64_t batch) { failing_ = batch; }
  int held_max() const { return held_max_; }

 private:
  struct Made : Batch {
    Made(Numbers& numbers, uint64_t first, size_t rows) : owner(numbers) {
      for (int i = 0; i < 2; ++i, first += rows) {
        auto chunk = std::make_unique<db::Chunk>(columns());
        for (size_t row = 0; row < rows; ++row) {
          chunk->at<int64_t>(0, row) = static_cast<int64_t>(first + row);
          chunk->set_text(1, row, "row " + std::to_string(first + row));
        }
        chunk->set_rows(rows);
        made.push_back(std::move(chunk));
      }
      owner.held_max_ = std::max<int>(owner.held_max_, ++owner.held_);
    }
    ~Made() override { --owner.held_; }
    Result<duckdb_data_chunk> next_chunk() override { return next < made.size() ? made[next++]->handle() : nullptr; }
    uint64_t bytes() const override { return owner.bytes_; }

    Numbers& owner;
    std::vector<std::unique_ptr<db::Chunk>> made;
    size_t next = 0;
  };

  Result<std::unique_ptr<Batch>> make() {
    if (taken_ == failing_) return Error(Code::kUnavailable, "the source is gone");
    if (taken_ == batches_) return std::unique_ptr<Batch>();
    const uint64_t first = taken_++ * 2 * rows_;
    return std::unique_ptr<Batch>(std::make_unique<Made>(*this, first, rows_));
  }

  const uint64_t batches_;
  const size_t rows_;
  const uint64_t bytes_;
  uint64_t taken_ = 0, failing_ = UINT64_MAX;
  std::atomic<bool> is_taking_ = false;
  std::atomic<int> held_ = 0, held_max_ = 0;
};

// "row 0|0\nrow 1|1\n": the columns in another order than they come in.
class Lines : public BatchWriter {
 public:
  struct Text : Batch {
    void add(duckdb_data_chunk chunk) override {
      const auto* words = static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
      const auto* ids = static_cast<int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1)));
      for (idx_t row = 0; row < duckdb_data_chunk_get_size(chunk); ++row) {
        duckdb_string_t word = words[row];
        text.append(duckdb_string_t_data(&word), duckdb_string_t_length(word));
        text += "|" + std::to_string(ids[row]) + "\n";
      }
    }
    size_t size_bytes() const override { return text.size(); }
    std::string text;
  };

  std::unique_ptr<Batch> begin() override { return std::make_unique<Text>(); }
  Status write(Batch& batch) override {
    EXPECT_FALSE(is_writing_.exchange(true));
    written += static_cast<Text&>(batch).text;
    ++pieces;
    is_writing_ = false;
    return pieces == failing ? Status(Error(Code::kStepFailed, "the disk is full")) : Status();
  }

  std::string written;
  int pieces = 0, failing = 0;

 private:
  std::atomic<bool> is_writing_ = false;
};

std::string expected(uint64_t rows) {
  std::string text;
  for (uint64_t i = 0; i < rows; ++i) text += "row " + std::to_string(i) + "|" + std::to_string(i) + "\n";
  return text;
}

TEST(DirectWrite, KeepsTheOrderOfTheRowsWhateverThreadFormatsThem) {
  for (const size_t threads : {1u, 2u, 4u}) {
    SCOPED_TRACE(threads);
    Numbers numbers(200, 50);
    Lines lines;
    const auto rows = write_batches(numbers, {1, 0}, threads, lines);
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    EXPECT_EQ(*rows, 20'000u);
    EXPECT_EQ(lines.written, expected(20'000));
    EXPECT_EQ(lines.pieces, 200);
  }
}

TEST(DirectWrite, WritesNothingOfASourceWithoutRows) {
  Numbers numbers(0, 50);
  Lines lines;
  EXPECT_EQ(*write_batches(numbers, {1, 0}, 2, lines), 0u);
  EXPECT_EQ(lines.pieces, 0);
}

TEST(DirectWrite, EndsWithTheErrorOfTheSource) {
  Numbers numbers(200, 50);
  numbers.fail_at(20);
  Lines lines;
  const auto rows = write_batches(numbers, {1, 0}, 4, lines);
  ASSERT_FALSE(rows.ok());
  EXPECT_THAT(rows.error().message, HasSubstr("the source is gone"));
  EXPECT_EQ(expected(2000).substr(0, lines.written.size()), lines.written);
}

TEST(DirectWrite, EndsWithTheErrorOfTheWriterAndTakesNoMore) {
  for (const size_t threads : {1u, 4u}) {
    Numbers numbers(200, 50);
    Lines lines;
    lines.failing = 3;
    const auto rows = write_batches(numbers, {1, 0}, threads, lines);
    ASSERT_FALSE(rows.ok());
    EXPECT_THAT(rows.error().message, HasSubstr("the disk is full"));
    EXPECT_EQ(lines.written, expected(300));
  }
}

TEST(DirectWrite, HoldsOneBatchOfLargeValuesAtATime) {
  Numbers numbers(50, 50, uint64_t{9} << 20);
  Lines lines;
  ASSERT_TRUE(write_batches(numbers, {1, 0}, 4, lines).ok());
  EXPECT_EQ(lines.written, expected(5000));
  EXPECT_EQ(numbers.held_max(), 1);
}

}  // namespace
}  // namespace osiris::worker
