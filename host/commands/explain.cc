// osiris explain [CODE]: what a code of a finding or of an error means.
#include "host/commands/explain.h"

#include <algorithm>

#include "host/commands/commands.h"
#include "host/commands/explained_pages.h"
#include "host/display/format.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

struct Options {
  std::string code;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("code", options.code, "a type of finding or an error's category; none: all of them")
      ->type_name("CODE");
}

// A row's cells, trimmed. Bars inside backquotes are escaped in Markdown.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|')
      cells.back() += line[++i];
    else if (line[i] == '|')
      cells.emplace_back();
    else
      cells.back() += line[i];
  }
  cells.pop_back();  // after the last bar
  for (std::string& cell : cells) cell = std::string(trim(cell));
  return cells;
}

// The texts in backquotes.
std::vector<std::string> codes_in(const std::string& cell) {
  std::vector<std::string> codes;
  const std::vector<std::string> parts = split(cell, '`');
  for (size_t i = 1; i < parts.size(); i += 2) codes.push_back(parts[i]);
  return codes;
}

// Words of Markdown that mean nothing on a terminal.
std::string plain(std::string text) {
  std::erase(text, '`');
  return text;
}

Json as_json(const MessageCode& code) {
  return Json::object({{"code", code.code}, {"about", code.about}, {"meaning", code.meaning}, {"page", code.page}});
}

int list(const CommandContext& context) {
  Json all = Json::array();
  Table table({{"Code"}, {"About"}, {"Meaning"}});
  for (const MessageCode& code : message_codes()) {
    all.push_back(as_json(code));
    table.row({code.code, code.about, context.out.interactive ? fit(code.meaning, 80) : code.meaning});
  }
  if (context.json)
    print_json(context, all);
  else
    print_text(context, table.text());
  return to_int(ExitCode::kOk);
}

int run(const CommandContext& context, const Options& options) {
  if (options.code.empty()) return list(context);
  std::vector<std::string> names;
  for (const MessageCode& code : message_codes()) {
    names.push_back(code.code);
    if (code.code != options.code) continue;
    if (context.json)
      print_json(context, as_json(code));
    else
      print_text(context, code.code + "\n" + (code.about.empty() ? "" : "  about    " + code.about + "\n") +
                              "  meaning  " + code.meaning + "\n  page     " + code.page + "\n");
    return to_int(ExitCode::kOk);
  }
  const auto near = nearest(options.code, names);
  return fail(context, Error(Code::kNotFound, "there is no code '" + options.code + "'",
                             near ? "did you mean " + *near + "?" : "osiris explain lists them"));
}

}  // namespace

std::vector<MessageCode> codes_of_table(const std::string& page_text, const std::string& page, size_t column) {
  std::vector<MessageCode> found;
  std::string about;
  for (const std::string& line : split(page_text, '\n')) {
    if (!line.starts_with("| ")) continue;
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() != column + 2) continue;
    if (column > 0 && !cells[0].empty()) about = plain(cells[0]);
    for (const std::string& code : codes_in(cells[column])) found.push_back({code, about, plain(cells.back()), page});
  }
  return found;
}

const std::vector<MessageCode>& message_codes() {
  static const std::vector<MessageCode> codes = [] {
    std::vector<MessageCode> all = codes_of_table(kFindings, "docs/oml.md#findings", 1);
    for (MessageCode& code : codes_of_table(kCategories, "docs/error-categories.md", 0)) all.push_back(std::move(code));
    return all;
  }();
  return codes;
}

void add_explain_command(const CommandTable& table) {
  table.add<Options>("explain", "Say what a code of a finding or an error means",
                     {"osiris explain sql_error", "osiris explain connection.auth_failed"}, add_options, run);
}

}  // namespace osiris
