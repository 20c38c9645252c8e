// A stand-in for a Supabase project's REST interface over a real PostgreSQL: the gateway that wants an API key, and
// PostgREST 12 behind it. PostgREST itself is in none of the registries that the project uses.
//
// What it does as PostgREST does: filters, logic trees, select with renaming and casts, order, limit, offset and Range,
// db-max-rows, Content-Range and count=exact with 200, 206 and 416, profiles, bulk inserts by columns= with
// resolution=merge-duplicates and ignore-duplicates, deletes, its own and PostgreSQL's errors with their codes and
// statuses, the OpenAPI description with <pk/>. One transaction a request, in the role that the key stands for.
//
// What it lacks: embedding of other tables, paths into JSON, full-text operators, RPC, PATCH and PUT, CSV, JWTs (a key
// is compared as text), return=representation, missing=default.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/postgres/postgres_server.h"
#include "tests/supabase/filters.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::test {

struct PostgrestOptions {
  std::string database = "shop";
  std::vector<std::string> schemas = {"public"};
  std::string service_key = "service-key", service_role = "app";
  std::string anon_key = "anon-key", anon_role = "anon";
  uint64_t max_rows = 1000;
  bool describes = true;  // the OpenAPI description is there
};

struct RestRequest {
  std::string method, path;  // "/rest/v1/orders"
  Parameters parameters;
  std::string head, body;

  std::string table() const { return path.substr(path.rfind('/') + 1); }
  std::string parameter(std::string_view name) const;  // the first; empty when absent
  std::string header(std::string_view name) const;
};

struct RestAnswer {
  int status = 200;
  std::string body = {};
  std::string headers = {};  // further lines, each with its "\r\n"
};

// What goes wrong with a request.
struct RestFault {
  enum class Kind { kAnswer, kCutBefore, kCutAfter, kCutBody };
  Kind kind = Kind::kAnswer;  // this answer instead of an effect; no answer, without or after the effect; half of it
  RestAnswer answer = {};
};

class Postgrest {
 public:
  explicit Postgrest(const PostgresServer& database, PostgrestOptions options = {});

  std::string url() const { return server_.url(""); }
  int port() const { return server_.port(); }
  // Asked for each request that was authenticated, with its number from 1.
  void on_request(std::function<std::optional<RestFault>(const RestRequest&, size_t number)> fault);
  std::vector<RestRequest> requests() const;

 private:
  class Session;
  std::optional<RestFault> note(const RestRequest& request);

  const PostgrestOptions options_;
  const std::string place_;  // libpq's
  mutable std::mutex mutex_;
  std::vector<RestRequest> requests_;
  std::function<std::optional<RestFault>(const RestRequest&, size_t)> fault_;
  http::ScriptedServer server_;
};

}  // namespace osiris::test
