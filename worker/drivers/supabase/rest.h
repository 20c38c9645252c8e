// PostgREST as a step talks to it: one schema of it, with one key, and its refusals as errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/http/transport.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/supabase/connection.h"
#include "worker/drivers/web/client.h"

namespace osiris::worker::supabase {

// What a refusal is about decides its category.
enum class Purpose { kRead, kWrite };

// The parameters of a URL, in their order; a name may come twice.
using Query = std::vector<std::pair<std::string, std::string>>;

// A text as a value of PostgREST's lists and logic: in double quotes.
std::string quoted_value(const std::string& text);
// A column's name there: as it is, or in double quotes.
std::string quoted_name(const std::string& name);

// A table as PostgREST describes it; both empty where it does not.
struct TableShape {
  std::vector<std::string> columns;
  std::vector<std::string> key;  // those of the primary key
};

struct Page {
  Json::Array rows;               // objects
  std::optional<uint64_t> total;  // rows of the whole, where they were asked for (count=exact)
  bool is_beyond = false;         // the offset is past the last row (416)
};

// Used by one thread.
class Rest {
 public:
  // `endpoint` is copied. `step` outlives it.
  Rest(StepContext& step, const Endpoint& endpoint, Purpose purpose)
      : endpoint_(endpoint), purpose_(purpose), client_(step, endpoint.client) {}

  // Whether the key is accepted.
  Status ping();
  Result<Page> rows(const std::string& table, const Query& query, bool counts);
  // How many rows the table has.
  Result<uint64_t> count(const std::string& table);
  Result<TableShape> describe(const std::string& table);
  // Inserts a JSON array of objects. `resolution`: what follows on a key that is there (empty: an error); only with it
  // may the request be sent twice. Returns the rows that the server says it has written, if it says so.
  Result<std::optional<uint64_t>> insert(const std::string& table, const Query& query, std::string body,
                                         const std::string& resolution);
  Result<std::optional<uint64_t>> remove(const std::string& table, const Query& query);

  const std::string& schema() const { return endpoint_.schema; }
  const std::string& url() const { return endpoint_.url; }
  uint64_t requests_made() const { return client_.requests_made(); }

 private:
  http::Request request(const std::string& method, const std::string& path, const Query& query,
                        const char* accept = "application/json") const;
  Result<http::Response> send(http::Request request);

  const Endpoint endpoint_;
  const Purpose purpose_;
  web::Client client_;
};

// PostgREST does not know the table that was named. A new one is known within seconds.
bool is_missing_table(const Error& error);

}  // namespace osiris::worker::supabase
