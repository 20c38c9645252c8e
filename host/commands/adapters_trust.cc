// osiris adapters trust FILE|NAME: records the SHA-256 of an adapter's library in the user's configuration; a recorded
// library that has changed is not loaded. Loads nothing.
#include "host/adapters/discovery.h"
#include "host/adapters/library_file.h"
#include "host/adapters/trusted_libraries.h"
#include "host/commands/adapter_library.h"
#include "host/commands/commands.h"
#include "host/display/format.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string library;
  std::vector<std::string> directories;
  bool forget = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("library", options.library, "file of a library, or the name of an adapter")
      ->required()
      ->type_name("FILE|NAME");
  command.add_flag("--forget", options.forget, "take it out of the record");
  command.add_option("--adapter-dir", options.directories, "look for the name there first, repeatable")
      ->type_name("DIR")
      ->allow_extra_args(false);
}

// Canonical; of what is to be forgotten also one that is gone.
Result<fs::path> library_of(const CommandContext& context, const Options& options) {
  const fs::path written = (context.cwd / options.library).lexically_normal();
  auto library = library_argument(context, options.library, options.directories);
  if (!library.ok()) return options.forget ? Result<fs::path>(written) : library;
  std::error_code error;
  fs::path real = fs::canonical(*library, error);
  if (error) return Error(Code::kNotFound, "cannot find " + library->string() + ": " + error.message());
  return real;
}

int trust(const CommandContext& context, const Options& options) {
  auto record = TrustedLibraries::read(process_search_inputs({}).env);
  if (!record.ok()) return fail(context, record.error());
  const auto library = library_of(context, options);
  if (!library.ok()) return fail(context, library.error());
  const std::string shown = printable(library->string());
  if (options.forget) {
    const auto forgotten = record->forget(*library);
    if (!forgotten.ok()) return fail(context, forgotten.error());
    if (!*forgotten)
      return fail(context, Error(Code::kNotFound, shown + " is not recorded in " + record->file().string()));
    if (context.json)
      print_json(context, Json::object({{"library", library->string()}, {"trusted", false}}));
    else
      print_text(context, "✅ No longer recorded: " + shown + "\n");
    return to_int(ExitCode::kOk);
  }
  for (const Status& checked : {check_trusted(*library), check_library_file(*library)})
    if (!checked.ok()) return fail(context, checked.error());
  const auto hash = record->trust(*library);
  if (!hash.ok()) return fail(context, hash.error());
  if (context.json)
    print_json(
        context,
        Json::object(
            {{"library", library->string()}, {"sha256", *hash}, {"trusted", true}, {"file", record->file().string()}}));
  else
    print_text(context, "✅ Trusted as it is now: " + shown + "\n   SHA-256: " + *hash + "\n   Recorded in " +
                            printable(record->file().string()) + "\n");
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_adapters_trust_command(const CommandTable& table, CLI::App* adapters) {
  table.add<Options>(
      "trust", "Record an adapter's library: from then on it is loaded only unchanged",
      {"osiris adapters trust ~/.local/share/osiris/adapters/mine.so", "osiris adapters trust mine --forget"},
      add_options, trust, adapters);
}

}  // namespace osiris
