// What a copy in chunks is made of, without a server: the ledger of what is committed, fingerprints that are written
// down, and a queue that gives rows chunk by chunk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/eventually.h"
#include "worker/drivers/db/copy_ledger.h"
#include "worker/drivers/db/row_queue.h"

namespace osiris::worker::db {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr size_t kColumns = 2;

Json identity(const std::string& query = "q") {
  return Json::object(
      {{"source", Json::object({{"query", query}, {"key", "id"}})}, {"target", Json::object({{"table", "t"}})}});
}

Fingerprint fingerprint_of(const std::vector<std::string>& values) {
  Fingerprint made(kColumns);
  for (const std::string& value : values) {
    made.add(value);
    made.add_null();
    made.end_row();
  }
  return made;
}

// Bounds 10, 20, 30, 40: five ranges in three chunks, of which the first two are committed.
struct Copy {
  Copy() {
    for (const size_t chunk : {size_t{0}, size_t{1}}) {
      const Fingerprint fingerprint = fingerprint_of({"a" + std::to_string(chunk), "b"});
      rows.push_back(ledger.row_of(chunk, 2, &fingerprint));
      EXPECT_TRUE(ledger.committed(rows.back()).ok());
    }
  }
  CopyLedger ledger{identity(), ChunkPlan{{"10", "20", "30", "40"}, 2}, kColumns};
  std::vector<LedgerRow> rows{ledger.head()};
};

std::string why_unread(const std::vector<LedgerRow>& rows, const Json& wanted) {
  const auto read = CopyLedger::read(rows, wanted, kColumns);
  return read.ok() ? "" : read.error().message;
}

TEST(CopyLedger, IsReadBackAsItWas) {
  const Copy copy;
  const auto read = CopyLedger::read(copy.rows, identity(), kColumns);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_THAT(read->plan().bounds, ElementsAre("10", "20", "30", "40"));
  EXPECT_EQ(read->plan().chunks(), 3u);
  EXPECT_THAT(read->missing(), ElementsAre(2));
  EXPECT_EQ(read->count(), 2u);
  EXPECT_EQ(read->rows(), 4u);
  EXPECT_TRUE(read->fingerprint().is_of_the_same_rows(fingerprint_of({"b", "a1", "b", "a0"})));
  EXPECT_TRUE(read->fingerprint().columns_that_differ(fingerprint_of({"b", "a1", "b", "a0"})).empty());
  EXPECT_FALSE(read->is_brought());
  const std::string& content = copy.rows[2].content;
  EXPECT_THAT(content, HasSubstr(R"("from":"20")"));
  EXPECT_THAT(content, HasSubstr(R"("below":"40")"));
}

TEST(CopyLedger, AnotherCopysIsOfNoUse) {
  const Copy copy;
  EXPECT_EQ(why_unread(copy.rows, identity("other")), "the source's query has changed");
  EXPECT_EQ(why_unread({copy.rows[1], copy.rows[2]}, identity()), "its ledger does not say what it is");
  EXPECT_EQ(why_unread({}, identity()), "its ledger does not say what it is");
}

// Each member of each row, and rows that are there twice or of no chunk.
TEST(CopyLedger, WhatWasChangedIsSeen) {
  const Copy copy;
  for (size_t row = 0; row < copy.rows.size(); ++row)
    for (const auto& change : {+[](LedgerRow& one) { one.chunk += 1; }, +[](LedgerRow& one) { one.rows += 1; },
                               +[](LedgerRow& one) { one.content += " "; }, +[](LedgerRow& one) { one.content = "{}"; },
                               +[](LedgerRow& one) { one.seal[0] = one.seal[0] == '0' ? '1' : '0'; },
                               +[](LedgerRow& one) { one.seal.clear(); }}) {
      std::vector<LedgerRow> rows = copy.rows;
      change(rows[row]);
      EXPECT_NE(why_unread(rows, identity()), "") << row;
    }
  std::vector<LedgerRow> twice = copy.rows;
  twice.push_back(copy.rows[1]);
  EXPECT_EQ(why_unread(twice, identity()), "its ledger was changed");
  CopyLedger longer(identity(), ChunkPlan{{"10", "20", "30", "40", "50", "60"}, 2}, kColumns);
  std::vector<LedgerRow> foreign = copy.rows;
  foreign.push_back(longer.row_of(3, 1, nullptr));
  EXPECT_EQ(why_unread(foreign, identity()), "its ledger was changed");
}

TEST(CopyLedger, SaysThatItsRowsWereBrought) {
  Copy copy;
  copy.rows.push_back(copy.ledger.brought());
  const auto read = CopyLedger::read(copy.rows, identity(), kColumns);
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->is_brought());
  copy.rows.back().rows = 5;
  EXPECT_EQ(why_unread(copy.rows, identity()), "its ledger was changed");
}

TEST(CopyLedger, TablesAreOfOneStepAndTarget) {
  const StepOrigin origin{"shop", "run-1", "0.1.0", false};
  const CopyTables tables = tables_of_copy(origin, "save", "public.t");
  EXPECT_THAT(tables.staging, HasSubstr("osiris_copy_"));
  EXPECT_EQ(tables.ledger, tables.staging + "_log");
  EXPECT_LE(tables.ledger.size(), 58u) << "MySQL has names of 64 characters, PostgreSQL of 63; _done is added";
  EXPECT_EQ(tables.staging.rfind(tables.prefix, 0), 0u);
  EXPECT_NE(tables_of_copy(origin, "save", "public.u").staging, tables.staging);
  EXPECT_EQ(tables_of_copy(origin, "save", "public.u").prefix, tables.prefix);
  EXPECT_NE(tables_of_copy(origin, "other", "public.t").prefix, tables.prefix);
  EXPECT_NE(tables_of_copy({"else", "run-1", "0.1.0", false}, "save", "public.t").prefix, tables.prefix);
}

TEST(Fingerprint, IsWrittenDownAndReadBack) {
  const Fingerprint made = fingerprint_of({"a", "", std::string(100000, 'x')});
  const auto back = Fingerprint::of_state(made.state(), kColumns);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->is_of_the_same_rows(made));
  EXPECT_EQ(back->text(), made.text());
  EXPECT_TRUE(back->columns_that_differ(made).empty());
  for (const std::string& wrong :
       {std::string(), made.state() + "1 ", made.state().substr(0, made.state().size() - 1), std::string("x y z a b ")})
    EXPECT_FALSE(Fingerprint::of_state(wrong, kColumns)) << wrong;
  EXPECT_FALSE(Fingerprint::of_state(made.state(), kColumns + 1));
}

Batch batch_of(size_t chunk, uint64_t rows) {
  Batch batch;
  batch.chunk = chunk;
  batch.rows = rows;
  return batch;
}

// Two readers take ranges out of order; the filler sees whole chunks in theirs.
TEST(RowQueue, GivesChunkByChunk) {
  RowQueue queue;
  queue.offer_chunks(ChunkPlan{{"1", "2", "3", "4", "5"}, 2}, identity());
  queue.announce({});
  queue.choose({ChunkPlan{{"1", "2", "3", "4", "5"}, 2}, {0, 2}, true});
  const auto choice = queue.choice();
  ASSERT_TRUE(choice);
  EXPECT_THAT(choice->chunks, ElementsAre(0, 2));
  std::thread later([&] {
    EXPECT_TRUE(queue.offer(batch_of(1, 7)));
    queue.end_range(1);
    queue.end_range(1);
  });
  later.join();
  std::thread sooner([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(queue.offer(batch_of(0, 1)));
    queue.end_range(0);
    queue.end_range(0);
    queue.finish({});
  });
  std::vector<uint64_t> chunks{0};
  for (bool is_over = false; !is_over;) {
    const RowQueue::Delivery delivery = queue.next(std::chrono::seconds(10));
    if (delivery.batch) chunks.back() += delivery.batch->rows;
    if (delivery.is_chunk_end) chunks.push_back(0);
    is_over = delivery.end.has_value();
  }
  sooner.join();
  EXPECT_THAT(chunks, ElementsAre(20, 7, 0));
}

TEST(RowQueue, ReadersAreOneChunkAhead) {
  RowQueue queue;
  const ChunkPlan plan{{"1", "2"}, 1};
  queue.offer_chunks(plan, identity());
  queue.announce({});
  queue.choose({plan, {0, 1, 2}, true});
  EXPECT_TRUE(queue.begin_range(0));
  EXPECT_TRUE(queue.begin_range(1));
  std::atomic<bool> has_begun{false};
  std::thread ahead([&] {
    EXPECT_TRUE(queue.begin_range(2));
    has_begun = true;
    EXPECT_FALSE(queue.begin_range(9)) << "where another reader has failed";
  });
  queue.end_range(0);
  EXPECT_TRUE(queue.next(std::chrono::seconds(10)).is_chunk_end);
  EXPECT_FALSE(has_begun) << "the first chunk is being committed";
  (void)queue.next(std::chrono::milliseconds(1));
  EXPECT_TRUE(osiris::test::eventually([&] { return has_begun.load(); }));
  queue.close();
  ahead.join();
}

TEST(RowQueue, AReaderThatIsNotWantedIsTold) {
  RowQueue queue;
  queue.offer_chunks(ChunkPlan{{"1"}, 1}, identity());
  queue.announce({});
  std::thread reader([&] { EXPECT_FALSE(queue.choice()); });
  queue.close();
  reader.join();
  EXPECT_FALSE(queue.offer(batch_of(3, 1)));
}

TEST(RowQueue, WithoutAChoiceAllRowsAreOne) {
  RowQueue queue;
  queue.offer_chunks(ChunkPlan{{"1"}, 1}, identity());
  queue.announce({});
  queue.choose_all();
  const auto choice = queue.choice();
  ASSERT_TRUE(choice);
  EXPECT_FALSE(choice->by_chunk);
  EXPECT_TRUE(queue.offer(batch_of(0, 3)));
  queue.end_range(0);
  queue.finish({});
  EXPECT_EQ(queue.next(std::chrono::seconds(10)).batch->rows, 3u);
  EXPECT_TRUE(queue.next(std::chrono::seconds(10)).end);
}

}  // namespace
}  // namespace osiris::worker::db
