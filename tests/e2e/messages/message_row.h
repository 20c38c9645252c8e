// The table of messages: an input that a user gets wrong, what the message must hold, and what makes it right.
#pragma once

#include <string>
#include <vector>

namespace osiris::e2e {

// The pipeline that rows change: valid, strictly. They count its lines.
inline constexpr const char* kMessagePipeline = R"(oml_version: "0.1.0"
name: shop
params:
  limit: {type: integer, default: 10}
steps:
  - id: read-people
    component: filesystem.csv_extractor
    mode: read
    config:
      path: in/people.csv
      delimiter: ","
      limit: ${params.limit}
  - id: adults
    component: duckdb.processor
    mode: transform
    needs: [read-people]
    config:
      query: SELECT id, name FROM df_read_people WHERE age >= 18
  - id: save
    component: filesystem.csv_writer
    mode: write
    needs: [adults]
    config:
      path: out/adults.csv
)";

// The connections file that rows change.
inline constexpr const char* kMessageConnections = R"(version: 1
connections:
  mysql:
    shop:
      default: true
      host: ${SHOP_HOST:-localhost}
      port: 3306
      database: shop
      user: reader
      password: ${SHOP_PASSWORD}
      ssl_mode: preferred
      description: orders of the shop
)";

// A change of one of the two, checked with `osiris validate p.yaml --strict` or `osiris validate --strict`.
struct MessageRow {
  const char* name;
  std::string right, wrong;  // text of the pipeline, and what the user wrote in its place
  const char* place;         // "p.yaml:8:19": where the message says it is
  std::string offending;     // of what the user wrote, or its name: in the message or in the line it shows
  std::string remedy;        // in the message
  std::string fixed;         // in place of `wrong`: what the remedy says. The file is valid with it
};

// A command line that is refused.
struct CommandRow {
  const char* name;
  std::vector<std::string> arguments;
  int exit;
  std::string offending, remedy;
  std::vector<std::string> fixed;  // a command line that the remedy leads to; it must not be refused
};

const std::vector<MessageRow>& yaml_rows();
const std::vector<MessageRow>& pipeline_rows();
const std::vector<MessageRow>& sql_rows();
const std::vector<MessageRow>& path_rows();
const std::vector<MessageRow>& parameter_rows();
const std::vector<MessageRow>& yaml_trap_rows();
const std::vector<MessageRow>& sql_value_rows();
const std::vector<MessageRow>& connection_rows();  // of the connections file
const std::vector<CommandRow>& command_rows();

}  // namespace osiris::e2e
