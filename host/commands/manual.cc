#include "host/commands/manual.h"

#include <algorithm>

#include "host/commands/commands.h"
#include "host/commands/help.h"
#include "host/commands/parse.h"
#include "host/commands/version.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// Text for roff: what its lines or its escapes would act on, as text. A hyphen is one that can be typed.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
      out += std::string("\\&") + c;
    else
      out += c;
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }

std::string page_name(const CLI::App& command) {
  std::string name = "osiris";
  for (const std::string& word : split(words_of(command), ' '))
    if (!word.empty()) name += "-" + word;
  return name;
}

std::vector<CLI::App*> commands_of(CLI::App& command) {
  auto commands = command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
  std::sort(commands.begin(), commands.end(),
            [](const CLI::App* a, const CLI::App* b) { return a->get_name() < b->get_name(); });
  return commands;
}

std::string first_lower(std::string text) {
  if (text.size() > 1 && !(text[1] >= 'A' && text[1] <= 'Z')) text[0] = ascii_lower(text.substr(0, 1))[0];
  return text;
}

std::string synopsis(const CLI::App& command, const HelpFormatter& formatter, bool has_commands) {
  const std::string words = words_of(command);
  std::string text = bold("osiris" + (words.empty() ? "" : " " + words));
  const auto options = command.get_options([](const CLI::Option* option) { return !option->get_group().empty(); });
  if (std::any_of(options.begin(), options.end(), [](const CLI::Option* option) { return option->nonpositional(); }))
    text += " [\\fIOPTIONS\\fR]";
  for (const CLI::Option* option : options) {
    if (option->nonpositional()) continue;
    const std::string name = operand_name(*option) + formatter.make_option_opts(option);
    text += option->get_required() ? " \\fI" + roff(name) + "\\fR" : " [\\fI" + roff(name) + "\\fR]";
  }
  return text + (has_commands ? " \\fICOMMAND\\fR ..." : "");
}

std::string options_text(const CLI::App& command, const HelpFormatter& formatter) {
  std::string text;
  for (const CLI::Option* option :
       command.get_options([](const CLI::Option* each) { return !each->get_group().empty(); })) {
    const bool is_positional = !option->nonpositional();
    const std::string name = formatter.make_option_name(option, is_positional);
    text += ".TP\n" + (is_positional ? "\\fI" + roff(name) + "\\fR" : bold(name)) +
            roff(formatter.make_option_opts(option)) + "\n" + roff(option->get_description()) + "\n";
  }
  return text.empty() ? "" : ".SH OPTIONS\n" + text;
}

// The lines below "Example:" of the page that --help shows.
std::string examples_text(const CLI::App& command) {
  std::string text;
  for (const std::string& line : examples_of(command)) text += roff(line) + "\n";
  return text.empty() ? "" : ".SH EXAMPLES\n.nf\n" + text + ".fi\n";
}

constexpr std::string_view kEnd =
    R"(.SH "EXIT STATUS"
0 when all went well, 1 when a step failed, 2 for wrong input or usage, 3 when the adapter or osiris itself failed,
124 when the time was up, 130 when the run was cancelled.
)";

ManualPage page_of(CLI::App& command) {
  const HelpFormatter formatter;
  const std::vector<CLI::App*> commands = commands_of(command);
  const std::string name = page_name(command);
  std::string description = command.get_description();
  if (description.ends_with('.')) description.pop_back();
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
  std::string text = ".TH " + roff(upper) + " 1 \"\" \"osiris " + std::string(kVersion) + "\" \"osiris manual\"\n" +
                     ".SH NAME\n" + roff(name) + " \\- " + roff(first_lower(description)) + "\n.SH SYNOPSIS\n" +
                     synopsis(command, formatter, !commands.empty()) + "\n.SH DESCRIPTION\n" + roff(description) +
                     ".\n";
  std::string see_also = command.get_parent() ? ".BR " + roff(page_name(*command.get_parent())) + " (1)" : "";
  for (CLI::App* sub : commands) {
    text += (sub == commands.front() ? ".SH COMMANDS\n" : "") + std::string(".TP\n") + bold(sub->get_name()) + "\n" +
            roff(sub->get_description()) + "\n";
    see_also += (see_also.empty() ? "" : ",\n") + std::string(".BR ") + roff(page_name(*sub)) + " (1)";
  }
  text += options_text(command, formatter) + examples_text(command) + std::string(kEnd);
  if (!see_also.empty()) text += ".SH \"SEE ALSO\"\n" + see_also + "\n";
  return {name, std::move(text)};
}

void collect(CLI::App& command, std::vector<ManualPage>& pages) {
  pages.push_back(page_of(command));
  for (CLI::App* sub : commands_of(command)) collect(*sub, pages);
}

}  // namespace

std::vector<ManualPage> manual_pages(CLI::App& app) {
  std::vector<ManualPage> pages;
  collect(app, pages);
  return pages;
}

}  // namespace osiris
