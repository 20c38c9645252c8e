// Parameters.
#include "tests/e2e/messages/message_row.h"

namespace osiris::e2e {

const std::vector<MessageRow>& parameter_rows() {
  static const std::vector<MessageRow> rows = {
      {"Unknown", "${params.limit}", "${params.limt}", "p.yaml:12:14", "${params.limt}", "declare", "${params.limit}"},
      {"DefaultOfAnotherType", "default: 10", "default: many", "p.yaml:4:35", "default: many", "integer",
       "default: 10"},
      {"NotAParameter", "${params.limit}", "${limit}", "p.yaml:12:14", "${limit}", "${params.name}", "${params.limit}"},
      {"Environment", "out/adults.csv", "${HOME}/x.csv", "p.yaml:24:13", "${HOME}/x.csv", "${params.name}",
       "out/x.csv"},
      {"DefinitionTypo", "default: 10", "defualt: 10", "p.yaml:4:26", "defualt: 10", "'default'", "default: 10"},
      {"NoValue", ", default: 10", "", "p.yaml:12:14", "'limit'", "--param", ", default: 10"},
      {"ParamsList", "params:\n  limit: {type: integer, default: 10}", "params: [limit]", "p.yaml:3:9",
       "params: [limit]", "mapping", "params:\n  limit: {type: integer, default: 10}"},
      {"Unclosed", "${params.limit}", "\"${params.limit\"", "p.yaml:12:14", "\"${params.limit\"", "'}'",
       "${params.limit}"},
  };
  return rows;
}

}  // namespace osiris::e2e
