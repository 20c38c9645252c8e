// What a tap is given, and what becomes of what it sends.
#include <gmock/gmock.h>

#include "tests/drivers/singer.extractor/tap.h"
#include "tests/package_index/package_index.h"

namespace osiris::worker::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

TEST(SingerReading, TheSchemaSaysTheTypes) {
  TapStep step(R"(
n = lambda type, **more: dict({'type': ['null', type]}, **more)
schema(id=n('integer'), flag=n('boolean'), price=n('number', multipleOf=0.01), ratio=n('number'),
       at=n('string', format='date-time'), day=n('string', format='date'), tags=n('array'), any={},
       maybe={'anyOf': [{'type': 'string', 'format': 'date-time'}, {'type': 'null'}]})
record(id=9223372036854775807, flag=True, price=0.1, ratio=0.1, at='2024-02-29T23:59:59.123456+02:00', day='2024-02-29',
       tags=['a', None], any={'k': 1}, maybe='2024-01-01T00:00:00Z')
sys.stdout.write('{"type": "RECORD", "stream": "users", "record": {"price": 123456789012345678901234567890.12, "id": 2.0}}\n')
)");
  EXPECT_EQ(
      step.rows(),
      "id BIGINT, flag BOOLEAN, price DECIMAL(38,2), ratio DOUBLE, at TIMESTAMP WITH TIME ZONE, day DATE, tags JSON, "
      "any JSON, maybe TIMESTAMP WITH TIME ZONE\n"
      "9223372036854775807|true|0.10|0.1|2024-02-29 21:59:59.123456+00|2024-02-29|[\"a\", null]|{\"k\": 1}|"
      "2024-01-01 00:00:00+00\n2|NULL|123456789012345678901234567890.12|NULL|NULL|NULL|NULL|NULL|NULL\n");
}

TEST(SingerReading, TextArrivesAsItIs) {
  TapStep step(
      "schema(name=TEXT)\nfor name in ('', 'a\\tb\\n\"c\"\\\\', 'Zürich 𐍈 \\ud83d\\ude00'.encode('utf-16', "
      "'surrogatepass').decode('utf-16'), 'x' * 100000): record(name=name)\n"
      "sys.stdout.buffer.write('{\"record\":{\"name\":\"é\"},\"stream\":\"users\",\"type\":\"RECORD\"}\\r\\n'"
      ".encode())\n");
  ASSERT_TRUE(step.run().ok());
  EXPECT_EQ(step.query("SELECT length(name), md5(name) = md5(name) FROM {out}"),
            "0|true\n8|true\n10|true\n100000|true\n1|true\n");
  EXPECT_EQ(step.query("SELECT name FROM {out} OFFSET 2 LIMIT 1"), "Zürich 𐍈 😀\n");
}

TEST(SingerReading, TheStreamAndItsColumnsAreSelectedInTheCatalog) {
  const char* code =
      "catalog = json.load(open(args.catalog))\n"
      "users, teams = catalog['streams']\n"
      "print(json.dumps(catalog), file=sys.stderr)\n"
      "chosen = [m['breadcrumb'][1] for m in users['metadata'] if m['breadcrumb'] and m['metadata']['selected']]\n"
      "assert [m for m in teams['metadata'] if m['breadcrumb'] == []][0]['metadata'] == {'selected': False}\n"
      "schema(id=INTEGER, name=TEXT, chosen=TEXT)\n"
      "record(id=1, name='n', chosen=' '.join(chosen))\n"
      "say(type='SCHEMA', stream='teams', schema={}, key_properties=[])\n"
      "say(type='RECORD', stream='teams', record={'id': 2})\n";
  EXPECT_EQ(TapStep(code).rows(), "id BIGINT, name VARCHAR, chosen VARCHAR\n1|n|id name\n");
  EXPECT_EQ(TapStep(code, {{"select", Json::array({"name"})}}).rows(), "name VARCHAR\nn\n");
  EXPECT_THAT(TapStep(code, {{"select", Json::array({"nam"})}}).rows(), HasSubstr("did you mean 'name'?"));
  EXPECT_THAT(TapStep(code, {{"stream", "user"}}).rows(),
              HasSubstr("the tap has no stream 'user'\ndid you mean 'users'?"));
}

TEST(SingerReading, ACatalogOfThePipelineIsTakenInItsPlace) {
  TapStep step("schema(id=INTEGER)\nrecord(id=len(json.load(open(args.properties))['streams']))\n",
               {{"catalog", "catalog.json"}, {"catalog_argument", "properties"}});
  step.write_file("catalog.json", R"({"streams":[{"tap_stream_id":"users","schema":{"properties":{"id":{}}}}]})");
  EXPECT_EQ(step.rows(), "id BIGINT\n1\n");
  TapStep without("schema(id=INTEGER)\nrecord(id=1 if args.catalog else 0)\n", {{"discover", false}});
  EXPECT_EQ(without.rows(), "id BIGINT\n0\n");
}

TEST(SingerReading, ConfigAndConnectionAreOneDocument) {
  TapStep step("schema(name=TEXT)\nrecord(name=json.dumps(config, sort_keys=True))\n",
               {{"config", Json::object({{"start", "2024"}, {"token", "own"}})}});
  step.set_connection("singer", "api", Json::object({{"secrets", R"({"token":"lent to it"})"}}));
  EXPECT_EQ(step.rows(), "name VARCHAR\n{\"start\": \"2024\", \"token\": \"lent to it\"}\n");
}

TEST(SingerReading, TheLastStateIsGivenToTheNextRun) {
  const char* code =
      "seen = state.get('seen', 0)\nschema(id=INTEGER)\nfor n in range(seen + 1, seen + 3):\n    record(id=n)\n"
      "    say(type='STATE', value={'seen': n})\n";
  TapStep first(code);
  EXPECT_EQ(first.rows(), "id BIGINT\n1\n2\n");
  EXPECT_EQ(first.new_state().dump(), R"({"seen":2})");
  TapStep second(code);
  second.set_previous_state(first.new_state());
  EXPECT_EQ(second.rows(), "id BIGINT\n3\n4\n");
  EXPECT_EQ(second.new_state().dump(), R"({"seen":4})");
}

TEST(SingerReading, AStreamWithoutRecordsHasItsColumns) {
  EXPECT_EQ(TapStep("schema(id=INTEGER, name=TEXT)\n").rows(), "id BIGINT, name VARCHAR\n");
}

TEST(SingerReading, WhatItLogsIsLogged) {
  TapStep step("print('INFO 3 pages', file=sys.stderr)\nschema(id=INTEGER)\nrecord(id=1, extra=2)\n");
  EXPECT_EQ(step.rows(), "id BIGINT\n1\n");
  EXPECT_THAT(step.logs(), Contains("INFO 3 pages"));
  EXPECT_THAT(step.logs(), Contains(HasSubstr("the records have 'extra'")));
}

TEST(SingerReading, RequirementsAreInstalledAsThoseOfScripts) {
  osiris::test::PackageIndex index;
  index.add("tap-small", "1.0", "X = 1\n");
  index.start();
  TapStep step("import tap_small\n", {{"requirements", Json::array({"tap-small==1.0"})}});
  EXPECT_THAT(step.rows(), HasSubstr("installing is off"));
  step.set_setting("install_deps", true);
  step.set_environment(Json::object({{"PIP_INDEX_URL", index.url()}, {"PIP_NO_CACHE_DIR", "1"}}));
  step.write_file("tap.py",
                  std::string(kTapPreamble) + "import tap_small\nschema(id=INTEGER)\nrecord(id=tap_small.X)\n");
  EXPECT_EQ(step.rows(), "id BIGINT\n1\n");
}

}  // namespace
}  // namespace osiris::worker::test
