// What may come next on a command line, for the shells that ask while a user types.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "host/commands/adapter_flags.h"
#include "host/commands/context.h"

namespace osiris {

struct Completions {
  enum class Files { kNone, kAny, kDirectories };
  struct Word {
    std::string text, help;  // `help` may be empty
  };
  std::vector<Word> words;     // those that begin as the last word does
  Files files = Files::kNone;  // the shell offers files too
};

// `words` is the command line without "osiris", up to the word that is being typed, which may be empty. Reads the
// project's files where their names are asked for; what cannot be read offers nothing.
Completions complete(CLI::App& app, const CommandContext& context, const AdapterFlags& adapters,
                     const std::vector<std::string>& words);

// As the shells' scripts read it: a line each, "word<TAB>help"; ":files" or ":directories" where the shell has to look.
std::string completion_lines(const Completions& completions);

}  // namespace osiris
