// What YAML 1.1 reads otherwise than it looks.
#include "tests/e2e/messages/message_row.h"

namespace osiris::e2e {

const std::vector<MessageRow>& yaml_trap_rows() {
  static const std::vector<MessageRow> rows = {
      {"WordInList", "delimiter: \",\"", "delimiter: \",\"\n      na_words: [NO, x]", "p.yaml:12:18",
       "'NO' is read as false", "write \"NO\"", "delimiter: \",\"\n      na_words: [\"NO\", x]"},
      {"ZerosInList", "delimiter: \",\"", "delimiter: \",\"\n      na_words: [00501]", "p.yaml:12:18",
       "'00501' is read as 321", "write \"00501\"", "delimiter: \",\"\n      na_words: [\"00501\"]"},
      {"SexagesimalInList", "delimiter: \",\"", "delimiter: \",\"\n      na_words: [12:30]", "p.yaml:12:18",
       "'12:30' is read as 750", "write \"12:30\"", "delimiter: \",\"\n      na_words: [\"12:30\"]"},
      {"ZerosOfANumber", "limit: ${params.limit}", "limit: 0100", "p.yaml:12:14", "'0100' is read as 64",
       "the number without leading zeros", "limit: 100"},
      {"WordAsDefault", "params:\n", "params:\n  country: {type: string, default: NO}\n", "p.yaml:4:36",
       "'NO' is read as false", "write \"NO\"", "params:\n  country: {type: string, default: \"NO\"}\n"},
      {"WordAsParameter", "params:\n", "params:\n  country: NO\n", "p.yaml:4:12", "'NO' is read as false",
       "write \"NO\"", "params:\n  country: \"NO\"\n"},
      {"ZerosAsParameter", "params:\n", "params:\n  zip: 00501\n", "p.yaml:4:8", "'00501' is read as 321",
       "write \"00501\"", "params:\n  zip: \"00501\"\n"},
      {"SexagesimalAsParameter", "params:\n", "params:\n  at: 1:30\n", "p.yaml:4:7", "'1:30' is read as 90",
       "write \"1:30\"", "params:\n  at: \"1:30\"\n"},
      {"WordInEnum", "params:\n", "params:\n  country: {enum: [NO, SE], default: SE}\n", "p.yaml:4:20",
       "'NO' is read as false", "write \"NO\"", "params:\n  country: {enum: [\"NO\", SE], default: SE}\n"},
      {"ImpossibleDate", "params:\n", "params:\n  since: 2025-02-30\n", "p.yaml:4:10", "2025-02-30", "put it in quotes",
       "params:\n  since: \"2025-02-30\"\n"},
      {"WordAsKey", "params:\n", "params:\n  on: 5\n", "p.yaml:4:3", "'on' is read as true", "write \"on\"",
       "params:\n  \"on\": 5\n"},
      {"WordAsName", "name: shop", "name: no", "p.yaml:2:7", "'no' is read as false", "write \"no\"", "name: \"no\""},
      {"NumberAsId", "id: save", "id: 007", "p.yaml:19:9", "'007' is read as 7", "write \"007\"", "id: \"007\""},
      {"Infinity", "limit: ${params.limit}", "limit: .inf", "p.yaml:12:14", "'.inf'", "put it in quotes", "limit: 5"},
      {"FoldedComment", "query: SELECT id, name FROM df_read_people WHERE age >= 18",
       "query: >\n        SELECT id -- the key\n        FROM df_read_people", "p.yaml:19:19", "SELECT id -- the key",
       "begin the text with '|'", "query: |\n        SELECT id -- the key\n        FROM df_read_people"},
      {"FoldedPlainComment", "query: SELECT id, name FROM df_read_people WHERE age >= 18",
       "query: SELECT id -- the key\n        FROM df_read_people", "p.yaml:18:24", "SELECT id -- the key", "/* ... */",
       "query: SELECT id /* the key */\n        FROM df_read_people"},
      {"FoldedQuotedComment", "query: SELECT id, name FROM df_read_people WHERE age >= 18",
       "query: \"SELECT id -- the key\n        FROM df_read_people\"", "p.yaml:18:25", "SELECT id -- the key",
       "begin the text with '|'", "query: |\n        SELECT id -- the key\n        FROM df_read_people"},
  };
  return rows;
}

}  // namespace osiris::e2e
