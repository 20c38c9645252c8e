// verify: full. Rows that are changed on their way to the server, one by one in many ways, and rows that are not.
#include <mutex>
#include <optional>

#include "tests/drivers/changed_rows.h"
#include "tests/drivers/postgres.writer/writing.h"
#include "worker/drivers/db/fingerprint.h"
#include "worker/drivers/db/json_form.h"
#include "worker/drivers/postgres.writer/copied_rows.h"
#include "worker/drivers/postgres.writer/xml_form.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::test {
namespace {

using db::Fingerprint;
using Value = std::optional<std::string>;
using Values = std::vector<Value>;
using ChangeOfRows = RowsChange<Value>;

constexpr char kRows[] =
    "SELECT i::INTEGER AS id, (i * 7919)::BIGINT AS big, i * 3 AS other, 'row ' || i AS name, 'note ' || (9 - i) AS "
    "note, (i * 1.5)::DECIMAL(10,2) AS price, i / 3.0::DOUBLE AS share, DATE '2024-02-20' + i::INTEGER AS day, "
    "TIMESTAMP '2024-02-29 12:00:00.5' + to_hours(i) AS at, ('\\x00' || i)::BLOB AS raw FROM range(1, 7) t(i)";
constexpr size_t kColumns = 10, kPrice = 5;

template <class Number>
std::string big(Number number) {
  const Number bytes = postgres::big_endian(number);
  return {reinterpret_cast<const char*>(&bytes), sizeof bytes};
}

// The rows in bytes that a client sends, which begin at `signature`, changed; false where they are not all there. They
// are one message of COPY, behind that of the header.
bool change_rows(std::string& bytes, size_t signature, const ChangeOfRows& change) {
  const size_t start = signature + postgres::kCopyHeaderBytes;
  if (bytes.size() < start + 5) return false;
  const size_t end = start + 1 + static_cast<size_t>(postgres::read_big<int32_t>(bytes.data() + start + 1));
  if (bytes.size() < end) return false;
  std::vector<Values> rows;
  for (size_t at = start + 5; at < end;) {
    Values& row = rows.emplace_back();
    const auto columns = postgres::read_big<int16_t>(bytes.data() + at);
    at += 2;
    for (int i = 0; i < columns; ++i) {
      const auto size = postgres::read_big<int32_t>(bytes.data() + at);
      at += 4;
      row.push_back(size < 0 ? std::nullopt : std::optional(bytes.substr(at, static_cast<size_t>(size))));
      at += static_cast<size_t>(std::max(size, 0));
    }
  }
  change(rows);
  std::string made;
  for (const Values& row : rows) {
    made += big(static_cast<int16_t>(row.size()));
    for (const auto& value : row) made += value ? big(static_cast<int32_t>(value->size())) + *value : big(int32_t{-1});
  }
  bytes = bytes.substr(0, start) + "d" + big(static_cast<int32_t>(made.size() + 4)) + made + bytes.substr(end);
  return true;
}

class Changing : public ChangingProxy {
 public:
  explicit Changing(ChangeOfRows change)
      : ChangingProxy(
            plain_postgres().port(),
            [](const std::string& sent) {
              return sent.find(std::string(postgres::kCopySignature, postgres::kCopySignatureBytes));
            },
            [change = std::move(change)](std::string& sent, size_t begin) {
              return change_rows(sent, begin, change);
            }) {}
  std::string outcome(const std::string& mode, const std::string& verify, const char* rows = kRows,
                      const char* table = "checked") {
    return WriteStep(rows, {{"table", table}, {"write_mode", mode}, {"verify", verify}},
                     {{"port", port()}, {"sslmode", "disable"}})
        .outcome();
  }
};

NamedChanges<Value> changes() {
  auto all = changes_of_rows<Value>(kColumns);
  for (size_t i = 0; i < kColumns; ++i)
    // What a numeric has beyond its scale the server cuts off again; the byte before is within it.
    all.emplace_back("column " + std::to_string(i) + " last byte", [i](auto& rows) {
      std::string& value = *rows[2][i];
      value[value.size() - (i == kPrice ? 2 : 1)] ^= i == kPrice ? 0x01 : 0x40;
    });
  all.emplace_back("a row in another's place", [](auto& rows) { rows[1] = rows[2]; });
  all.emplace_back("bytes are more", [](auto& rows) { *rows[5][9] += '\0'; });
  all.emplace_back("a price is another", [](auto& rows) { rows[0][kPrice] = rows[1][kPrice]; });
  return all;
}

void make_table() {
  in_shop(
      "DROP TABLE IF EXISTS checked; CREATE TABLE checked (id int, big bigint, other bigint, name text, note text, "
      "price numeric(12,4), share float8, day date, at timestamp, raw bytea); INSERT INTO checked (id) VALUES (-1)");
}

TEST(PostgresVerify, FindsEveryChange) {
  make_table();
  const auto all = changes();
  EXPECT_GE(all.size(), 40u);
  size_t by_fingerprint = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    Changing changing(all[i].second);
    const std::string mode = i % 3 == 0 ? "append" : i % 3 == 1 ? "replace" : "truncate";
    const std::string said = changing.outcome(mode, "full");
    EXPECT_TRUE(changing.has_changed()) << all[i].first;
    EXPECT_NE(said.substr(0, 3), "ok ") << all[i].first;
    if (said.find("than were handed over") != std::string::npos) ++by_fingerprint;
    EXPECT_EQ(ask_shop("SELECT count(*), min(id) FROM checked"), "1|-1\n") << all[i].first << said;
  }
  // The others are no values of their types, or not as many rows.
  EXPECT_GE(by_fingerprint, 35u);
}

TEST(PostgresVerify, NamesTheTableAndTheColumn) {
  make_table();
  Changing note([](auto& rows) { (*rows[2][4])[0] = 'N'; });
  std::string said = note.outcome("append", "full");
  EXPECT_NE(said.find("table public.checked holds other values than were handed over, in column 'note' (fingerprints"),
            std::string::npos)
      << said;
  Changing mixed([](auto& rows) { std::swap(rows[1][4], rows[2][4]); });
  said = mixed.outcome("replace", "full");
  EXPECT_NE(said.find("holds values in other rows than were handed over (fingerprints"), std::string::npos) << said;
  // What counting sees of it.
  Changing counted([](auto& rows) { (*rows[2][4])[0] = 'N'; });
  EXPECT_EQ(counted.outcome("replace", "count"), "ok 6");
}

TEST(PostgresVerify, PassesRowsThatArrive) {
  make_table();
  for (int i = 0; i < 200; ++i) {
    const std::string mode = i % 4 == 0 ? "append" : i % 4 == 1 ? "replace" : i % 4 == 2 ? "truncate" : "upsert";
    const std::string rows = std::to_string(i * 13 % 300);
    WriteStep step("SELECT i::INTEGER AS id, CASE WHEN i % 3 = 0 THEN NULL ELSE 'ä' || hash(i + " + std::to_string(i) +
                       ") END AS name, (hash(i) % 100000 / 7)::DECIMAL(20,4) AS price, sqrt(i) AS share, "
                       "[hash(i) % 100, NULL]::BIGINT[] AS list, to_json({'a': i}) AS doc FROM range(" +
                       rows + ") t(i)",
                   {{"table", mode == "append" ? "clean_append" : "clean"},
                    {"write_mode", mode},
                    {"primary_key", "id"},
                    {"verify", "full"}});
    if (mode == "append") in_shop("DROP TABLE IF EXISTS clean_append");
    ASSERT_EQ(step.outcome(), "ok " + rows) << i << mode;
    ASSERT_EQ(step.events().back().name, "rows_verified");
    EXPECT_EQ(step.events().back().fields["rows"].as_int(), i * 13 % 300);
  }
}

// Their rows are written once, and told from what was there; those of others are held back, as are those of a table on
// which something of its own acts.
TEST(PostgresVerify, ComparesAnAppendWhereItIs) {
  in_shop(
      "DROP TABLE IF EXISTS beside; CREATE TABLE beside (id int, name text); INSERT INTO beside VALUES (1, 'b'); "
      "CREATE "
      "FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$");
  const auto append = [] {
    WriteStep step("SELECT i::INTEGER AS id, 'b' AS name FROM range(1, 4) t(i)",
                   {{"table", "beside"}, {"write_mode", "append"}, {"verify", "full"}, {"echo", true}});
    EXPECT_EQ(step.outcome(), "ok 3");
    bool is_held_back = false;
    for (const std::string& line : step.logs()) is_held_back |= line.find("osiris_rows") != std::string::npos;
    return is_held_back;
  };
  EXPECT_FALSE(append());
  EXPECT_FALSE(append());
  EXPECT_EQ(ask_shop("SELECT count(*), count(DISTINCT xmin::text) FROM beside"), "7|3\n");
  in_shop("CREATE TRIGGER nothing BEFORE INSERT ON beside FOR EACH ROW EXECUTE FUNCTION nothing()");
  EXPECT_TRUE(append());
  in_shop(
      "DROP TABLE beside; CREATE TABLE beside (id int, name text); CREATE RULE nothing AS ON UPDATE TO beside DO ALSO "
      "SELECT 1");
  EXPECT_TRUE(append());
  EXPECT_EQ(ask_shop("SELECT count(*) FROM beside"), "3\n");
}

TEST(PostgresVerify, FindsATriggerThatChangesRows) {
  in_shop(
      "CREATE TABLE loud (id int, name text); CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN NEW.name = upper(NEW.name); RETURN NEW; END$$; CREATE TRIGGER shout BEFORE INSERT ON loud FOR EACH ROW "
      "EXECUTE FUNCTION shout(); INSERT INTO loud VALUES (0, 'a')");
  const std::string said = WriteStep("SELECT 1::INTEGER AS id, 'b' AS name",
                                     {{"table", "loud"}, {"write_mode", "replace"}, {"verify", "full"}})
                               .outcome();
  EXPECT_NE(said.find("in column 'name'"), std::string::npos) << said;
  EXPECT_EQ(ask_shop("SELECT name FROM loud"), "A\n");
}

// Documents that the server parses and writes anew.
constexpr char kDocuments[] =
    "SELECT i AS id, ('{\"b\": ' || i || '.50,  \"a\": [\"x' || i || '\", null, true], \"b\": ' || i || '.5}')::JSON "
    "AS "
    "doc, '<?xml version=\"1.0\"?>' || chr(10) || '<p>' || i || '</p>' AS page FROM range(1, 7) t(i)";
constexpr size_t kDoc = 1, kPage = 2;

ChangeOfRows replaced(size_t column, const std::string& from, const std::string& to) {
  return [=](std::vector<Values>& rows) {
    std::string& value = *rows[2][column];
    const size_t at = value.rfind(from);
    ASSERT_NE(at, std::string::npos) << from;
    value.replace(at, from.size(), to);
  };
}

void make_documents() {
  in_shop(
      "DROP TABLE IF EXISTS documents; CREATE TABLE documents (id bigint, doc jsonb, page xml); INSERT INTO documents "
      "(id) VALUES (-1)");
}

TEST(PostgresVerify, FindsEveryChangedValueOfJsonAndXml) {
  make_documents();
  const std::vector<std::pair<size_t, ChangeOfRows>> all = {
      {kDoc, replaced(kDoc, "3.5}", "3.51}")},
      {kDoc, replaced(kDoc, "3.5}", "35}")},
      {kDoc, replaced(kDoc, "3.5}", "-3.5}")},
      {kDoc, replaced(kDoc, "3.5}", "\"3.5\"}")},
      {kDoc, replaced(kDoc, "\"a\"", "\"c\"")},
      {kDoc, replaced(kDoc, "x3", "y3")},
      {kDoc, replaced(kDoc, "x3", "x3 ")},
      {kDoc, replaced(kDoc, "null", "0")},
      {kDoc, replaced(kDoc, "true", "false")},
      {kDoc, replaced(kDoc, ", true", "")},
      {kDoc, replaced(kDoc, "null, true", "true, null")},
      {kDoc, replaced(kDoc, "[\"x3\", null, true]", "{}")},
      {kDoc, [](auto& rows) { rows[2][kDoc] = std::string("\1null"); }},
      {kDoc, [](auto& rows) { rows[2][kDoc] = std::string("\1{}"); }},
      {kDoc, [](auto& rows) { rows[2][kDoc].reset(); }},
      {kDoc, [](auto& rows) { rows[2][kDoc] = rows[3][kDoc]; }},
      {kPage, replaced(kPage, "3", "4")},
      {kPage, replaced(kPage, "<p>", "<p a=\"1\">")},
      {kPage, replaced(kPage, "</p>", "<!-- --></p>")},
      {kPage, replaced(kPage, "</p>", " </p>")},
      {kPage, replaced(kPage, "version=\"1.0\"", "version=\"1.0\" standalone=\"yes\"")},
      {kPage, [](auto& rows) { rows[2][kPage].reset(); }}};
  for (size_t i = 0; i < all.size(); ++i) {
    Changing changing(all[i].second);
    const std::string said = changing.outcome(i % 2 == 0 ? "append" : "replace", "full", kDocuments, "documents");
    EXPECT_TRUE(changing.has_changed()) << i;
    const std::string column = all[i].first == kDoc ? "'doc'" : "'page'";
    EXPECT_NE(said.find("holds other values than were handed over, in column " + column), std::string::npos)
        << i << said;
    EXPECT_EQ(ask_shop("SELECT count(*), min(id) FROM documents"), "1|-1\n") << i << said;
  }
}

TEST(PostgresVerify, PassesJsonAndXmlThatTheServerWritesAnew) {
  make_documents();
  // Blanks, the order of keys, zeros at the end of a number, an escape: one value.
  for (const ChangeOfRows& change :
       {replaced(kDoc, "3.5}", "3.500  }"), replaced(kDoc, "x3", "\\u00783"), replaced(kDoc, "\"b\": 3.50,", ""),
        ChangeOfRows([](auto& rows) { rows[2][kDoc] = std::string("\1{\"a\":[\"x3\",null,true],\"b\":35e-1}"); }),
        replaced(kPage, "<?xml version=\"1.0\"?>", "")}) {
    Changing changing(change);
    EXPECT_EQ(changing.outcome("replace", "full", kDocuments, "documents"), "ok 6");
    EXPECT_TRUE(changing.has_changed());
  }
  EXPECT_EQ(ask_shop("SELECT doc, page FROM documents WHERE id = 3"),
            "{\"a\": [\"x3\", null, true], \"b\": 3.5}|<p>3</p>\n");
}

TEST(PostgresXml, InAnotherEncodingThanItSaysIsRefused) {
  make_documents();
  const auto outcome = [](const std::string& page) {
    return WriteStep("SELECT 1::BIGINT AS id, '" + page + "' AS page", {{"table", "documents"}}).outcome();
  };
  EXPECT_NE(outcome("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><p>ä</p>")
                .find("column 'page', row 1: its XML declaration names another encoding"),
            std::string::npos);
  EXPECT_EQ(outcome("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><p>a</p>"), "ok 1");
  EXPECT_EQ(outcome("<?xml version=\"1.0\" encoding=\"UTF-8\"?><p>ä</p>"), "ok 1");
}

TEST(CanonicalXml, LeavesOutWhatTheServerWritesItself) {
  using postgres::canonical_xml;
  EXPECT_EQ(canonical_xml("<?xml version='1.0' encoding=\"UTF-8\"?>\n\n<a/>"), "<a/>");
  EXPECT_EQ(canonical_xml("\n<a/>"), canonical_xml("<a/>"));
  EXPECT_EQ(canonical_xml("<?xml-stylesheet href='version'?><a/>"), "<?xml-stylesheet href='version'?><a/>");
  EXPECT_NE(canonical_xml("<?xml version=\"1.1\"?><a/>"), canonical_xml("<?xml version=\"1.0\"?><a/>"));
  EXPECT_NE(canonical_xml("<?xml version=\"1.0\" standalone=\"yes\"?><a/>"), canonical_xml("<a/>"));
  EXPECT_EQ(canonical_xml("<?xml"), "<?xml");
  EXPECT_EQ(canonical_xml("<?xml version=\"1.0"), "<?xml version=\"1.0");
}

TEST(CanonicalJson, IsOfTheValueAlone) {
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  const std::string wide = "[" + std::string(500, ' ') + "\"" + std::string(500, 'x') + "\"]";
  const std::vector<std::pair<std::string, std::string>> same = {
      {"{\"b\":1,\"a\":2}", " { \"a\" : 2.0,\n\"b\":10e-1 } "},
      {"{\"a\":1,\"a\":2}", "{\"a\":2}"},
      {"[0, -0, 0.00, 0e9]", "[0,0,0,0]"},
      {"\"\\u00e4\\n\\/\"", "\"ä\\n/\""},
      {"\"\\ud83d\\ude00\"", "\"😀\""},
      {"12345678901234567890123456789.10", "12345678901234567890123456789.1"},
      {"1e20", "100000000000000000000"},
      {deep, " " + deep},
      {wide, "[\"" + std::string(500, 'x') + "\"]"}};
  for (const auto& [a, b] : same) EXPECT_EQ(db::canonical_json(a), db::canonical_json(b)) << a.substr(0, 60);
  const std::vector<std::pair<std::string, std::string>> others = {
      {"{\"a\":1}", "{\"a\":\"1\"}"},
      {"[1,2]", "[2,1]"},
      {"[[1],2]", "[[1,2]]"},
      {"{\"a\":null}", "{}"},
      {"[]", "{}"},
      {"[null]", "[]"},
      {"\"null\"", "null"},
      {"12345678901234567890123456789", "12345678901234567890123456788"},
      {"1e20", "1e21"},
      {"-1", "1"},
      {"\"a\"", "\"A\""},
      {"{\"ab\":\"c\"}", "{\"a\":\"bc\"}"},
      {deep, "[" + deep + "]"},
      {wide, "[\"" + std::string(499, 'x') + "y\"]"}};
  for (const auto& [a, b] : others) EXPECT_NE(db::canonical_json(a), db::canonical_json(b)) << a.substr(0, 60);
  // What is none is its own form, and no crash.
  for (const char* text : {"",         " ",          "{",           "[",    "[1,",   "{\"a\"", "{\"a\":",
                           "{\"a\":1", "{\"a\":1,}", "tru",         "1.",   "-",     "1e",     "\"",
                           "\"\\",     "\"\\u12",    "\"\\ud800\"", "[1]2", "{1:2}", "nullx",  "1e9999999999999999"})
    EXPECT_EQ(db::canonical_json(text), text);
}

Fingerprint of(std::initializer_list<Values> rows) {
  Fingerprint sum(2);
  for (const Values& row : rows) {
    for (const auto& value : row) value ? sum.add(*value) : sum.add_null();
    sum.end_row();
  }
  return sum;
}

TEST(Fingerprint, IsOfRowsAndNotOfTheirOrder) {
  const Fingerprint rows = of({{"a", "b"}, {"c", std::nullopt}});
  EXPECT_TRUE(rows.is_of_the_same_rows(of({{"c", std::nullopt}, {"a", "b"}})));
  EXPECT_EQ(rows.text().size(), 32u);
  for (const Fingerprint& other :
       {of({{"a", "b"}}), of({{"ab", ""}, {"c", std::nullopt}}), of({{"a", std::nullopt}, {"c", "b"}}),
        of({{"a", "b"}, {"c", ""}}), of({{"b", "a"}, {"c", std::nullopt}})})
    EXPECT_FALSE(rows.is_of_the_same_rows(other));
  EXPECT_EQ(rows.columns_that_differ(of({{"a", "b"}, {"c", ""}})), std::vector<size_t>({1}));
  EXPECT_TRUE(rows.columns_that_differ(of({{"a", std::nullopt}, {"c", "b"}})).empty());
}

TEST(Fingerprint, IsTheSameHoweverLongAValueIs) {
  const std::string large(300'000, 'x');
  std::string other = large;
  other[299'999] = 'y';
  EXPECT_TRUE(of({{large, "b"}, {"c", large}}).is_of_the_same_rows(of({{"c", large}, {large, "b"}})));
  EXPECT_FALSE(of({{large, "b"}}).is_of_the_same_rows(of({{other, "b"}})));
  EXPECT_FALSE(of({{large, "b"}}).is_of_the_same_rows(of({{"b", large}})));
}

TEST(CanonicalNumeric, IsOfTheNumberAlone) {
  const auto numeric = [](int16_t weight, uint16_t sign, int16_t scale, std::vector<int16_t> digits) {
    std::string bytes = big(static_cast<int16_t>(digits.size())) + big(weight) + big(sign) + big(scale);
    for (const int16_t digit : digits) bytes += big(digit);
    return postgres::canonical_numeric(bytes);
  };
  EXPECT_EQ(numeric(0, 0, 2, {1, 5000}), numeric(0, 0, 9, {1, 5000, 0}));
  EXPECT_EQ(numeric(1, 0, 0, {0, 1}), numeric(0, 0, 0, {1}));
  EXPECT_EQ(numeric(0, 0, 0, {}), numeric(3, postgres::kNumericNegative, 4, {0, 0}));
  EXPECT_NE(numeric(0, 0, 0, {1}), numeric(0, postgres::kNumericNegative, 0, {1}));
  EXPECT_NE(numeric(0, 0, 0, {1}), numeric(1, 0, 0, {1}));
  EXPECT_NE(numeric(0, postgres::kNumericNan, 0, {}), numeric(0, 0xD000, 0, {}));
}

}  // namespace
}  // namespace osiris::worker::test
