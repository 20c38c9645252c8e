#include "worker/drivers/supabase/rest.h"

#include <algorithm>
#include <charconv>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/drivers/web/exact_numbers.h"

namespace osiris::worker::supabase {
namespace {

constexpr size_t kWordsBytes = 600;
constexpr int kBeyond = 416;

// PostgREST's own words: {"code", "message", "details", "hint"}.
struct Refusal {
  std::string code;
  std::string words;

  bool is(std::string_view text) const { return code == text; }
  bool is_sqlstate() const { return code.size() == 5 && !code.starts_with("PGRST"); }
  // The connection to the database was lost, and with it what became of the statement.
  bool lost_the_database() const {
    return is("PGRST001") || code.starts_with("08") || (is_sqlstate() && code.starts_with("57P"));
  }
  // No statement was begun.
  bool had_no_database() const { return is("PGRST000") || is("PGRST002") || is("PGRST003"); }
};

Refusal refusal_of(const std::string& body) {
  Refusal refusal;
  const auto json = parse_json(body);
  if (!json.ok() || !json->is_object() || !(*json)["message"].is_string()) {
    refusal.words = printable_line(std::string(trim(body.substr(0, kWordsBytes))));
    return refusal;
  }
  refusal.code = (*json)["code"].as_string();
  refusal.words = (*json)["message"].as_string();
  for (const char* more : {"details", "hint"})
    if (const std::string& text = (*json)[more].as_string(); !text.empty()) refusal.words += "; " + text;
  refusal.words = printable_line(refusal.words.substr(0, kWordsBytes));
  if (!refusal.code.empty()) refusal.words += " (" + printable_line(refusal.code) + ")";
  return refusal;
}

// Without its parameters, which hold values of the rows.
std::string address_of(const http::Request& request) {
  return request.method + " " + request.url.substr(0, request.url.find('?'));
}

struct Meaning {
  Code code = Code::kStepFailed;
  std::string hint;
  const char* category = category::kWriteFailed;
};

Meaning meaning_of(int status, const Refusal& refusal, Purpose purpose) {
  const bool reads = purpose == Purpose::kRead;
  const char* failed = reads ? category::kExtractQueryFailed : category::kWriteFailed;
  const char* denied = reads ? category::kExtractPermissionDenied : category::kWritePermissionDenied;
  if (refusal.is("42501"))
    return {Code::kUnauthenticated, "grant the key's role the right to do it, or use the service_role_key", denied};
  if (status == 401)
    return {Code::kUnauthenticated, "check the connection's service_role_key, anon_key or key",
            category::kConnectionAuthFailed};
  if (status == 403) return {Code::kUnauthenticated, "the key is accepted and has no right to do this", denied};
  if (refusal.is("PGRST205") || refusal.is("42P01"))
    return {Code::kNotFound, "check `table` and `schema`; PostgREST learns of a new table by NOTIFY pgrst", failed};
  if (refusal.is("PGRST106"))
    return {Code::kInvalidArgument, "check `schema`, and which schemas the project's API settings expose",
            category::kConfigInvalid};
  if (status == 404) return {Code::kNotFound, "check the connection's url", category::kConnectionNotFound};
  if (status == 413) return {Code::kStepFailed, "lower batch_size", failed};
  if (status == 429)
    return {Code::kUnavailable, "the project limits how often it is asked: try again later",
            category::kConnectionFailed};
  if (status == 408 || (status >= 500 && !refusal.is_sqlstate()))
    return {Code::kUnavailable, "try again later", category::kConnectionFailed};
  return {Code::kStepFailed, "", failed};
}

web::Verdict judge(const http::Request& request, const http::Response& response, Purpose purpose) {
  const int status = response.status;
  if ((status >= 200 && status <= 299) || status == kBeyond) return {};
  // Redirects, for one.
  if (status < 400) return web::judge_status(request, response);
  const Refusal refusal = refusal_of(response.body);
  const Meaning meaning = meaning_of(status, refusal, purpose);
  Error error(
      meaning.code,
      address_of(request) + " answered " + std::to_string(status) + (refusal.words.empty() ? "" : ": " + refusal.words),
      meaning.hint, meaning.category);
  error.detail = Json::object({{"status", status}, {"code", refusal.code}});
  const bool is_unacted = status == 429 || refusal.had_no_database();
  const bool is_known =
      is_unacted || (status < 500 && status != 408) || (!refusal.code.empty() && !refusal.lost_the_database());
  if (!http::is_idempotent(request)) {
    if (is_known) return {error, is_unacted};
    error.code = Code::kInvalidState;
    error.message = "outcome unknown: " + error.message;
    return {error, false};
  }
  return {error, meaning.code == Code::kUnavailable || refusal.lost_the_database()};
}

// The total of "0-9/120" and of "*/120".
std::optional<uint64_t> total_in(const http::Headers& headers) {
  const std::string_view range = headers.get("content-range");
  const size_t slash = range.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  uint64_t total = 0;
  const char* end = range.data() + range.size();
  const auto [at, error] = std::from_chars(range.data() + slash + 1, end, total);
  return error == std::errc() && at == end ? std::optional(total) : std::nullopt;
}

std::string query_text(const Query& query) {
  std::string text;
  for (const auto& [name, value] : query)
    text += (text.empty() ? "?" : "&") + percent_encode(name) + "=" + percent_encode(value);
  return text;
}

}  // namespace

std::string quoted_value(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string quoted_name(const std::string& name) {
  const bool is_plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  return is_plain ? name : quoted_value(name);
}

http::Request Rest::request(const std::string& method, const std::string& path, const Query& query,
                            const char* accept) const {
  http::Request request;
  request.method = method;
  request.url = endpoint_.url + "/" + percent_encode(path) + query_text(query);
  request.label = method + " " + endpoint_.url + "/" + path;
  request.headers = {{"apikey", endpoint_.key},
                     {"Authorization", "Bearer " + endpoint_.key},
                     {"Accept", accept},
                     {method == "GET" || method == "HEAD" ? "Accept-Profile" : "Content-Profile", endpoint_.schema}};
  return request;
}

Result<http::Response> Rest::send(http::Request request) {
  return client_.exchange(std::move(request), [this](const http::Request& asked, const http::Response& response) {
    return judge(asked, response, purpose_);
  });
}

Status Rest::ping() {
  const auto answer = send(request("HEAD", "", {}));
  // A root that shows nothing is a setting of PostgREST's (openapi-mode).
  if (answer.ok() || answer.error().detail["status"].as_int() == 404) return {};
  return answer.error();
}

Result<Page> Rest::rows(const std::string& table, const Query& query, bool counts) {
  http::Request asked = request("GET", table, query);
  if (counts) asked.headers.add("Prefer", "count=exact");
  const std::string address = address_of(asked);
  OSIRIS_ASSIGN(const http::Response answer, send(std::move(asked)));
  Page page;
  page.total = total_in(answer.headers);
  page.is_beyond = answer.status == kBeyond;
  if (page.is_beyond) return page;
  const auto wrong = [&](const std::string& what) {
    return Error(Code::kStepFailed, address + " answered what is no list of rows: " + what,
                 "check the connection's url: it should be the project's, not a page's", category::kExtractQueryFailed);
  };
  auto json = parse_json(web::with_exact_numbers(answer.body));
  if (!json.ok()) return wrong(json.error().message);
  if (!json->is_array()) return wrong("it is a JSON " + std::string(json->type_name()));
  page.rows = std::move(json->items());
  for (const Json& row : page.rows)
    if (!row.is_object()) return wrong("one of them is a JSON " + std::string(row.type_name()));
  return page;
}

Result<uint64_t> Rest::count(const std::string& table) {
  http::Request asked = request("HEAD", table, {{"limit", "1"}});
  asked.headers.add("Prefer", "count=exact");
  OSIRIS_ASSIGN(const http::Response answer, send(std::move(asked)));
  if (const auto total = total_in(answer.headers)) return *total;
  return Error(Code::kStepFailed, endpoint_.url + " does not say how many rows " + table + " has", "",
               category::kWriteFailed);
}

Result<TableShape> Rest::describe(const std::string& table) {
  TableShape shape;
  const auto answer = send(request("GET", "", {}, "application/openapi+json"));
  if (!answer.ok()) {
    // The description can be switched off, and kept from a key; the table may be read all the same.
    const int64_t status = answer.error().detail["status"].as_int();
    if (status >= 400 && status < 500 && status != 429) return shape;
    return answer.error();
  }
  const auto json = parse_json(answer->body);
  if (!json.ok()) return shape;
  for (const auto& [name, column] : (*json)["definitions"][table]["properties"].members()) {
    shape.columns.push_back(name);
    if (column["description"].as_string().find("<pk/>") != std::string::npos) shape.key.push_back(name);
  }
  return shape;
}

Result<std::optional<uint64_t>> Rest::insert(const std::string& table, const Query& query, std::string body,
                                             const std::string& resolution) {
  http::Request asked = request("POST", table, query);
  asked.headers.add("Content-Type", "application/json");
  asked.headers.add("Prefer", "return=minimal,count=exact" + (resolution.empty() ? "" : ",resolution=" + resolution));
  asked.body = std::move(body);
  asked.idempotent = !resolution.empty();
  OSIRIS_ASSIGN(const http::Response answer, send(std::move(asked)));
  return total_in(answer.headers);
}

Result<std::optional<uint64_t>> Rest::remove(const std::string& table, const Query& query) {
  http::Request asked = request("DELETE", table, query);
  asked.headers.add("Prefer", "return=minimal,count=exact");
  OSIRIS_ASSIGN(const http::Response answer, send(std::move(asked)));
  return total_in(answer.headers);
}

bool is_missing_table(const Error& error) {
  const std::string& code = error.detail["code"].as_string();
  return code == "PGRST205" || code == "42P01";
}

}  // namespace osiris::worker::supabase
