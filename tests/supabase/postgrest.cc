#include "tests/supabase/postgrest.h"

#include <libpq-fe.h>

#include <algorithm>

#include "protocol/base/json.h"
#include "protocol/base/text.h"

namespace osiris::test {
namespace {

std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size()) {
      plain += static_cast<char>(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16));
      at += 2;
    } else {
      plain += text[at] == '+' ? ' ' : text[at];
    }
  }
  return plain;
}

RestRequest read_request(const http::Connection::Received& received) {
  RestRequest request;
  request.head = received.head;
  request.body = received.body;
  const std::vector<std::string> line = split(received.head.substr(0, received.head.find("\r\n")), ' ');
  request.method = line.at(0);
  const std::string& target = line.at(1);
  const size_t question = target.find('?');
  request.path = percent_decoded(target.substr(0, question));
  if (question == std::string::npos) return request;
  for (const std::string& pair : split(target.substr(question + 1), '&')) {
    const size_t equals = pair.find('=');
    request.parameters.emplace_back(percent_decoded(pair.substr(0, equals)),
                                    equals == std::string::npos ? "" : percent_decoded(pair.substr(equals + 1)));
  }
  return request;
}

RestAnswer refusal(int status, const std::string& code, const std::string& message, const Json& details = {},
                   const Json& hint = {}) {
  const Json body = Json::object({{"code", code}, {"details", details}, {"hint", hint}, {"message", message}});
  return {status, body.dump(), "Content-Type: application/json; charset=utf-8\r\n"};
}

// PostgREST's table of what an SQLSTATE means.
int status_of(const std::string& state, bool is_anonymous) {
  struct Row {
    std::string_view state;
    int status;
  };
  static constexpr Row kStatuses[] = {{"08", 503},    {"0L", 403},    {"0P", 403},    {"21000", 500}, {"23503", 409},
                                      {"23505", 409}, {"25006", 405}, {"25", 500},    {"28", 403},    {"40", 500},
                                      {"53400", 500}, {"53", 503},    {"54", 500},    {"55", 500},    {"57P01", 503},
                                      {"57", 500},    {"58", 500},    {"P0001", 400}, {"P0", 500},    {"XX", 500},
                                      {"42883", 404}, {"42P01", 404}};
  if (state == "42501") return is_anonymous ? 401 : 403;
  for (const Row& row : kStatuses)
    if (state.starts_with(row.state)) return row.status;
  return 400;
}

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResult = std::unique_ptr<PGresult, ClearResult>;

struct SqlError {
  std::string state, message, detail, hint;
};

}  // namespace

std::string RestRequest::parameter(std::string_view name) const {
  for (const auto& [own, value] : parameters)
    if (own == name) return value;
  return {};
}

std::string RestRequest::header(std::string_view name) const {
  const std::string wanted = "\r\n" + ascii_lower(name) + ":";
  const size_t at = ascii_lower(head).find(wanted);
  if (at == std::string::npos) return {};
  const size_t begin = at + wanted.size();
  return std::string(trim(std::string_view(head).substr(begin, head.find("\r\n", begin) - begin)));
}

// One HTTP connection, with one to the database.
class Postgrest::Session {
 public:
  Session(const PostgrestOptions& options, const std::string& place)
      : options_(options), connection_(PQconnectdb(place.c_str())) {
    PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
    PQclear(PQexec(connection_, "SET TimeZone = 'UTC'"));  // as a project's database has it
  }
  ~Session() { PQfinish(connection_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // nullopt: the key is accepted.
  std::optional<RestAnswer> authenticate(const RestRequest& request) {
    if (request.header("apikey").empty())
      return RestAnswer{401,
                        R"({"message":"No API key found in request","hint":"No `apikey` request header was found."})"};
    const std::string bearer = request.header("Authorization");
    role_.clear();
    if (bearer == "Bearer " + options_.service_key) role_ = options_.service_role;
    if (bearer == "Bearer " + options_.anon_key) role_ = options_.anon_role;
    if (!role_.empty()) return std::nullopt;
    return refusal(401, "PGRST301", "JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 1)");
  }

  RestAnswer answer(const RestRequest& request) try {
    if (PQstatus(connection_) != CONNECTION_OK)
      return refusal(503, "PGRST000", "Database connection error. Retrying the connection.");
    run("BEGIN");
    const RestAnswer made = act(request);
    run(made.status < 400 ? "COMMIT" : "ROLLBACK");
    return made;
  } catch (const ParseError& error) {
    run("ROLLBACK");
    return refusal(400, "PGRST100", std::string("\"failed to parse\" ") + error.what());
  } catch (const SqlError& error) {
    PQclear(PQexec(connection_, "ROLLBACK"));
    return refusal(status_of(error.state, role_ == options_.anon_role), error.state, error.message,
                   error.detail.empty() ? Json() : Json(error.detail), error.hint.empty() ? Json() : Json(error.hint));
  }

 private:
  PgResult run(const std::string& sql, const std::vector<std::string>& values = {}) {
    std::vector<const char*> texts;
    for (const std::string& value : values) texts.push_back(value.c_str());
    PgResult result(PQexecParams(connection_, sql.c_str(), static_cast<int>(texts.size()), nullptr, texts.data(),
                                 nullptr, nullptr, 0));
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    const auto field = [&](int code) {
      const char* text = PQresultErrorField(result.get(), code);
      return std::string(text ? text : "");
    };
    throw SqlError{field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY), field(PG_DIAG_MESSAGE_DETAIL),
                   field(PG_DIAG_MESSAGE_HINT)};
  }
  std::string text(const std::string& sql, const std::vector<std::string>& values = {}) {
    const PgResult result = run(sql, values);
    return PQgetvalue(result.get(), 0, 0);
  }

  RestAnswer act(const RestRequest& request) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    schema_ = request.header(reads ? "Accept-Profile" : "Content-Profile");
    if (schema_.empty()) schema_ = options_.schemas.front();
    if (std::find(options_.schemas.begin(), options_.schemas.end(), schema_) == options_.schemas.end())
      return refusal(406, "PGRST106", "The schema must be one of the following: " + join(options_.schemas, ", "));
    if (request.path == "/rest/v1/") return describe();
    const std::string table = request.table();
    if (request.path != "/rest/v1/" + table) return {404, "{\"message\":\"no Route matched with those values\"}"};
    name_ = quote_name(schema_) + "." + quote_name(table);
    if (text("SELECT to_regclass($1) IS NULL", {name_}) == "t")
      return refusal(404, "PGRST205", "Could not find the table '" + schema_ + "." + table + "' in the schema cache");
    run("SET LOCAL ROLE " + quote_name(role_));
    if (reads) return read(request);
    if (request.method == "POST") return insert(request, table);
    if (request.method == "DELETE") return remove(request);
    return refusal(405, "PGRST117", "Unsupported HTTP method: " + request.method);
  }

  RestAnswer describe() {
    if (!options_.describes) return refusal(404, "PGRST126", "Root endpoint metadata is disabled");
    const std::string definitions = text(
        "SELECT coalesce(json_object_agg(t, json_build_object('type', 'object', 'properties', p)), '{}') FROM ("
        "SELECT c.relname AS t, json_object_agg(a.attname, json_build_object('format', format_type(a.atttypid, null), "
        "'description', CASE WHEN a.attnum = ANY (i.indkey) THEN E'Note:\\nThis is a Primary Key.<pk/>' END) "
        "ORDER BY a.attnum) AS p FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
        "WHERE n.nspname = $1 AND c.relkind IN ('r', 'v', 'p') GROUP BY c.relname) AS tables",
        {schema_});
    return {200, R"({"swagger":"2.0","definitions":)" + definitions + "}",
            "Content-Type: application/openapi+json; charset=utf-8\r\n"};
  }

  // What is asked for by limit and offset, or by `Range: 0-24`.
  std::pair<uint64_t, uint64_t> offset_and_limit(const RestRequest& request) const {
    const std::string limit = request.parameter("limit"), offset = request.parameter("offset");
    const std::string range = request.header("Range");
    uint64_t first = offset.empty() ? 0 : std::stoull(offset), rows = limit.empty() ? UINT64_MAX : std::stoull(limit);
    if (const size_t dash = range.find('-'); limit.empty() && offset.empty() && dash != std::string::npos) {
      first = std::stoull(range);
      if (dash + 1 < range.size()) rows = std::stoull(range.substr(dash + 1)) - first + 1;
    }
    return {first, std::min(rows, options_.max_rows)};
  }

  RestAnswer read(const RestRequest& request) {
    const std::string where = where_of(request.parameters);
    const auto [offset, limit] = offset_and_limit(request);
    const PgResult page =
        run("SELECT coalesce(json_agg(t), '[]')::text, count(*) FROM (SELECT " +
            select_of(request.parameter("select")) + " FROM " + name_ + where + order_of(request.parameter("order")) +
            " LIMIT " + std::to_string(limit) + " OFFSET " + std::to_string(offset) + ") AS t");
    const uint64_t rows = std::stoull(PQgetvalue(page.get(), 0, 1));
    std::string total = "*";
    if (request.header("Prefer").find("count=exact") != std::string::npos)
      total = text("SELECT count(*) FROM " + name_ + where);
    const std::string range = rows > 0 ? std::to_string(offset) + "-" + std::to_string(offset + rows - 1) : "*";
    const std::string headers =
        "Content-Type: application/json; charset=utf-8\r\nContent-Range: " + range + "/" + total + "\r\n";
    if (total != "*" && offset > std::stoull(total)) {
      RestAnswer beyond =
          refusal(416, "PGRST103", "Requested range not satisfiable",
                  "An offset of " + std::to_string(offset) + " was requested, but there are only " + total + " rows.");
      beyond.headers += "Content-Range: */" + total + "\r\n";
      return beyond;
    }
    return {total != "*" && rows < std::stoull(total) ? 206 : 200, PQgetvalue(page.get(), 0, 0), headers};
  }

  static std::string counted(const RestRequest& request, const PgResult& result) {
    const bool counts = request.header("Prefer").find("count=exact") != std::string::npos;
    return "Content-Range: */" + (counts ? std::string(PQcmdTuples(result.get())) : "*") + "\r\n";
  }

  RestAnswer insert(const RestRequest& request, const std::string& table) {
    if (const auto body = parse_json(request.body); !body.ok())
      return refusal(400, "PGRST102", "Empty or invalid json");
    std::string list, updates;
    for (const std::string& column : names_of(request.parameter("columns"))) {
      const std::string known = text(
          "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 "
          "AND attnum > 0 AND NOT attisdropped",
          {name_, column});
      if (known == "0")
        return refusal(400, "PGRST204",
                       "Could not find the '" + column + "' column of '" + table + "' in the schema cache");
      list += (list.empty() ? "" : ", ") + quote_name(column);
      updates += (updates.empty() ? "" : ", ") + quote_name(column) + " = excluded." + quote_name(column);
    }
    std::string sql = "INSERT INTO " + name_ + " (" + list + ") SELECT " + list +
                      " FROM json_populate_recordset(NULL::" + name_ + ", $1::json)";
    const std::string prefer = request.header("Prefer");
    const bool merges = prefer.find("resolution=merge-duplicates") != std::string::npos;
    if (merges || prefer.find("resolution=ignore-duplicates") != std::string::npos) {
      std::string keys;
      for (const std::string& key : names_of(request.parameter("on_conflict")))
        keys += (keys.empty() ? "" : ", ") + quote_name(key);
      sql += " ON CONFLICT" + (keys.empty() ? "" : " (" + keys + ")") +
             (merges ? " DO UPDATE SET " + updates : " DO NOTHING");
    }
    const PgResult result = run(sql, {request.body});
    return {201, "", counted(request, result)};
  }

  RestAnswer remove(const RestRequest& request) {
    const PgResult result = run("DELETE FROM " + name_ + where_of(request.parameters));
    return {204, "", counted(request, result)};
  }

  const PostgrestOptions& options_;
  PGconn* connection_;
  std::string role_, schema_, name_;
};

Postgrest::Postgrest(const PostgresServer& database, PostgrestOptions options)
    : options_(std::move(options)),
      place_("host='" + database.directory().string() + "' port=" + std::to_string(database.port()) +
             " user=postgres dbname=" + options_.database),
      server_([this](http::Connection& connection) {
        std::unique_ptr<Session> session;
        for (;;) {
          const auto received = connection.receive();
          if (received.head.empty()) return;
          if (!session) session = std::make_unique<Session>(options_, place_);
          const RestRequest request = read_request(received);
          auto refused = session->authenticate(request);
          const auto fault = refused ? std::nullopt : note(request);
          using Kind = RestFault::Kind;
          if (fault && fault->kind == Kind::kCutBefore) return connection.reset();
          RestAnswer answer = refused                                 ? *refused
                              : fault && fault->kind == Kind::kAnswer ? fault->answer
                                                                      : session->answer(request);
          if (fault && fault->kind == Kind::kCutAfter) return connection.reset();
          const bool has_body = request.method != "HEAD" && answer.status != 204;
          connection.send(
              "HTTP/1.1 " + std::to_string(answer.status) + " X\r\n" +
              (answer.status == 204 ? "" : "Content-Length: " + std::to_string(answer.body.size()) + "\r\n") +
              answer.headers + "\r\n");
          if (fault && fault->kind == Kind::kCutBody) {
            connection.send(std::string_view(answer.body).substr(0, answer.body.size() / 2));
            return;
          }
          if (has_body) connection.send(answer.body);
        }
      }) {}

std::optional<RestFault> Postgrest::note(const RestRequest& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  return fault_ ? fault_(request, requests_.size()) : std::nullopt;
}

void Postgrest::on_request(std::function<std::optional<RestFault>(const RestRequest&, size_t)> fault) {
  const std::lock_guard lock(mutex_);
  requests_.clear();
  fault_ = std::move(fault);
}

std::vector<RestRequest> Postgrest::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

}  // namespace osiris::test
