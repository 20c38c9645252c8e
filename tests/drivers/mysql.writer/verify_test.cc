// verify: full. Rows that are changed on their way to the server, one by one in many ways, and rows that are not.
#include <functional>

#include "protocol/base/text.h"
#include "tests/drivers/changed_rows.h"
#include "tests/drivers/mysql.writer/writing.h"
#include "worker/drivers/mysql.writer/value_form.h"

namespace osiris::worker::test {
namespace {

using mysql::one_form;
using mysql::ValueForm;
using Rows = std::vector<std::vector<std::string>>;
using ChangeOfRows = RowsChange<std::string>;

constexpr char kRows[] =
    "SELECT i::INTEGER AS id, (i * 7919)::BIGINT AS big, i * 3 AS other, 'row ' || i AS name, 'note ' || (9 - i) AS "
    "note, (i * 1.5)::DECIMAL(10,2) AS price, i / 3.0::DOUBLE AS share, DATE '2024-02-20' + i::INTEGER AS day, "
    "TIMESTAMP '2024-02-29 12:00:00.5' + to_hours(i) AS at, ('\\x41' || i)::BLOB AS raw FROM range(1, 7) t(i)";
constexpr size_t kColumns = 10;

// The rows in bytes that a client sends, which begin at `start`, changed; false where they are not all there. They are
// one packet of LOAD DATA LOCAL: three bytes of length, its number, lines.
bool change_rows(std::string& bytes, size_t start, const ChangeOfRows& change) {
  const auto byte = [&](size_t at) { return static_cast<size_t>(static_cast<unsigned char>(bytes[at])); };
  const size_t end = start + (byte(start - 4) | byte(start - 3) << 8 | byte(start - 2) << 16);
  if (end > bytes.size()) return false;
  Rows rows;
  for (const std::string& line : split(bytes.substr(start, end - start - 1), '\n')) rows.push_back(split(line, '\t'));
  change(rows);
  std::string made;
  for (const auto& row : rows) made += join(row, "\t") + "\n";
  std::string head = bytes.substr(0, start);
  for (size_t i = 0; i < 3; ++i) head[start - 4 + i] = static_cast<char>(made.size() >> (8 * i));
  bytes = head + made + bytes.substr(end);
  return true;
}

class Changing : public ChangingProxy {
 public:
  // `first`: what the rows begin with.
  explicit Changing(ChangeOfRows change, std::string first = "1\t7919\t3\trow 1")
      : ChangingProxy(
            loading_server().port(), [first = std::move(first)](const std::string& sent) { return sent.find(first); },
            [change = std::move(change)](std::string& sent, size_t begin) {
              return change_rows(sent, begin, change);
            }) {}
  std::string outcome(const std::string& mode, const std::string& verify, const char* rows = kRows,
                      const char* table = "checked") {
    return MysqlWriteStep(rows, {{"table", table}, {"write_mode", mode}, {"verify", verify}, {"primary_key", "id"}},
                          loading_server(), {{"port", port()}, {"ssl_mode", "disabled"}})
        .outcome();
  }
};

NamedChanges<std::string> changes() {
  auto all = changes_of_rows<std::string>(kColumns);
  for (size_t i = 0; i < kColumns; ++i)
    all.emplace_back("column " + std::to_string(i) + " last byte", [i](auto& rows) { rows[2][i].back() ^= 0x01; });
  return all;
}

void make_table() {
  in_database(
      "CREATE OR REPLACE TABLE checked (id int, big bigint, other bigint, name text, note varchar(20), price "
      "decimal(12,4), share double, day date, at datetime(6), raw blob, PRIMARY KEY (id)); INSERT INTO checked (id) "
      "VALUES (-1)");
}

TEST(MysqlVerify, FindsEveryChange) {
  make_table();
  const auto all = changes();
  EXPECT_GE(all.size(), 40u);
  size_t by_fingerprint = 0;
  const std::vector<std::string> modes = {"append", "replace", "truncate", "upsert"};
  for (size_t i = 0; i < all.size(); ++i) {
    Changing changing(all[i].second);
    const std::string said = changing.outcome(modes[i / 2 % 4], "full");
    EXPECT_TRUE(changing.has_changed()) << all[i].first;
    EXPECT_NE(said.substr(0, 3), "ok ") << all[i].first;
    if (said.find("than were handed over") != std::string::npos) ++by_fingerprint;
    EXPECT_EQ(ask_database("SELECT COUNT(*), MIN(id) FROM shop.checked"), "1|-1\n") << all[i].first << said;
  }
  // The others are no values of their types, NULL in a key, or not as many rows.
  EXPECT_GE(by_fingerprint, 35u);
}

TEST(MysqlVerify, NamesTheTableAndTheColumn) {
  make_table();
  Changing note([](Rows& rows) { rows[2][4][0] = 'N'; });
  std::string said = note.outcome("append", "full");
  EXPECT_NE(said.find("table checked holds other values than were handed over, in column 'note' (fingerprints"),
            std::string::npos)
      << said;
  Changing mixed([](Rows& rows) { std::swap(rows[1][4], rows[2][4]); });
  said = mixed.outcome("replace", "full");
  EXPECT_NE(said.find("holds values in other rows than were handed over (fingerprints"), std::string::npos) << said;
  // What counting sees of it.
  Changing counted([](Rows& rows) { rows[2][4][0] = 'N'; });
  EXPECT_EQ(counted.outcome("replace", "count"), "ok 6");
}

// Texts of JSON, and addresses, which the server writes anew.
TEST(MysqlVerify, FindsChangedJsonAndAddresses) {
  constexpr char kDocuments[] =
      "SELECT i AS id, ('{\"b\":' || i || ',\"a\":[null,\"x' || i || '\"]}')::JSON AS doc, '2001:DB8::0:' || i AS six, "
      "'10.0.0.' || i AS four FROM range(1, 7) t(i)";
  in_database(
      "CREATE OR REPLACE TABLE documents (id bigint PRIMARY KEY, doc JSON, six INET6, four INET4); INSERT INTO "
      "documents "
      "(id) VALUES (-1)");
  const auto replaced = [](size_t column, std::string from, std::string to) -> ChangeOfRows {
    return [=](Rows& rows) {
      const size_t at = rows[2][column].find(from);
      ASSERT_NE(at, std::string::npos) << rows[2][column];
      rows[2][column].replace(at, from.size(), to);
    };
  };
  const std::vector<std::pair<std::string, ChangeOfRows>> all = {{"doc", replaced(1, "\"b\":3", "\"b\":4")},
                                                                 {"doc", replaced(1, "\"a\"", "\"c\"")},
                                                                 {"doc", replaced(1, "x3", "y3")},
                                                                 {"doc", replaced(1, "null", "true")},
                                                                 {"doc", replaced(1, "null,", "")},
                                                                 {"doc", [](Rows& rows) { rows[2][1] = "null"; }},
                                                                 {"doc", [](Rows& rows) { rows[2][1] = "\\N"; }},
                                                                 {"six", replaced(2, "0:3", "0:4")},
                                                                 {"six", replaced(2, "2001", "2002")},
                                                                 {"four", replaced(3, "0.3", "0.4")},
                                                                 {"four", replaced(3, "10.", "11.")},
                                                                 {"four", [](Rows& rows) { rows[2][3] = "\\N"; }}};
  for (size_t i = 0; i < all.size(); ++i) {
    Changing changing(all[i].second, "1\t{\"b\":1");
    const std::string said = changing.outcome(i % 2 == 0 ? "append" : "replace", "full", kDocuments, "documents");
    EXPECT_TRUE(changing.has_changed()) << i;
    EXPECT_NE(said.find("holds other values than were handed over, in column '" + all[i].first), std::string::npos)
        << i << said;
    EXPECT_EQ(ask_database("SELECT COUNT(*), MIN(id) FROM shop.documents"), "1|-1\n") << i << said;
  }
  EXPECT_EQ(MysqlWriteStep(kDocuments, {{"table", "documents"}, {"verify", "full"}}).outcome(), "ok 6");
}

TEST(MysqlVerify, PassesRowsThatArrive) {
  const std::vector<std::string> modes = {"append", "replace", "truncate", "upsert"};
  for (int i = 0; i < 200; ++i) {
    const std::string& mode = modes[static_cast<size_t>(i) % 4];
    const std::string rows = std::to_string(i * 13 % 300);
    auto& server = i % 8 < 4 ? loading_server() : inserting_server();
    MysqlWriteStep step("SELECT i::INTEGER AS id, CASE WHEN i % 3 = 0 THEN NULL ELSE 'ä\\' || hash(i + " +
                            std::to_string(i) +
                            ") END AS name, (hash(i) % 100000 / 7)::DECIMAL(20,4) AS price, sqrt(i) AS share, "
                            "sqrt(i)::FLOAT AS half, to_json({'a': i}) AS doc, (hash(i)::VARCHAR)::BLOB AS raw FROM "
                            "range(" +
                            rows + ") t(i)",
                        {{"table", mode == "append" ? "clean_append" : "clean"},
                         {"write_mode", mode},
                         {"create_table", true},
                         {"primary_key", "id"},
                         {"verify", "full"}},
                        server);
    if (mode == "append") in_database("DROP TABLE IF EXISTS clean_append", server);
    ASSERT_EQ(step.outcome(), "ok " + rows) << i << mode;
    ASSERT_EQ(step.events().back().name, "rows_verified");
    EXPECT_EQ(step.events().back().fields["rows"].as_int(), i * 13 % 300);
  }
}

TEST(ValueForm, IsOfTheValueAlone) {
  const auto same = [](ValueForm form, const char* a, const char* b) { return one_form(form, a) == one_form(form, b); };
  EXPECT_TRUE(same(ValueForm::kNumber, "1.5", "1.500"));
  EXPECT_TRUE(same(ValueForm::kNumber, "7", "00007"));
  EXPECT_TRUE(same(ValueForm::kNumber, "-0.00", "0"));
  EXPECT_TRUE(same(ValueForm::kNumber, "0.5", "0.50"));
  EXPECT_FALSE(same(ValueForm::kNumber, "100", "1"));
  EXPECT_FALSE(same(ValueForm::kNumber, "-1", "1"));
  EXPECT_TRUE(same(ValueForm::kDouble, "1e+20", "1e20"));
  EXPECT_FALSE(same(ValueForm::kDouble, "0.1", "0.10000000000000002"));
  EXPECT_TRUE(same(ValueForm::kFloat, "0.1", "0.10000000149011612"));
  EXPECT_TRUE(same(ValueForm::kDateTime, "2024-01-01", "2024-01-01 00:00:00.000000"));
  EXPECT_TRUE(same(ValueForm::kDateTime, "2024-01-01 10:00:00.5", "2024-01-01 10:00:00.500"));
  EXPECT_FALSE(same(ValueForm::kDateTime, "2024-01-01", "2024-01-01 00:00:00.000001"));
  EXPECT_TRUE(same(ValueForm::kTime, "01:00:00", "01:00:00.000000"));
  EXPECT_TRUE(same(ValueForm::kBlankPadded, "a", "a  "));
  EXPECT_FALSE(same(ValueForm::kExact, "a", "a "));
  EXPECT_TRUE(same(ValueForm::kJson, "{\"b\":1,\"a\":[1.0]}", "{\"a\": [1.0], \"b\": 1}"));
  EXPECT_FALSE(same(ValueForm::kJson, "{\"a\":[1.0]}", "{\"a\":[1.1]}"));
  EXPECT_TRUE(same(ValueForm::kAddress, "2001:DB8::0:1", "2001:db8::1"));
  EXPECT_TRUE(same(ValueForm::kAddress, "::ffff:10.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(same(ValueForm::kAddress, "10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(mysql::form_of_type("json"), ValueForm::kJson);
  EXPECT_EQ(mysql::form_of_type("INET6"), ValueForm::kAddress);
  EXPECT_EQ(mysql::form_of_type("DECIMAL(10,2)"), ValueForm::kNumber);
  EXPECT_EQ(mysql::form_of_type("int(11) unsigned"), ValueForm::kNumber);
  EXPECT_EQ(mysql::form_of_type("varchar(5)"), ValueForm::kExact);
}

}  // namespace
}  // namespace osiris::worker::test
