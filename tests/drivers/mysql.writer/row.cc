#include "tests/drivers/mysql.writer/writing.h"
#include "tests/drivers/server_row.h"

namespace osiris::worker::test {
namespace {

struct MysqlServer {
  static constexpr auto& kDriver = mysql_writer;
  static constexpr char kTable[] = "shop.suite_rows";
  static constexpr char kTablesLeft[] =
      "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'osiris%'";
  static void connect(StepHarness& step) { step.set_connection("mysql", "shop", fields_for(loading_server())); }
  static void connect(StepHarness& step, const std::string& secret) {
    step.set_connection("mysql", "shop", fields_for(loading_server(), {{"password", secret}}));
  }
  static void configure(StepHarness& step) {
    step.set_config({{"table", "suite_rows"}, {"write_mode", "replace"}, {"create_table", true}});
  }
  static void in(const std::string& sql) { in_database(sql); }
  static std::string ask(const std::string& sql) { return ask_database(sql); }
};

}  // namespace

const DriverRow& driver_row() { return ServerRow<MysqlServer>::row(); }

}  // namespace osiris::worker::test
