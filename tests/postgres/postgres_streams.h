// Steps that read from the plain PostgreSQL server and write to it or to a file, streamed and stored.
#pragma once

#include <filesystem>
#include <string>

#include "tests/drivers/postgres/steps.h"
#include "tests/unit/worker/streams_fixture.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/duckdb.writer/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"
#include "worker/drivers/postgres.extractor/driver.h"
#include "worker/drivers/postgres.writer/driver.h"

namespace osiris::worker {

inline constexpr char kRows[] =
    "SELECT i AS id, i % 3 = 0 AS even, (i * 1.25)::numeric(12,2) AS amount, 'word ' || i AS word, i / 7.0::float8 AS "
    "part, DATE '2024-01-01' + i % 400 AS day, TIMESTAMP '2024-01-01' + i * interval '1 s' AS at, "
    "CASE WHEN i % 10 <> 0 THEN md5(i::text)::uuid END AS key, ARRAY[i, NULL, 3] AS list, '\\x00ff'::bytea AS bytes "
    "FROM generate_series(1, 50000) AS i";

class PostgresStreams : public StreamsFixture {
 protected:
  PostgresStreams()
      : StreamsFixture({&postgres_extractor(), &duckdb_processor(), &postgres_writer(), &filesystem_csv_writer(),
                        &filesystem_json_writer(), &filesystem_parquet_writer(), &duckdb_writer()}) {
    add_connection("postgres", "shop", test::postgres_fields(test::plain_postgres()));
  }

  void clear() override {
    test::in_shop("DROP TABLE IF EXISTS target");
    if (!made_.empty()) test::in_shop(made_);
    std::filesystem::remove(out_path());
  }
  std::string written() override {
    if (out_.empty()) {
      const std::string names = test::ask_shop(
          "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) FROM "
          "information_schema.columns WHERE table_name = 'target'");
      return names + test::ask_shop("SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM target t");
    }
    const auto file = read_file(out_path());
    return file.ok() ? *file : "<none>";
  }
  std::filesystem::path out_path() const { return directory_ / "work" / out_; }

  static Json read_step(const std::string& query, Json more = Json::object()) {
    more.set("connection", "@postgres.shop");
    more.set("query", query);
    return connected(with_mode(step("read", "postgres.extractor", {}, std::move(more)), "extract"), "@postgres.shop");
  }
  static Json write_step(const std::string& from, Json more = Json::object(),
                         const std::string& connection = "@postgres.shop") {
    more.set("table", "target");
    return connected(with_mode(step("write", "postgres.writer", {from}, std::move(more)), "write"), connection);
  }
  Json file_step(const std::string& from, const std::string& driver, const std::string& file,
                 Json more = Json::object()) {
    out_ = file;
    more.set("path", file);
    return with_mode(step("write", driver, {from}, std::move(more)), "write");
  }
  static Json connected(Json made, const std::string& connection) {
    made.set("connection", connection);
    return made;
  }

  std::string made_;  // the target as it is before a run; empty: there is none
  std::string out_;   // a file that is the target in its place
};

}  // namespace osiris::worker
