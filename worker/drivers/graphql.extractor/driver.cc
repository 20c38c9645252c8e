#include "worker/drivers/graphql.extractor/driver.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/driver_api/incremental.h"
#include "worker/drivers/graphql.extractor/options.h"
#include "worker/drivers/graphql.extractor/pages.h"
#include "worker/drivers/graphql.extractor/selection.h"
#include "worker/drivers/web/record_table.h"

namespace osiris::worker {
namespace {

using graphql::Options;
using graphql::Pages;

constexpr size_t kErrorsShown = 3;
constexpr size_t kMessageBytes = 300;

// The servers' words for "not now": they pass, and the request may be sent again.
bool is_temporary(const Json& error) {
  static constexpr std::string_view kCodes[] = {"RATE_LIMITED",      "RATE_LIMIT",          "THROTTLED",
                                                "TOO_MANY_REQUESTS", "SERVICE_UNAVAILABLE", "TIMEOUT"};
  for (const std::string& code : {error["extensions"]["code"].as_string(), error["type"].as_string()})
    if (std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes)) return true;
  return false;
}

// "Cannot query field x at plants.nodes (line 3, column 7)".
std::string text_of(const Json& error) {
  std::string text =
      printable_line(error["message"].as_string_or("an error without a message").substr(0, kMessageBytes));
  std::string path;
  for (const Json& part : error["path"].items())
    path += (path.empty() ? "" : ".") + (part.is_string() ? part.as_string() : part.dump());
  if (!path.empty()) text += " at " + printable_line(path);
  const auto& places = error["locations"].items();
  if (!places.empty())
    text += " (line " + places[0]["line"].dump() + ", column " + places[0]["column"].dump() + " of the query)";
  return text;
}

// An answer with errors is none, whatever data it brings: what is missing from it cannot be told.
Status check_answer(const Json& answer) {
  const Json* errors = answer.find("errors");
  if (errors && !errors->is_null() && !(errors->is_array() && errors->size() == 0)) {
    std::vector<std::string> texts;
    bool passes = errors->is_array();
    for (const Json& error : errors->items()) {
      if (texts.size() < kErrorsShown) texts.push_back(text_of(error));
      passes = passes && is_temporary(error);
    }
    if (texts.empty()) texts.push_back(errors->dump().substr(0, kMessageBytes));
    const size_t more = errors->size() > texts.size() && errors->is_array() ? errors->size() - texts.size() : 0;
    return Error(passes ? Code::kUnavailable : Code::kStepFailed,
                 "GraphQL errors: " + join(texts, "; ") + (more ? "; " + std::to_string(more) + " more" : ""), "",
                 category::kExtractQueryFailed);
  }
  if (answer.is_object() && answer.contains("data")) return {};
  return Error(Code::kStepFailed, "the answer is no GraphQL answer: it has no 'data'", "Check the endpoint.",
               category::kExtractQueryFailed);
}

http::Request request_for(const Options& options, const Json& variables) {
  http::Request request;
  request.method = "POST";
  request.url = options.endpoint;
  request.headers = options.headers;
  request.label = "query";
  request.body = Json::object({{"query", options.query}, {"variables", variables}}).dump();
  return request;
}

// The records of one answer: the items of the lists that the path names, or the values themselves.
std::vector<const Json*> records_of(const Options& options, const Json& answer) {
  std::vector<const Json*> found = options.data_path.find(answer);
  std::erase_if(found, [](const Json* value) { return value->is_null(); });
  if (!std::all_of(found.begin(), found.end(), [](const Json* value) { return value->is_array(); })) return found;
  std::vector<const Json*> records;
  for (const Json* list : found)
    for (const Json& item : list->items()) records.push_back(&item);
  return records;
}

Result<std::vector<std::string>> columns_of(const Options& options) {
  const auto text = graphql::read_query(options.query, options.data_path, options.flattens);
  if (!text) return std::vector<std::string>();
  if (!text->only_reads)
    return Error(Code::kInvalidArgument, "an extractor sends queries only, and this holds a mutation or a subscription",
                 "Write a query.", category::kConfigInvalid);
  if (text->operations > 1)
    return Error(Code::kInvalidArgument, "the query holds " + std::to_string(text->operations) + " operations",
                 "Leave one of them: a step sends one.", category::kConfigInvalid);
  return text->columns;
}

// Two pages that are the same may be of rows that are the same, or of a server that knows no offset and would give its
// first page for ever. Such a one gives it far behind the last row too.
Status check_offset(const Options& options, web::Client& client, const Pages& pages, const Json& answer) {
  constexpr int64_t kFarBehind = 2'000'000'000;  // an Int of GraphQL's
  Json variables = pages.variables();
  variables.set(options.offset_variable, kFarBehind);
  const auto far = client.send(request_for(options, variables), check_answer);
  if (!far.ok() || (*far)["data"].dump() != answer["data"].dump()) return {};
  return Error(Code::kStepFailed,
               "the pages cannot be followed: the server gives the same page whatever the variable '" +
                   options.offset_variable + "' is: it does not heed it",
               "Use $" + options.limit_variable + " and $" + options.offset_variable + " in the query.",
               category::kExtractQueryFailed);
}

Status fetch(StepContext& step, const Options& options, web::Client& client, Pages& pages, web::RecordTable& table) {
  for (bool follows = true; follows;) {
    auto answer = client.send(request_for(options, pages.variables()), check_answer);
    if (!answer.ok())
      return pages.asked() > 1 ? answer.error().within("page " + std::to_string(pages.asked())) : answer.error();
    if (pages.is_as_before(*answer)) OSIRIS_TRY(check_offset(options, client, pages, *answer));
    const auto records = records_of(options, *answer);
    for (const Json* record : records) OSIRIS_TRY(table.add(*record));
    step.progress(table.rows());
    OSIRIS_ASSIGN(follows, pages.advance(*answer, records.size()));
  }
  return {};
}

// All pages into `table`, which is then settled.
Result<StepOutcome> read(StepContext& step, const Options& options, web::RecordTable& table) {
  OSIRIS_ASSIGN(const std::vector<std::string> columns, columns_of(options));
  web::Client client(step, options.client);
  OSIRIS_TRY(table.expect(columns));
  Pages pages(options);
  const Status fetched = fetch(step, options, client, pages, table);
  step.metric("requests_made", static_cast<double>(client.requests_made()), "requests");
  if (!fetched.ok())
    return fetched.error().code == Code::kCancelled ? fetched.error()
                                                    : fetched.error().within("GraphQL API request failed");
  step.metric("pages_fetched", static_cast<double>(pages.asked()), "pages");
  OSIRIS_TRY(table.settle());
  return StepOutcome{.rows_read = table.rows(), .rows_written = 0};
}

Result<StepOutcome> run(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, graphql::read_options(step));
  web::RecordTable table(step, options.flattens);
  OSIRIS_ASSIGN(const StepOutcome outcome, read(step, options, table));
  OSIRIS_TRY(table.create(step));
  // A server may understand the variable in its own way.
  if (options.incremental) OSIRIS_TRY(options.incremental->finish(true));
  return outcome;
}

// The next state is read from rows that are stored.
Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  const auto incremental = Incremental::of(step);
  if (!incremental.ok() || *incremental) return std::unique_ptr<StreamedOutput>();
  step.settles();
  OSIRIS_ASSIGN(const Options options, graphql::read_options(step));
  auto table = std::make_unique<web::RecordTable>(step, options.flattens);
  OSIRIS_ASSIGN(const StepOutcome outcome, read(step, options, *table));
  return stream_of(step, std::move(table), outcome);
}

// Whether the endpoint answers to the connection's token, with the smallest query there is.
Status check(StepContext& step) {
  OSIRIS_ASSIGN(Options options, graphql::read_connection(step));
  options.query = "{ __typename }";
  options.client.retries_max = 0;
  options.client.timeout_ms = 10'000;
  const auto answer = web::Client(step, options.client).send(request_for(options, Json::object()), check_answer);
  return answer.ok() ? Status() : Status(answer.error());
}

constexpr Driver kDriver = {.name = "graphql.extractor", .run = run, .check = check, .open = open, .waits = true};

}  // namespace

const Driver& graphql_extractor() { return kDriver; }

}  // namespace osiris::worker
