// The help pages, and the words that ask for them.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace osiris {

// How to write an option, in our words and not the parser's.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

// What --help, errors and the documentation call an operand: FILE, RUN, bash|zsh|fish.
std::string operand_name(const CLI::Option& option);

// Puts examples, a line each, before what the page of every command ends with.
void add_examples(CLI::App& command, const std::vector<std::string>& lines);
std::vector<std::string> examples_of(const CLI::App& command);
// To a command of commands, the first example of each of them.
void add_examples_of_subcommands(CLI::App& command);

// The command line with `help logs show` as `logs show --help`, and `version` as `--version`.
std::vector<std::string> with_help_words_spelled_out(int argc, const char* const* argv);

}  // namespace osiris
