// The suite runs on the database, where a step that fails leaves nothing; what PostgREST leaves is in failures_test.cc.
#include "tests/drivers/server_row.h"
#include "tests/drivers/supabase.writer/writing.h"

namespace osiris::worker::test {
namespace {

struct SupabaseDatabase {
  static constexpr auto& kDriver = supabase_writer;
  static constexpr char kTable[] = "suite_rows";
  static constexpr char kTablesLeft[] = "SELECT count(*) FROM pg_class WHERE relname LIKE 'osiris%'";
  static void connect(StepHarness& step) { step.set_connection("supabase", "shop", dsn_fields()); }
  static void connect(StepHarness& step, const std::string& secret) {
    step.set_connection("supabase", "shop", dsn_fields(secret));
  }
  static void configure(StepHarness& step) {
    step.set_config({{"table", "suite_rows"}, {"write_mode", "replace"}, {"primary_key", "id"}, {"schema", "public"}});
  }
  static void in(const std::string& sql) { in_shop(sql); }
  static std::string ask(const std::string& sql) { return ask_shop(sql); }
};

}  // namespace

const DriverRow& driver_row() { return ServerRow<SupabaseDatabase>::row(); }

}  // namespace osiris::worker::test
