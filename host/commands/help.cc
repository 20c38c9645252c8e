#include "host/commands/help.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris {

namespace {

// "NAME:INT in [1 - 1024]" and "TEXT:{strict,warn}": what stands behind the colon is the parser's check.
std::string type_of(const CLI::Option& option) {
  std::string type = option.get_type_name();
  const size_t colon = type.find(':');
  if (colon == std::string::npos) return type;
  std::string check = type.substr(colon + 1);
  type.resize(colon);
  if (check.starts_with("{") && check.ends_with("}")) {
    type = check.substr(1, check.size() - 2);
    std::replace(type.begin(), type.end(), ',', '|');
  }
  return type;
}

}  // namespace

std::string operand_name(const CLI::Option& option) {
  const std::string type = type_of(option);
  return type.empty() ? option.get_name() : type;
}

std::string HelpFormatter::make_option_name(const CLI::Option* option, bool is_positional) const {
  if (is_positional) return operand_name(*option);
  // The parser writes "--no-keep{false}" for the negative of a flag.
  std::string name = Formatter::make_option_name(option, is_positional);
  for (const char* value : {"{false}", "{true}"})
    for (size_t at; (at = name.find(value)) != std::string::npos;) name.erase(at, std::string(value).size());
  return name;
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0) return {};
  const std::string type = option->nonpositional() ? type_of(*option) : "";
  std::string text = type.empty() ? "" : " " + type;
  if (option->get_expected_max() == CLI::detail::expected_max_vector_size) text += " ...";
  return text;
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  std::string page = Formatter::make_help(app, std::move(name), mode);
  // A group whose options are all hidden leaves a blank line.
  for (size_t at; (at = page.find("\n\n\n")) != std::string::npos;) page.erase(at, 1);
  return page;
}

void add_examples(CLI::App& command, const std::vector<std::string>& lines) {
  const std::string title = lines.size() == 1 ? "Example:" : "Examples:";
  command.footer(title + "\n  " + join(lines, "\n  ") + "\n\n" + command.get_footer());
}

std::vector<std::string> examples_of(const CLI::App& command) {
  std::vector<std::string> lines;
  for (const std::string& line : split(command.get_footer(), '\n'))
    if (line.starts_with("  ")) lines.emplace_back(trim(line));
  return lines;
}

void add_examples_of_subcommands(CLI::App& command) {
  std::vector<std::string> lines;
  for (const CLI::App* each : command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); }))
    if (const auto examples = examples_of(*each); !examples.empty()) lines.push_back(examples.front());
  if (!lines.empty()) add_examples(command, lines);
}

std::vector<std::string> with_help_words_spelled_out(int argc, const char* const* argv) {
  std::vector<std::string> words(argv, argv + argc);
  const auto first =
      std::find_if(words.begin() + std::min(1, argc), words.end(), [](const auto& word) { return word[0] != '-'; });
  if (first == words.end()) return words;
  if (*first == "version") {
    *first = "--version";
  } else if (*first == "help") {
    words.erase(first);
    words.emplace_back("--help");
  }
  return words;
}

}  // namespace osiris
