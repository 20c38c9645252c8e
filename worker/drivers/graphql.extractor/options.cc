#include "worker/drivers/graphql.extractor/options.h"

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::graphql {
namespace {

constexpr const char* kUserAgent = "Osiris GraphQL Extractor/1.0";
constexpr const char* kDefaultHeader = "X-API-Key";

Error wrong(const std::string& what, const std::string& hint) {
  return Error(Code::kInvalidArgument, what, hint, category::kConnectionInvalidConfig);
}

// Of the step, else of its connection, else `otherwise`. A default that the compiler filled in counts as not given.
std::string text_of(const StepContext& step, const char* key, const std::string& otherwise) {
  const std::string own = step.config()[key].as_string();
  if (!own.empty() && own != otherwise) return own;
  const Json none;
  const Json& fields = step.connection() ? step.connection()->fields : none;
  return fields[key].as_string_or(otherwise);
}

bool is_header_text(std::string_view text) {
  for (const char c : text)
    if (c == '\r' || c == '\n' || c == '\0') return false;
  return true;
}

Status add_header(Options& options, const std::string& name, const std::string& value) {
  if (name.empty() || !is_header_text(name) || name.find_first_of(": ") != std::string::npos)
    return wrong("the connection has a header whose name is no header name", "Write headers: {X-Name: value}.");
  if (!is_header_text(value)) return wrong("the value of the header " + name + " holds a line break", "");
  options.headers.add(name, value);
  return {};
}

// A mapping, or its JSON: secrets travel as texts.
Status add_headers(const StepContext& step, Options& options) {
  if (!step.connection()) return {};
  Json headers = step.connection()->fields["headers"];
  if (headers.is_string()) {
    OSIRIS_ASSIGN(headers, parse_json(headers.as_string()));
  }
  for (const auto& [name, value] : headers.members())
    OSIRIS_TRY(add_header(options, name, value.is_string() ? value.as_string() : value.dump()));
  return {};
}

Status add_authentication(StepContext& step, Options& options) {
  const Json none;
  const Json& fields = step.connection() ? step.connection()->fields : none;
  const std::string type = text_of(step, "auth_type", "none");
  const std::string token = fields["auth_token"].as_string();
  if (type == "none") {
    if (!token.empty()) step.log("the connection's auth_token is not sent: auth_type is none");
    return {};
  }
  if (token.empty())
    return wrong("auth_type is " + type + ", and the connection has no auth_token",
                 "Write auth_token: ${NAME} into the connection.");
  if (type == "bearer") return add_header(options, "Authorization", "Bearer " + token);
  if (type == "api_key") return add_header(options, text_of(step, "auth_header_name", kDefaultHeader), token);
  if (type != "basic") return wrong("auth_type is '" + type + "'", "It is none, bearer, basic or api_key.");
  const std::string user = fields["auth_username"].as_string();
  if (user.empty())
    return wrong("auth_type is basic, and the connection has no auth_username", "Write auth_username: into it.");
  if (user.find(':') != std::string::npos) return wrong("auth_username holds a ':'", "");
  return add_header(options, "Authorization", "Basic " + base64(user + ":" + token));
}

Status read_paging(const Json& config, Options& options) {
  options.pages_max = config["max_pages"].as_uint();
  if (!config["pagination_enabled"].as_bool()) return {};
  options.paging = config["pagination_mode"].as_string() == "offset" ? Paging::kOffset : Paging::kCursor;
  if (options.paging == Paging::kCursor) {
    OSIRIS_ASSIGN(options.page_info_path,
                  web::JsonPath::parse(config["pagination_path"].as_string_or("data.pageInfo")));
    options.cursor_field = config["pagination_cursor_field"].as_string_or("endCursor");
    options.has_next_field = config["pagination_has_next_field"].as_string_or("hasNextPage");
    options.cursor_variable = config["pagination_variable_name"].as_string_or("after");
    return {};
  }
  options.offset_variable = config["pagination_offset_variable"].as_string_or("offset");
  options.limit_variable = config["pagination_limit_variable"].as_string_or("limit");
  options.page_size = config["page_size"].as_uint(options.variables[options.limit_variable].as_uint());
  if (options.page_size > 0) return {};
  return Error(Code::kInvalidArgument, "offset pagination needs to know how many rows a page has",
               "Write page_size: 100, or give the variable '" + options.limit_variable + "' a number.",
               category::kConfigInvalid);
}

// The value that rows are wanted from goes into a variable of the query's.
Status read_incremental(StepContext& step, Options& options) {
  OSIRIS_ASSIGN(options.incremental, Incremental::of(step));
  if (!options.incremental) return {};
  if (options.pages_max > 0)
    return Error(Code::kInvalidArgument, "'max_pages' cannot be used with 'incremental'",
                 "rows of the pages that it leaves out would never be asked for again", category::kConfigInvalid);
  const std::string& variable = step.config()["incremental"]["variable"].as_string();
  OSIRIS_ASSIGN(auto least, options.incremental->least_plain());
  if (least && !variable.empty()) options.variables.set(variable, *std::move(least));
  return {};
}

}  // namespace

Result<Options> read_connection(StepContext& step) {
  Options options;
  const Json& config = step.config();
  options.endpoint = text_of(step, "endpoint", "");
  if (!options.endpoint.starts_with("https://") && !options.endpoint.starts_with("http://"))
    return wrong(
        options.endpoint.empty() ? "there is no endpoint" : "the endpoint '" + options.endpoint + "' is no URL",
        "Write endpoint: https://host/graphql into the connection or the step.");
  options.client.user_agent = kUserAgent;
  options.client.timeout_ms = config["timeout"].as_int(30) * 1000;
  options.client.retries_max = static_cast<int>(config["max_retries"].as_int(3));
  options.client.retry_delay_ms = static_cast<int64_t>(config["retry_delay"].as_double(1.0) * 1000);
  options.client.verifies_certificates = config["validate_ssl"].as_bool(true);
  if (!options.client.verifies_certificates)
    step.log("validate_ssl is false: the server's certificate is not verified");
  options.headers.add("Content-Type", "application/json");
  options.headers.add("Accept", "application/json");
  OSIRIS_TRY(add_headers(step, options));
  OSIRIS_TRY(add_authentication(step, options));
  return options;
}

Result<Options> read_options(StepContext& step) {
  OSIRIS_ASSIGN(Options options, read_connection(step));
  const Json& config = step.config();
  options.query = config["query"].as_string();
  options.variables = config["variables"].is_object() ? config["variables"] : Json::object();
  OSIRIS_ASSIGN(options.data_path, web::JsonPath::parse(config["data_path"].as_string_or("data")));
  options.flattens = config["flatten_result"].as_bool(true);
  OSIRIS_TRY(read_paging(config, options));
  OSIRIS_TRY(read_incremental(step, options));
  return options;
}

}  // namespace osiris::worker::graphql
