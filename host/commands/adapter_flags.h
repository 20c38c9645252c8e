// The first of two passes over the command line: which adapter, so that only that library is loaded and its options become
// flags; then the flags themselves, collected as the user wrote them.
#pragma once

#include <CLI/CLI.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "host/adapters/loader.h"
#include "host/adapters/option_values.h"
#include "host/commands/context.h"

namespace osiris {

using FlagValues = std::vector<std::pair<std::string, std::string>>;  // (option name, value), in command-line order

// Prints the error of an adapter that could not be had. One that does not exist is a wrong name (2); one that is there and
// cannot be loaded has failed (3).
int fail_adapter(const CommandContext& context, const Error& error);

class AdapterFlags {
 public:
  // Looks for --adapter, --target, --e2b, --adapter-dir and OSIRIS_EXECUTION_TARGET. Loads the adapter if `argv` names a command
  // that uses one and is not just a request for help without naming an adapter.
  static AdapterFlags scan(int argc, const char* const* argv, const CommandContext& context);

  const std::string& id() const { return id_; }
  const std::vector<SearchPlace>& places() const { return places_; }
  // The loaded adapter; the error says every place that was looked into.
  const Result<LoadedAdapter>& adapter() const { return adapter_; }

  // --adapter, --target, --e2b, --adapter-dir and one flag per option of the adapter, whose values go into `values`, which
  // must live as long as the parser.
  void add_to(CLI::App& command, FlagValues& values) const;

  // Whether `flag` would be an option of the chosen adapter, had it been loaded.
  bool is_of_unloaded(const std::string& flag) const;
  // What to say about a flag nobody knows that begins with "--<id>-" of an adapter; empty if it does not.
  std::string advice_for(const std::string& flag) const;

 private:
  std::string id_ = "local";
  std::vector<SearchPlace> places_;
  Result<LoadedAdapter> adapter_ = Error(Code::kInvalidState, "no adapter was loaded");
};

}  // namespace osiris
