// What a graphql.extractor step and its connection ask for, checked.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/http/transport.h"
#include "worker/driver_api/driver.h"
#include "worker/driver_api/incremental.h"
#include "worker/drivers/web/client.h"
#include "worker/drivers/web/json_path.h"

namespace osiris::worker::graphql {

enum class Paging { kNone, kCursor, kOffset };

struct Options {
  std::string endpoint, query;
  Json variables = Json::object();
  http::Headers headers;  // authentication included
  web::ClientOptions client;
  web::JsonPath data_path, page_info_path;
  bool flattens = true;
  Paging paging = Paging::kNone;
  std::string cursor_field, has_next_field, cursor_variable;
  std::string offset_variable, limit_variable;
  uint64_t page_size = 0;  // of offset paging
  uint64_t pages_max = 0;  // 0: no limit
  std::optional<Incremental> incremental;
};

// The step's own keys win over the connection's, but for what is secret: only the connection holds that. Says in the
// log what of the connection is not used.
Result<Options> read_options(StepContext& step);

// The endpoint and the way to it alone: what `connections doctor` needs.
Result<Options> read_connection(StepContext& step);

}  // namespace osiris::worker::graphql
