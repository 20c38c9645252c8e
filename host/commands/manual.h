// The manual pages of osiris, made from the parser's own commands, options and examples.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace osiris {

struct ManualPage {
  std::string name;  // "osiris-logs-show"; its file is that with ".1"
  std::string text;  // roff, with the macros of man(7)
};

// A page for the program and for each of its commands, those of commands included.
std::vector<ManualPage> manual_pages(CLI::App& app);

}  // namespace osiris
