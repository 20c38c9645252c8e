// The options of `osiris run`, and what they mean together.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/adapters/options.h"
#include "host/commands/adapter_flags.h"
#include "host/commands/context.h"
#include "host/run/user_state.h"

namespace osiris {

// What a run takes from earlier ones and leaves for later ones (docs/resume.md).
struct RepeatOptions {
  bool resumes = false, keeps = false, no_cache = false;
  std::string run;  // to resume; empty: the newest
  std::string from, until, only;

  // Not every step of the pipeline may have to run.
  bool asks() const { return resumes || !from.empty() || !until.empty() || !only.empty(); }
  // `--resume p.yaml`: the word is no run but the file.
  bool names_file() const { return run.ends_with(".yaml") || run.ends_with(".yml"); }
};
void add_repeat_options(CLI::App& command, RepeatOptions& options);

struct RunOptions {
  RepeatOptions repeat;
  std::string file, profile, out, last_compile_in, timeout, memory_limit, cpu, memory_gb, max_cost;
  std::vector<std::string> params, reports;
  size_t threads = 0, parallel = 0;
  bool last_compile = false, dry_run = false, exclusive = false, allow_mock = false;
  FlagValues adapter_flags;
};

void add_run_options(CLI::App& command, RunOptions& options);

// --report: a form and a file.
struct ReportFile {
  std::string form;  // "junit", "gitlab"
  std::filesystem::path file;
};
// "junit=out/run.xml". The error names what is wrong.
Result<std::vector<ReportFile>> report_files(const std::vector<std::string>& texts);
// That what follows the run has a place to go to, before it runs.
Status check_destinations(const CommandContext& context, const RunOptions& options,
                          const std::vector<ReportFile>& reports);

// The file to run: the one given, or the one --last-compile[-in] points to. The reference's texts for what is wrong.
Result<std::filesystem::path> pipeline_file(const CommandContext& context, const Project& project,
                                            const RunOptions& options);

// "90", "90s", "15m", "1h30m", "500ms" in seconds. The error names `flag`.
Result<double> duration_of_flag(const char* flag, const std::string& text);
// --memory-limit: "512MiB", "1.5GiB" in bytes, no less than a worker can be held to.
Result<uint64_t> memory_limit_bytes(const std::string& text);

// How long a run may take: what the adapter's own `timeout` says, or else `flag_s`, the value of --timeout. 0: without
// limit.
Result<double> run_timeout_s(const ResolvedOptions& options, double flag_s);

// The adapter's flags with those of `run` that are any adapter's (--timeout, --cpu, --memory-gb as Python Osiris spells
// them; --max-cost) added, where the adapter has such an option; an error where it has not.
Result<FlagValues> effective_flags(const LoadedAdapter& adapter, const RunOptions& options);

// What the adapter is told of how the worker should run ("settings_json").
Json worker_settings(const CommandContext& context, const RunOptions& options, const ComponentRegistry& registry,
                     uint64_t memory_limit_bytes, const UserState& user_state);

}  // namespace osiris
