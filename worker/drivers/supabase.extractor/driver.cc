#include "worker/drivers/supabase.extractor/driver.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "protocol/base/text.h"
#include "worker/driver_api/incremental.h"
#include "worker/drivers/db/fields.h"
#include "worker/drivers/postgres.extractor/job.h"
#include "worker/drivers/postgres.extractor/split.h"
#include "worker/drivers/supabase.extractor/database_query.h"
#include "worker/drivers/supabase.extractor/selection.h"
#include "worker/drivers/supabase/connection.h"
#include "worker/drivers/supabase/pages.h"
#include "worker/drivers/supabase/rest.h"
#include "worker/drivers/web/record_table.h"

namespace osiris::worker {
namespace supabase {
namespace {

constexpr const char* kName = "supabase.extractor";
constexpr const char* kFailed = "Supabase read failed";

// The rows of one table by PostgREST.
class Extraction {
 public:
  Extraction(StepContext& step, const Endpoint& endpoint)
      : step_(step), rest_(step, endpoint, Purpose::kRead), table_(std::make_unique<web::RecordTable>(step, false)) {}

  Result<StepOutcome> run() {
    OSIRIS_TRY(read_config());
    OSIRIS_ASSIGN(const StepOutcome outcome, read_table());
    OSIRIS_TRY(table_->create(step_));
    if (incremental_) OSIRIS_TRY(incremental_->finish(true));
    return outcome;
  }

  // The next state is read from rows that are stored.
  Result<std::unique_ptr<StreamedOutput>> open() {
    OSIRIS_TRY(read_config());
    if (incremental_) return std::unique_ptr<StreamedOutput>();
    step_.settles();
    OSIRIS_ASSIGN(const StepOutcome outcome, read_table());
    return stream_of(step_, std::move(table_), outcome);
  }

 private:
  Result<StepOutcome> read_table() {
    OSIRIS_TRY(look_up());
    Pages pages(rest_, reading_);
    for (;;) {
      OSIRIS_ASSIGN(const Json::Array rows, pages.next());
      if (rows.empty()) break;
      for (const Json& row : rows) OSIRIS_TRY(table_->add(row));
      step_.progress(table_->rows());
    }
    if (table_->rows() == 0) OSIRIS_TRY(learn_columns());
    step_.metric("pages_fetched", static_cast<double>(pages.asked()), "pages");
    step_.metric("requests_made", static_cast<double>(rest_.requests_made()), "requests");
    OSIRIS_TRY(table_->settle());
    return StepOutcome{.rows_read = table_->rows(), .rows_written = 0};
  }

  Status read_config() {
    const Json& config = step_.config();
    reading_.table = config["table"].as_string();
    if (reading_.table.empty()) return db::config_fault(step_, "'table' is required in config");
    reading_.order = config["order"].as_string();
    reading_.page_rows = config["limit"].as_uint(1000);
    reading_.offset = config["offset"].as_uint();
    reading_.query.emplace_back("select", config["select"].as_string_or("*"));
    for (const auto& [column, condition] : config["filter"].members())
      reading_.query.emplace_back(column, condition.is_string() ? condition.as_string() : "eq." + condition.dump());
    return read_incremental();
  }

  Status read_incremental() {
    OSIRIS_ASSIGN(incremental_, Incremental::of(step_));
    if (!incremental_) return {};
    if (reading_.offset > 0)
      return db::config_fault(step_, "'offset' cannot be used with 'incremental'",
                              "rows that it leaves out would never be asked for again");
    OSIRIS_ASSIGN(const auto least, incremental_->least_plain());
    const std::string column = quoted_name(incremental_->column());
    const std::string not_null = column + ".not.is.null";
    if (least) {
      const std::string since =
          column + ".gte." + quoted_value(least->is_string() ? least->as_string() : least->dump());
      reading_.query.emplace_back(
          "or", incremental_->skips_nulls() ? "(" + since + ")" : "(" + since + "," + column + ".is.null)");
    } else if (incremental_->skips_nulls()) {
      reading_.query.emplace_back("or", "(" + not_null + ")");
    }
    return {};
  }

  // The table's key, and the columns that the relation has even without rows.
  Status look_up() {
    OSIRIS_ASSIGN(const TableShape shape, rest_.describe(reading_.table));
    const std::vector<SelectedColumn> selected = read_select(reading_.query.front().second);
    std::vector<std::string> names;
    for (const SelectedColumn& column : selected) {
      if (column.column == "*")
        names.insert(names.end(), shape.columns.begin(), shape.columns.end());
      else if (column.is_plain)
        names.push_back(column.name);
    }
    const bool has_all = std::any_of(selected.begin(), selected.end(),
                                     [](const SelectedColumn& column) { return column.column == "*"; });
    reading_.key = shape.key;
    reading_.has_key = std::all_of(shape.key.begin(), shape.key.end(), [&](const std::string& key) {
      return has_all || std::any_of(selected.begin(), selected.end(), [&](const SelectedColumn& column) {
               return column.is_plain && column.column == key && column.name == key && column.cast.empty();
             });
    });
    knows_columns_ = !names.empty();
    return table_->expect(names);
  }

  // No row has met the conditions, and PostgREST does not describe the table: any row of it tells.
  Status learn_columns() {
    if (knows_columns_) return {};
    OSIRIS_ASSIGN(const Page page, rest_.rows(reading_.table, {reading_.query.front(), {"limit", "1"}}, false));
    std::vector<std::string> names;
    for (const Json& row : page.rows)
      for (const auto& [name, value] : row.members()) names.push_back(name);
    return table_->expect(names);
  }

  StepContext& step_;
  Rest rest_;
  std::unique_ptr<web::RecordTable> table_;
  Reading reading_;
  std::optional<Incremental> incremental_;
  bool knows_columns_ = false;
};

Error failed(const Error& error) { return error.code == Code::kCancelled ? error : error.within(kFailed); }

Result<StepOutcome> run(StepContext& step) {
  OSIRIS_ASSIGN(auto database, database_of(step));
  if (database) {
    OSIRIS_ASSIGN(postgres::ExtractSettings settings, database_query(step, *std::move(database)));
    return postgres::run_extraction(step, std::move(settings), kName);
  }
  OSIRIS_ASSIGN(const Endpoint endpoint, endpoint_of(step));
  auto outcome = Extraction(step, endpoint).run();
  return outcome.ok() ? std::move(outcome) : Result<StepOutcome>(failed(outcome.error()));
}

Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  OSIRIS_ASSIGN(auto database, database_of(step));
  if (database) {
    OSIRIS_ASSIGN(postgres::ExtractSettings settings, database_query(step, *std::move(database)));
    return postgres::open_extraction(step, std::move(settings), kName);
  }
  OSIRIS_ASSIGN(const Endpoint endpoint, endpoint_of(step));
  auto stream = Extraction(step, endpoint).open();
  if (!stream.ok()) return failed(stream.error());
  return stream;
}

Result<Settled> settle(StepContext& step, const Json& rule, bool) {
  if (!rule.contains("split")) return Settled();
  OSIRIS_ASSIGN(auto database, database_of(step));
  if (!database)
    return db::config_fault(step, "split of foreach asks the database, and the connection leads to PostgREST",
                            "give the connection a pg_dsn, or use foreach with values and name them in 'filter'");
  OSIRIS_ASSIGN(postgres::ExtractSettings settings, database_query(step, *std::move(database)));
  return postgres::settle_split(step, std::move(settings), rule, kName);
}

}  // namespace
}  // namespace supabase

const Driver& supabase_extractor() {
  static const Driver driver{.name = supabase::kName,
                             .run = supabase::run,
                             .check = supabase::check,
                             .open = supabase::open,
                             .settle = supabase::settle,
                             .splits = true,
                             .waits = true};
  return driver;
}

}  // namespace osiris::worker
