// Values in SQL.
#include "tests/e2e/messages/message_row.h"

namespace osiris::e2e {
namespace {

constexpr const char* kDefinition = "  limit: {type: integer, default: 10}\n";
constexpr const char* kQuery = "      query: SELECT id, name FROM df_read_people WHERE age >= 18\n";

// From the definition of the parameter to the query, as in the pipeline.
std::string text_between() {
  const std::string pipeline = kMessagePipeline;
  const size_t begin = pipeline.find(kDefinition), end = pipeline.find(kQuery) + std::string(kQuery).size();
  return pipeline.substr(begin, end - begin);
}

// With one more parameter and another query, each of them a line; `more`: a line below the query, or empty.
std::string with(const std::string& parameter, const std::string& query, const std::string& more) {
  std::string text = text_between();
  if (!parameter.empty()) text.insert(std::string(kDefinition).size(), "  " + parameter + "\n");
  text.replace(text.find(kQuery), std::string::npos, "      query: " + query + "\n");
  return more.empty() ? text : text + "      " + more + "\n";
}

struct Sql {
  const char *parameter, *query, *more;
};

MessageRow row(const char* name, const Sql& wrong, const char* place, const char* offending, const char* remedy,
               const Sql& fixed) {
  return {name,      text_between(), with(wrong.parameter, wrong.query, wrong.more), place,
          offending, remedy,         with(fixed.parameter, fixed.query, fixed.more)};
}

}  // namespace

const std::vector<MessageRow>& sql_value_rows() {
  static const std::vector<MessageRow> rows = {
      row("MissingValue", {"", "SELECT id FROM df_read_people WHERE age > $since", ""}, "p.yaml:18:14", "$since",
          "values: {since: ...}", {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("MisspelledValue", {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {sicne: 5}"},
          "p.yaml:18:14", "$since", "$sicne",
          {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("UnusedValue", {"", "SELECT id FROM df_read_people", "values: {since: 5}"}, "p.yaml:19:16", "'since'",
          "write $since in the SQL", {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("ValueThatIsAMapping", {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: {a: 1}}"},
          "p.yaml:19:23", "values: {since: {a: 1}}",
          "for example since:", {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("ValuesThatAreAList", {"", "SELECT id FROM df_read_people WHERE age > $since", "values: [5]"}, "p.yaml:19:15",
          "values: [5]", "values: {name: value}",
          {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("ValuesKeyTypo", {"", "SELECT id FROM df_read_people WHERE age > $since", "value: {since: 5}"}, "p.yaml:19:7",
          "value: {since: 5}", "'values'",
          {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("ParamsInsteadOfValues", {"", "SELECT id FROM df_read_people WHERE age > $since", "params: {since: 5}"},
          "p.yaml:19:7", "params: {since: 5}", "its keys are: connection, query, values",
          {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("QuestionMark", {"", "SELECT id FROM df_read_people WHERE age > ?", ""}, "p.yaml:18:14", "?", "`values:`",
          {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("ValueWithANumberAsName", {"", "SELECT id FROM df_read_people WHERE age > $1", "values: {\"1\": 5}"},
          "p.yaml:19:16", "'1'", "begins with a letter",
          {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("ColonBeforeTheName", {"", "\"SELECT id FROM df_read_people WHERE age > :since\"", "values: {since: 5}"},
          "p.yaml:19:16", "'since'", "write $since in the SQL",
          {"", "SELECT id FROM df_read_people WHERE age > $since", "values: {since: 5}"}),
      row("NameInQuotes", {"", "SELECT id FROM df_read_people WHERE name > '$since'", "values: {since: a}"},
          "p.yaml:19:16", "'since'", "take it out of them",
          {"", "SELECT id FROM df_read_people WHERE name > $since", "values: {since: a}"}),
      row("PastedText",
          {"who: {type: string, default: name}", "\"SELECT id FROM df_read_people WHERE name > ${params.who}\"", ""},
          "p.yaml:19:14", "'who'", "values: {who: \"${params.who}\"}",
          {"who: {type: string, default: name}", "SELECT id FROM df_read_people WHERE name > $who",
           "values: {who: \"${params.who}\"}"}),
      row("PastedTable", {"t: df_read_people", "\"SELECT id FROM ${params.t}\"", ""}, "p.yaml:19:14", "'t'", "enum",
          {"t: {enum: [df_read_people], default: df_read_people}", "\"SELECT id FROM ${params.t}\"", ""}),
      row("Semicolon", {"who: \"1; DROP TABLE x\"", "\"SELECT id FROM df_read_people WHERE age > ${params.who}\"", ""},
          "p.yaml:19:14", "1; DROP TABLE x", "values: {who: \"${params.who}\"}",
          {"who: \"1; DROP TABLE x\"", "SELECT id FROM df_read_people WHERE name > $who",
           "values: {who: \"${params.who}\"}"}),
      row("CommentSign", {"who: \"1 -- x\"", "\"SELECT id FROM df_read_people WHERE age > ${params.who}\"", ""},
          "p.yaml:19:14", "1 -- x", "values: {who: \"${params.who}\"}",
          {"who: \"1 -- x\"", "SELECT id FROM df_read_people WHERE name > $who", "values: {who: \"${params.who}\"}"}),
      row("HalfAPairOfQuotes", {"who: \"O'Brien\"", "\"SELECT id FROM df_read_people WHERE name = ${params.who}\"", ""},
          "p.yaml:19:14", "O'Brien", "values: {who: \"${params.who}\"}",
          {"who: \"O'Brien\"", "SELECT id FROM df_read_people WHERE name > $who", "values: {who: \"${params.who}\"}"}),
      row("EndOfAComment", {"who: \"*/ WHERE false /*\"", "\"SELECT id FROM df_read_people /* ${params.who} */\"", ""},
          "p.yaml:19:14", "*/ WHERE false /*", "bind it",
          {"who: all", "\"SELECT id FROM df_read_people /* ${params.who} */\"", ""}),
      row("WholeStatement", {"q: SELECT id FROM df_read_people", "\"${params.q}\"", ""}, "p.yaml:19:14", "'q'",
          "write the SQL into the pipeline", {"q: unused", "SELECT id FROM df_read_people", ""}),
  };
  return rows;
}

}  // namespace osiris::e2e
