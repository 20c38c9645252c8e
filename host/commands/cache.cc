// osiris cache: what runs have kept of their steps' rows, shown and removed.
#include "host/cache/kept_outputs.h"
#include "host/commands/commands.h"
#include "host/compiler/manifest.h"
#include "host/display/format.h"

namespace osiris {
namespace {

struct Options {
  std::string pipeline;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("--pipeline", options.pipeline, "only of this pipeline")->type_name("NAME");
}

int show(const CommandContext& context, const Options& options) {
  const auto project = load_project(context);
  if (!project.ok()) return fail(context, project.error());
  FileHashes hashes(project->cache_dir() / "files.json", system_clock());
  const KeptOutputs kept(project->cache_dir(), project->config().cache_bytes_max, hashes);
  Table table({{"Pipeline"}, {"Step"}, {"Rows"}, {"Size"}, {"Kept"}, {"Run ID"}});
  Json entries = Json::array();
  uint64_t bytes = 0;
  for (const KeptEntry& entry : kept.list()) {
    if (!options.pipeline.empty() && entry.pipeline_id != pipeline_id_of(options.pipeline)) continue;
    bytes += entry.size_bytes;
    const std::string created = format_iso8601_micros(entry.created_unix_ns, true);
    entries.push_back(Json::object({{"pipeline", entry.pipeline_id},
                                    {"step", entry.step_id},
                                    {"component", entry.component},
                                    {"rows", entry.rows_out},
                                    {"size_bytes", entry.size_bytes},
                                    {"created_at", created},
                                    {"run_id", entry.run_id},
                                    {"key", entry.key},
                                    {"path", entry.file.string()}}));
    table.row({printable(entry.pipeline_id), printable(entry.step_id), std::to_string(entry.rows_out),
               format_bytes(entry.size_bytes), created.substr(0, 19), printable(entry.run_id)});
  }
  if (context.json) {
    print_json(context, Json::object({{"entries", std::move(entries)},
                                      {"size_bytes", bytes},
                                      {"max_bytes", kept.bytes_max()},
                                      {"path", project->cache_dir().string()}}));
  } else {
    print_text(context, table.empty() ? "No outputs of steps are kept.\n"
                                      : table.text() + format_bytes(bytes) + " of " + format_bytes(kept.bytes_max()) +
                                            " in " + printable(project->cache_dir().string()) + "\n");
  }
  return to_int(ExitCode::kOk);
}

int clear(const CommandContext& context, const Options& options) {
  const auto project = load_project(context);
  if (!project.ok()) return fail(context, project.error());
  FileHashes hashes(project->cache_dir() / "files.json", system_clock());
  KeptOutputs kept(project->cache_dir(), project->config().cache_bytes_max, hashes);
  const auto cleared = kept.clear(options.pipeline.empty() ? std::string() : pipeline_id_of(options.pipeline));
  if (!cleared.ok()) return fail(context, of_own_files(cleared.error()), Json::object(), ErrorSource::kService);
  if (context.json)
    print_json(context,
               Json::object(
                   {{"status", "success"}, {"removed", uint64_t{cleared->entries}}, {"freed_bytes", cleared->bytes}}));
  else
    print_news(context,
               "Removed " + counted(cleared->entries, "kept output") + ", " + format_bytes(cleared->bytes) + "\n");
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_cache_commands(const CommandTable& table) {
  CLI::App* cache = table.app.add_subcommand("cache", "What runs have kept of their steps' rows");
  cache->require_subcommand(1);
  table.add<Options>("show", "Show what is kept, the last used first", {"osiris cache show"}, add_options, show, cache);
  table.add<Options>("clear", "Remove what is kept", {"osiris cache clear", "osiris cache clear --pipeline orders"},
                     add_options, clear, cache);
}

}  // namespace osiris
