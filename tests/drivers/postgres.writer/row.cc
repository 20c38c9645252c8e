#include "tests/drivers/postgres/steps.h"
#include "tests/drivers/server_row.h"
#include "worker/drivers/postgres.writer/driver.h"

namespace osiris::worker::test {
namespace {

struct PostgresServer {
  static constexpr auto& kDriver = postgres_writer;
  static constexpr char kTable[] = "suite_rows";
  static constexpr char kTablesLeft[] = "SELECT count(*) FROM pg_class WHERE relname LIKE 'osiris%'";
  static void connect(StepHarness& step) { step.set_connection("postgres", "shop", postgres_fields(plain_postgres())); }
  static void connect(StepHarness& step, const std::string& secret) {
    step.set_connection("postgres", "shop", postgres_fields(plain_postgres(), {{"password", secret}}));
  }
  static void configure(StepHarness& step) { step.set_config({{"table", "suite_rows"}, {"write_mode", "replace"}}); }
  static void in(const std::string& sql) { in_shop(sql); }
  static std::string ask(const std::string& sql) { return ask_shop(sql); }
};

}  // namespace

const DriverRow& driver_row() { return ServerRow<PostgresServer>::row(); }

}  // namespace osiris::worker::test
