// verify: full of more rows than one piece: the pages that are full are read back while the rest is written.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/drivers/changed_rows.h"
#include "tests/drivers/postgres.writer/writing.h"
#include "worker/drivers/postgres.writer/byte_buffer.h"

namespace osiris::worker::test {
namespace pieces {
namespace {

constexpr char kNeedle[] = "needle", kOther[] = "noodle";
constexpr int kRows = 100'000;

// About 24 MiB, six pieces. Of twenty rows from `first` on the text begins with kNeedle.
std::string rows_with_needles(int first) {
  return "SELECT i::INTEGER AS id, CASE WHEN i BETWEEN " + std::to_string(first) + " AND " +
         std::to_string(first + 20) + " THEN '" + kNeedle +
         "' ELSE 'plain' END || repeat('x', 200) AS note FROM range(" + std::to_string(kRows) + ") t(i)";
}

struct Said {
  std::string outcome;
  std::vector<std::string> read_back;  // statements
  size_t whole() const {
    return static_cast<size_t>(std::count_if(read_back.begin(), read_back.end(), [](const std::string& line) {
      return line.find("ctid") == std::string::npos;
    }));
  }
};

Said write(const std::string& rows, const char* table, const char* mode, int64_t port) {
  WriteStep step(rows, {{"table", table}, {"write_mode", mode}, {"verify", "full"}, {"echo", true}},
                 {{"port", port}, {"sslmode", "disable"}});
  Said said;
  said.outcome = step.outcome();
  for (const std::string& line : step.logs())
    if (line.find("TO STDOUT") != std::string::npos) said.read_back.push_back(line);
  return said;
}

void make_table() {
  in_shop("DROP TABLE IF EXISTS pieces; CREATE TABLE pieces (id int, note text); INSERT INTO pieces VALUES (-1)");
}

TEST(PostgresReadBack, FindsAChangeInAnyPiece) {
  make_table();
  const std::vector<std::pair<int, const char*>> places = {
      {50, "append"}, {kRows / 2, "replace"}, {kRows - 60, "append"}};
  for (const auto& [first, mode] : places) {
    ChangingProxy changing(
        plain_postgres().port(), [](const std::string& sent) { return sent.rfind(kNeedle); },
        [](std::string& sent, size_t begin) {
          sent.replace(begin, sizeof kOther - 1, kOther);
          return true;
        });
    const Said said = write(rows_with_needles(first), "pieces", mode, changing.port());
    EXPECT_TRUE(changing.has_changed());
    EXPECT_NE(said.outcome.find("holds other values than were handed over, in column 'note'"), std::string::npos)
        << first << said.outcome;
    EXPECT_EQ(ask_shop("SELECT count(*), min(id) FROM pieces"), "1|-1\n");
  }
}

TEST(PostgresReadBack, ReadsEachPageOnceWhileTheNextRowsAreMade) {
  make_table();
  for (const char* mode : {"append", "replace", "truncate", "upsert"}) {
    const bool is_upsert = std::string(mode) == "upsert";
    if (is_upsert) in_shop("DELETE FROM pieces; ALTER TABLE pieces ADD PRIMARY KEY (id)");
    WriteStep step(rows_with_needles(0), {{"table", "pieces"},
                                          {"write_mode", mode},
                                          {"primary_key", is_upsert ? Json("id") : Json()},
                                          {"verify", "full"},
                                          {"echo", true}});
    EXPECT_EQ(step.outcome(), "ok " + std::to_string(kRows));
    size_t pieces = 0, whole = 0;
    for (const std::string& line : step.logs()) {
      if (line.find("TO STDOUT") == std::string::npos) continue;
      ++(line.find("ctid") == std::string::npos ? whole : pieces);
    }
    EXPECT_GE(pieces, 2u) << mode;  // more where the server answers soon
    EXPECT_EQ(whole, 0u) << mode;
  }
}

// Free room of pages that were there takes rows too.
TEST(PostgresReadBack, FindsItsRowsOnPagesThatWereThere) {
  make_table();
  in_shop("INSERT INTO pieces SELECT i, repeat('y', 200) FROM generate_series(1, 50000) i");
  in_shop("DELETE FROM pieces WHERE id % 3 <> 0");
  ASSERT_TRUE(plain_postgres().execute("VACUUM pieces", "shop").ok());
  const Said said = write(rows_with_needles(0), "pieces", "append", plain_postgres().port());
  EXPECT_EQ(said.outcome, "ok " + std::to_string(kRows));
  EXPECT_GE(said.read_back.size(), 2u);
  EXPECT_EQ(said.whole(), 0u);
  EXPECT_NE(ask_shop("SELECT count(*) FROM pieces WHERE ctid < '(500,0)' AND left(note, 1) <> 'y'"), "0\n")
      << "the free room was not used, so this tests nothing";
}

// What acts on rows that are there may change those of a piece that was read.
TEST(PostgresReadBack, IsAtTheEndWhereSomethingActsOnTheTable) {
  make_table();
  in_shop(
      "CREATE OR REPLACE FUNCTION passes() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$; CREATE "
      "TRIGGER passes BEFORE INSERT ON pieces FOR EACH ROW EXECUTE FUNCTION passes()");
  const Said said = write(rows_with_needles(0), "pieces", "truncate", plain_postgres().port());
  EXPECT_EQ(said.outcome, "ok " + std::to_string(kRows));
  EXPECT_EQ(said.read_back.size(), 1u);
  EXPECT_EQ(said.whole(), 1u);
}

// The rows that are named are those of the whole input, wherever the server is.
TEST(PostgresReadBack, NamesTheRowThatTheServerRefuses) {
  make_table();
  in_shop("ALTER TABLE pieces ADD CHECK (id <> 90000)");
  const Said said = write(rows_with_needles(0), "pieces", "append", plain_postgres().port());
  EXPECT_NE(said.outcome.find("row 90001"), std::string::npos) << said.outcome;
  EXPECT_EQ(ask_shop("SELECT count(*) FROM pieces"), "1\n");
}

TEST(PostgresBytes, OfALargeValueTakeLittleMoreMemoryThanItHas) {
  postgres::ByteBuffer bytes;
  bytes.extend(size_t{200} << 20);
  bytes.push_back('x');
  EXPECT_LE(bytes.room(), size_t{264} << 20);
}

TEST(PostgresBytes, SayHowLongTheirRowIsBeforeItIsThere) {
  const std::string two("\0\2", 2), three("\0\0\0\3", 4), null(4, '\xff');
  EXPECT_EQ(postgres::row_bytes_at_least(""), 2u);
  EXPECT_EQ(postgres::row_bytes_at_least(two), 6u);
  EXPECT_EQ(postgres::row_bytes_at_least(two + three), 9u);
  EXPECT_EQ(postgres::row_bytes_at_least(two + three + "abc"), 13u);
  EXPECT_EQ(postgres::row_bytes_at_least(two + null), 10u);
  EXPECT_EQ(postgres::row_bytes_at_least(two + null + three), 13u);
  EXPECT_EQ(postgres::row_bytes_at_least(two + null + three + "abcde"), 13u);
}

// The value is more than the buffers that take pieces of it.
TEST(PostgresReadBack, TakesAValueOfManyMegabytes) {
  in_shop("DROP TABLE IF EXISTS wide; CREATE TABLE wide (id int, note text, more text)");
  const Said said = write(
      "SELECT i::INTEGER AS id, repeat(chr((97 + i)::INTEGER), 20000000 + i::INTEGER) AS note, 'm' AS more FROM "
      "range(3) "
      "t(i)",
      "wide", "append", plain_postgres().port());
  EXPECT_EQ(said.outcome, "ok 3");
  EXPECT_EQ(ask_shop("SELECT id, length(note), left(note, 1) || right(note, 1), more FROM wide ORDER BY id"),
            "0|20000000|aa|m\n1|20000001|bb|m\n2|20000002|cc|m\n");
}

}  // namespace
}  // namespace pieces
}  // namespace osiris::worker::test
