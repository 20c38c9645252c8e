// Which adapter a command uses, and that adapter's options as flags. Two passes over the command line: the first finds
// the adapter, so that only its library is loaded and only where a command uses one; the second is the parser's.
#pragma once

#include <CLI/CLI.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/adapters/discovery.h"
#include "host/adapters/loader.h"
#include "host/adapters/option_values.h"
#include "host/commands/context.h"

namespace osiris {

using FlagValues = std::vector<std::pair<std::string, std::string>>;  // (option name, value), in command-line order

// Prints the error of an adapter that could not be had. One that does not exist is a wrong name (2); one that is there
// and cannot be loaded has failed (3).
int fail_adapter(const CommandContext& context, const Error& error);

class AdapterFlags {
 public:
  // Looks for --adapter, --target, --adapter-dir, OSIRIS_EXECUTION_TARGET, and for the flags and nouns that the
  // manifests of adapters bring. Loads nothing. `argv` outlives it.
  AdapterFlags(int argc, const char* const* argv, const CommandContext& context);

  const std::string& id() const { return id_; }
  const std::vector<SearchDirectory>& places() const { return places_; }
  // "sandboxes": other names of the command `resources`, each for one adapter.
  std::vector<std::string> resources_nouns() const;

  // For a command that uses an adapter: loads it, unless `argv` is just a request for help that names none.
  void load(const CommandContext& context);
  // The loaded adapter; the error says every place that was looked into.
  const Result<LoadedAdapter>& adapter() const { return adapter_; }

  // --adapter, --target, --adapter-dir, the flags of manifests, and one flag per option of the loaded adapter, whose
  // values go into `values`, which must live as long as the parser.
  void add_to(CLI::App& command, FlagValues& values) const;

  // That the command line names two adapters; nullopt: it does not, or asks for help.
  const std::optional<Error>& conflict() const { return conflict_; }
  // Whether `flag` would be an option of the chosen adapter, had it been loaded.
  bool is_of_unloaded(const std::string& flag) const;
  // Why this machine could not read every adapter's manifest, whose flags are then unknown.
  const std::optional<Error>& trouble() const { return trouble_; }
  // The hint for an unknown flag that begins with "--<id>-" of an adapter; empty if it does not.
  std::string hint_for(const std::string& flag) const;

 private:
  void choose();

  const int argc_;
  const char* const* const argv_;
  std::string id_ = "local";
  bool is_named_ = false;  // not just the default
  bool asks_for_help_ = false;
  bool isolate_ = false;
  std::vector<SearchDirectory> places_;
  std::vector<AdapterManifest> manifests_;  // of adapters that could be used
  std::optional<Error> trouble_, conflict_;
  Result<LoadedAdapter> adapter_ = Error(Code::kInvalidState, "no adapter was loaded");
};

}  // namespace osiris
