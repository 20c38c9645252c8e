#include "worker/drivers/posthog.extractor/driver.h"

#include <memory>
#include <optional>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/posthog.extractor/progress.h"
#include "worker/drivers/posthog.extractor/query.h"
#include "worker/drivers/web/client.h"
#include "worker/drivers/web/record_table.h"

namespace osiris::worker {
namespace posthog {
namespace {

constexpr const char* kFailed = "Extraction failed";
constexpr int kFirstRunDays = 30;

struct Options {
  std::string url, key;
  const DataType* type = nullptr;
  std::vector<std::string> event_types;
  uint64_t page_size = 1000;
  uint64_t lookback_minutes = 15;
  std::string initial_since;
  bool deduplicates = true;
  web::ClientOptions client;
};

Error wrong(const std::string& what, const std::string& hint, const char* category = category::kConfigInvalid) {
  return Error(Code::kInvalidArgument, what, hint, category);
}

// Of the step, else of its connection. A default that the compiler filled in counts as not given.
std::string text_of(const StepContext& step, const char* key, const std::string& otherwise = {}) {
  const auto text = [](const Json& value) { return value.is_int() ? value.dump() : value.as_string(); };
  const std::string own = text(step.config()[key]);
  if (!own.empty() && own != otherwise) return own;
  const std::string of_connection = step.connection() ? text(step.connection()->fields[key]) : std::string();
  return of_connection.empty() ? otherwise : of_connection;
}

bool is_number(const std::string& text) { return text.find_first_not_of("0123456789") == std::string::npos; }

Result<Options> read_connection(const StepContext& step) {
  Options options;
  options.key = text_of(step, "api_key");
  const std::string project = text_of(step, "project_id");
  if (options.key.empty() || project.empty())
    return wrong("Missing api_key or project_id in resolved_connection", "Write both into the connection.",
                 category::kConnectionInvalidConfig);
  if (!is_number(project) || options.key.find_first_of("\r\n") != std::string::npos)
    return wrong("project_id is no number, or api_key holds a line break",
                 "The number stands in the project's settings.", category::kConnectionInvalidConfig);
  const std::string region = text_of(step, "region", "us");
  std::string base = text_of(step, "custom_base_url");
  if (base.empty() && region == "self_hosted")
    return wrong("region is self_hosted, and there is no custom_base_url", "Write custom_base_url: https://host.",
                 category::kConnectionInvalidConfig);
  if (base.empty()) base = region == "eu" ? "https://eu.posthog.com" : "https://us.posthog.com";
  while (base.ends_with('/')) base.pop_back();
  if (!base.starts_with("https://") && !base.starts_with("http://"))
    return wrong("custom_base_url '" + base + "' is no URL", "Write https://host.", category::kConnectionInvalidConfig);
  options.url = base + "/api/projects/" + project + "/query/";
  options.client.user_agent = "Osiris PostHog Extractor/1.0";
  options.client.timeout_ms = 60'000;
  options.client.retries_max = 5;
  return options;
}

Result<Options> read_options(const StepContext& step) {
  OSIRIS_ASSIGN(Options options, read_connection(step));
  const Json& config = step.config();
  options.type = data_type_of(config["data_type"].as_string());
  if (!options.type)
    return wrong("Invalid data_type: " + config["data_type"].as_string() +
                     ". Valid options: events, persons, sessions, person_distinct_ids",
                 "");
  for (const Json& event : config["event_types"].items()) options.event_types.push_back(event.as_string());
  if (!options.event_types.empty() && options.type->name != "events")
    return wrong("'event_types' belongs to data_type events", "leave it out");
  options.page_size = config["page_size"].as_uint(1000);
  if (options.page_size < 100 || options.page_size > 10'000)
    return wrong("page_size must be 100-10000, got " + config["page_size"].dump(), "");
  options.lookback_minutes = config["lookback_window_minutes"].as_uint(15);
  options.initial_since = config["initial_since"].as_string();
  options.deduplicates = config["deduplication_enabled"].as_bool(true);
  return options;
}

http::Request request_for(const Options& options, const std::string& query) {
  http::Request request;
  request.method = "POST";
  request.url = options.url;
  request.headers.add("Authorization", "Bearer " + options.key);
  request.headers.add("Content-Type", "application/json");
  request.label = "query";
  request.body = Json::object({{"query", Json::object({{"kind", "HogQLQuery"}, {"query", query}})}}).dump();
  return request;
}

// An answer with an error in it is none, whatever else it brings.
Status check_answer(const Json& answer) {
  if (const Json& error = answer["error"]; !error.is_null())
    return Error(Code::kStepFailed, "PostHog refused the query: " + printable_line(error.dump().substr(0, 300)), "",
                 category::kExtractQueryFailed);
  if (answer["results"].is_array() && answer["columns"].is_array()) return {};
  return Error(Code::kStepFailed, "the answer has no results with their columns", "Check custom_base_url.",
               category::kExtractQueryFailed);
}

// "2024-01-31T10:00:00.5Z" as "2024-01-31 10:00:00.500000"; empty for a text of another form, of another zone too.
std::string utc_time(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-dd dd:dd:dd";
  if (text.size() < kForm.size()) return {};
  for (size_t i = 0; i < kForm.size(); ++i) {
    const bool is_right = kForm[i] == 'd'   ? text[i] >= '0' && text[i] <= '9'
                          : kForm[i] == ' ' ? text[i] == ' ' || text[i] == 'T'
                                            : text[i] == kForm[i];
    if (!is_right) return {};
  }
  std::string time(text.substr(0, kForm.size()));
  time[10] = ' ';
  text.remove_prefix(kForm.size());
  std::string fraction(".");
  if (text.starts_with('.'))
    for (text.remove_prefix(1); !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1))
      fraction += text[0];
  if (fraction.size() > 7 || (text != "Z" && text != "+00:00")) return {};
  fraction.resize(7, '0');
  return time + fraction;
}

class Extraction {
 public:
  Extraction(StepContext& step, const Options& options, Progress progress)
      : step_(step),
        options_(options),
        progress_(std::move(progress)),
        client_(step, options.client),
        table_(std::make_unique<web::RecordTable>(step, false)) {}

  // All pages; table() has what they bring.
  Result<StepOutcome> read() {
    OSIRIS_TRY(table_->expect(options_.type->expected));
    OSIRIS_TRY(find_begin());
    for (bool follows = true; follows;) {
      const std::string query = page_query(*options_.type, options_.event_types, place_, options_.page_size);
      OSIRIS_ASSIGN(const Json answer, client_.send(request_for(options_, query), check_answer));
      OSIRIS_ASSIGN(const size_t rows, take_page(answer));
      step_.progress(read_);
      follows = rows >= options_.page_size;
    }
    OSIRIS_TRY(table_->settle());
    step_.metric("rows_deduplicated", static_cast<double>(read_ - table_->rows()), "rows");
    step_.metric("rows_output", static_cast<double>(table_->rows()), "rows");
    if (!options_.type->time.empty() && !progress_.last().empty()) {
      OSIRIS_ASSIGN(const std::string begin, minutes_before(progress_.last()));
      OSIRIS_TRY(step_.set_state(progress_.state(begin)));
    }
    return StepOutcome{.rows_read = read_, .rows_written = 0};
  }
  std::unique_ptr<web::RecordTable> take_table() { return std::move(table_); }

 private:
  // One value of the engine's; empty: NULL.
  Result<std::string> ask(const std::string& expression) {
    OSIRIS_ASSIGN(sql::QueryResult result, sql::run_query(step_.connection_handle(), "SELECT strftime(" + expression +
                                                                                         ", '%Y-%m-%d %H:%M:%S.%f')"));
    return result.text();
  }
  // In UTC, to the microsecond: then times sort as text.
  Result<std::string> normal(const std::string& time) {
    if (std::string quick = utc_time(time); !quick.empty()) return quick;
    return ask("TRY_CAST(" + sql::quote_literal(time) + " AS TIMESTAMPTZ) AT TIME ZONE 'UTC'");
  }
  Result<std::string> minutes_before(const std::string& time) {
    return ask("CAST(" + sql::quote_literal(time) + " AS TIMESTAMP) - to_minutes(" +
               std::to_string(options_.lookback_minutes) + ")");
  }

  Status find_begin() {
    if (options_.type->time.empty()) return {};
    if (progress_.last().empty()) {
      OSIRIS_ASSIGN(place_.since, options_.initial_since.empty() ? ask("(now() AT TIME ZONE 'UTC') - to_days(" +
                                                                       std::to_string(kFirstRunDays) + ")")
                                                                 : normal(options_.initial_since));
      if (place_.since.empty())
        return wrong("initial_since '" + options_.initial_since + "' is no time", "Write 2025-01-31T00:00:00Z.");
      return {};
    }
    OSIRIS_ASSIGN(const std::string last, normal(progress_.last() + "Z"));
    if (last.empty())
      return wrong("the kept state's value '" + progress_.last() + "' is no time", "`osiris state set` sets another");
    OSIRIS_ASSIGN(place_.since, minutes_before(last));
    // Before that time no ids are known, so rows would come twice.
    if (options_.deduplicates) place_.since = std::max(place_.since, progress_.known_since());
    return {};
  }

  Result<size_t> column(const Json& columns, std::string_view name) const {
    for (size_t i = 0; i < columns.size(); ++i)
      if (columns.items()[i].as_string() == name) return i;
    return Error(Code::kStepFailed, "the answer has no column '" + std::string(name) + "'", "",
                 category::kExtractSchemaMismatch);
  }

  Result<size_t> take_page(const Json& answer) {
    const Json& columns = answer["columns"];
    const auto& rows = answer["results"].items();
    if (rows.size() > options_.page_size)
      return Error(
          Code::kStepFailed,
          "PostHog gave " + std::to_string(rows.size()) + " rows for a page of " + std::to_string(options_.page_size),
          "", category::kExtractQueryFailed);
    if (rows.empty()) return size_t{0};
    OSIRIS_ASSIGN(const size_t id_at, column(columns, options_.type->id));
    std::optional<size_t> time_at;
    if (!options_.type->time.empty()) {
      OSIRIS_ASSIGN(time_at, column(columns, options_.type->time));
    }
    std::string time;
    for (const Json& row : rows) {
      if (row.size() != columns.size())
        return Error(Code::kStepFailed,
                     "a row of the answer has " + std::to_string(row.size()) + " values for " +
                         std::to_string(columns.size()) + " columns",
                     "", category::kExtractSchemaMismatch);
      ++read_;
      const std::string id =
          row.items()[id_at].is_string() ? row.items()[id_at].as_string() : row.items()[id_at].dump();
      if (time_at) {
        OSIRIS_ASSIGN(time, normal(row.items()[*time_at].as_string()));
        if (time.empty())
          return Error(
              Code::kStepFailed,
              "row " + std::to_string(read_) + " has no time in column '" + std::string(options_.type->time) + "'", "",
              category::kExtractSchemaMismatch);
      }
      if (time < place_.time || (time == place_.time && id <= place_.id))
        return Error(Code::kStepFailed,
                     "PostHog's rows are not in the order that was asked for: the pages would repeat", "",
                     category::kExtractQueryFailed);
      place_.time = time;
      place_.id = id;
      if (options_.deduplicates && progress_.is_taken(id)) continue;
      if (time_at) progress_.take(time, id);
      OSIRIS_TRY(table_->add(record_of(columns, row)));
    }
    return rows.size();
  }

  // The members of an object become columns, "properties_$browser".
  static Json record_of(const Json& columns, const Json& row) {
    Json record = Json::object();
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string& name = columns.items()[i].as_string();
      Json value = row.items()[i];
      if (value.is_string() && value.as_string().starts_with('{') && name.ends_with("properties"))
        if (auto parsed = parse_json(value.as_string()); parsed.ok()) value = *std::move(parsed);
      if (!value.is_object()) {
        record.set(name, std::move(value));
        continue;
      }
      for (const auto& [key, member] : value.members()) record.set(name + "_" + key, member);
    }
    return record;
  }

  StepContext& step_;
  const Options& options_;
  Progress progress_;
  web::Client client_;
  std::unique_ptr<web::RecordTable> table_;
  Place place_;
  uint64_t read_ = 0;
};

// What a step reads, and where it waits then.
struct Extracted {
  StepOutcome outcome;
  std::unique_ptr<web::RecordTable> table;
};

Result<Extracted> extract(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step));
  OSIRIS_ASSIGN(Progress progress, Progress::of(step.state()));
  Extraction extraction(step, options, std::move(progress));
  OSIRIS_ASSIGN(const StepOutcome outcome, extraction.read());
  return Extracted{outcome, extraction.take_table()};
}

Error failed(const Error& error) { return error.code == Code::kCancelled ? error : error.within(kFailed); }

Result<StepOutcome> run(StepContext& step) {
  const auto extracted = extract(step);
  if (!extracted.ok()) return failed(extracted.error());
  const Status created = extracted->table->create(step);
  return created.ok() ? Result<StepOutcome>(extracted->outcome) : Result<StepOutcome>(failed(created.error()));
}

Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  step.settles();
  auto extracted = extract(step);
  if (!extracted.ok()) return failed(extracted.error());
  return stream_of(step, std::move(extracted->table), extracted->outcome);
}

// Whether the key may ask the project, with the smallest query there is.
Status check(StepContext& step) {
  OSIRIS_ASSIGN(Options options, read_connection(step));
  options.client.retries_max = 0;
  options.client.timeout_ms = 10'000;
  const auto answer = web::Client(step, options.client).send(request_for(options, "SELECT 1"), check_answer);
  return answer.ok() ? Status() : Status(answer.error());
}

constexpr Driver kDriver = {.name = "posthog.extractor", .run = run, .check = check, .open = open, .waits = true};

}  // namespace
}  // namespace posthog

const Driver& posthog_extractor() { return posthog::kDriver; }

}  // namespace osiris::worker
