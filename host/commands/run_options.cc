#include "host/commands/run_options.h"

#include <algorithm>

#include "host/commands/standalone_adapter.h"
#include "host/display/format.h"
#include "host/project/run_index.h"
#include "protocol/base/quantity.h"
#include "protocol/model/memory_limit.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// The value a flag was given, which has to be positive.
template <class Number>
Result<Number> of_flag(const char* flag, const std::string& text, const Result<Number>& parsed) {
  if (!parsed.ok())
    return Error(Code::kInvalidArgument, std::string(flag) + ": " + parsed.error().message, parsed.error().hint);
  if (*parsed <= 0)
    return Error(Code::kInvalidArgument, std::string(flag) + " needs a positive value, not '" + text + "'");
  return *parsed;
}

Result<LatestPointer> latest_in(const RunIndex& index, const std::string& name) {
  auto pointer = index.read_latest(name);
  if (!pointer.ok()) pointer = index.read_latest(slugify(name));
  return pointer;
}

}  // namespace

Result<fs::path> pipeline_file(const CommandContext& context, const Project& project, const RunOptions& options) {
  const bool latest = options.last_compile || !options.last_compile_in.empty();
  const std::string& file = options.file.empty() && options.repeat.names_file() ? options.repeat.run : options.file;
  if (latest && !file.empty())
    return Error(Code::kInvalidArgument, "Cannot specify both a pipeline file and --last-compile flags",
                 "give one of them");
  if (!latest) {
    if (file.empty())
      return Error(Code::kInvalidArgument, "No pipeline file specified",
                   "osiris run FILE, or osiris run --last-compile");
    std::error_code code;
    if (!fs::exists(context.cwd / file, code)) {
      const fs::path from_project = context.place.directory / file;
      return Error(Code::kNotFound, "Pipeline file not found: " + file,
                   fs::exists(from_project, code)
                       ? "did you mean " + from_project.lexically_relative(context.cwd).string() + "?"
                       : "paths are relative to " + context.cwd.string());
    }
    return fs::path(file);
  }
  const RunIndex index(project.index_dir());
  const auto pointer = options.last_compile ? index.read_last_compile() : latest_in(index, options.last_compile_in);
  if (pointer.ok() && fs::exists(pointer->path)) return pointer->path;
  if (const auto manifest = context.environment.get_filled("OSIRIS_LAST_MANIFEST"); manifest && options.last_compile) {
    if (fs::exists(*manifest)) return fs::path(*manifest);
  }
  return Error(Code::kNotFound,
               "No recent compile found" + (options.last_compile ? std::string() : " of " + options.last_compile_in) +
                   " (check " + (project.index_dir() / "latest").string() + "/ or run 'osiris compile' first)");
}

void add_repeat_options(CLI::App& command, RepeatOptions& options) {
  command
      .add_option_function<std::vector<std::string>>(
          "--resume",
          [&options](const std::vector<std::string>& words) {
            options.resumes = true;
            options.run = words.empty() ? std::string() : words.front();
          },
          "repeat only what failed or changed since this run (default: the newest of the pipeline)")
      ->expected(0, 1)
      ->type_name("RUN");
  command.add_option("--from", options.from, "repeat this step and all that follow from it")->type_name("STEP");
  command.add_option("--until", options.until, "run this step and what it needs, nothing else")->type_name("STEP");
  command.add_option("--only", options.only, "repeat this step alone, on rows that are kept")->type_name("STEP");
  command.add_flag("--keep-outputs", options.keeps, "keep the rows of steps, so that a run can be resumed");
  command.add_flag("--no-cache", options.no_cache, "take nothing that was kept, and keep nothing");
}

void add_run_options(CLI::App& command, RunOptions& options) {
  command.add_option("file", options.file, "OML file or compiled manifest")->type_name("FILE");
  command.add_option("-p,--profile", options.profile, "profile to run with")->type_name("NAME");
  command.add_option("--param", options.params, "parameter of the pipeline, repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  command.add_option("--out", options.out, "copy what the run wrote and its artifacts there")->type_name("DIR");
  command.add_flag("--last-compile", options.last_compile, "run what was compiled last");
  command.add_option("--last-compile-in", options.last_compile_in, "run what was compiled last of this pipeline")
      ->type_name("NAME");
  command.add_option("--timeout", options.timeout, "stop the run after this time (90, 15m, 1h30m)")
      ->type_name("DURATION");
  command.add_option("--memory-limit", options.memory_limit, "memory of the worker's data (512MiB, 2GiB)")
      ->type_name("SIZE");
  command.add_option("--threads", options.threads, "threads of the worker's data plane")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--parallel", options.parallel,
                  "steps that wait for a server or a script at the same time, at most (default: 4 for each core)")
      ->type_name("N")
      ->check(CLI::Range(1, 64));
  command.add_option("--cpu", options.cpu, "processors of the machine, where the adapter can choose")->type_name("N");
  command.add_option("--memory-gb", options.memory_gb, "memory of the machine, where the adapter can choose")
      ->type_name("GB");
  command
      .add_option("--max-cost", options.max_cost, "end the run before it costs more, where the adapter knows prices")
      ->type_name("USD");
  command
      .add_option("--report", options.reports,
                  "write the result in a form for build servers, repeatable: junit=FILE, gitlab=FILE")
      ->type_name("FORM=FILE")
      ->allow_extra_args(false);
  add_repeat_options(command, options.repeat);
  command.add_flag("--exclusive", options.exclusive, "fail while another exclusive run of this pipeline is going on");
  command.add_flag("--dry-run", options.dry_run, "show what would be done; touch nothing");
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

Result<std::vector<ReportFile>> report_files(const std::vector<std::string>& texts) {
  std::vector<ReportFile> files;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    ReportFile report{text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)};
    if ((report.form != "junit" && report.form != "gitlab") || report.file.empty())
      return Error(Code::kInvalidArgument, "--report takes a form and a file, got '" + text + "'",
                   "--report junit=FILE, --report gitlab=FILE");
    files.push_back(std::move(report));
  }
  return files;
}

Status check_destinations(const CommandContext& context, const RunOptions& options,
                          const std::vector<ReportFile>& reports) {
  const auto wrong = [](const std::string& flag, const std::string& path, const char* is) {
    return Error(Code::kInvalidArgument, flag + ": " + path + is, "choose another one");
  };
  std::error_code code;
  const std::filesystem::path out = context.cwd / options.out;
  if (!options.out.empty() && std::filesystem::exists(out, code) && !std::filesystem::is_directory(out, code))
    return wrong("--out", options.out, " is no directory");
  for (const ReportFile& report : reports)
    if (std::filesystem::is_directory(context.cwd / report.file, code))
      return wrong("--report", report.file, " is a directory");
  return {};
}

Result<double> duration_of_flag(const char* flag, const std::string& text) {
  return of_flag(flag, text, parse_duration_s(text));
}

Result<uint64_t> memory_limit_bytes(const std::string& text) {
  OSIRIS_ASSIGN(const int64_t bytes, of_flag("--memory-limit", text, parse_size_with_unit(text)));
  const auto limit = static_cast<uint64_t>(bytes);
  if (limit < kMemoryLimitBytesMin)
    return Error(Code::kInvalidArgument,
                 "--memory-limit: " + format_bytes(limit) + " is less than a worker can be held to: the engine needs " +
                     format_bytes(kEngineMemoryBytesMin) + ", the rest of the worker " +
                     format_bytes(kWorkerMemoryBytesMin),
                 "allow " + format_bytes(kMemoryLimitBytesMin) + " or more: --memory-limit 512MiB");
  return limit;
}

Result<double> run_timeout_s(const ResolvedOptions& options, double flag_s) {
  const ResolvedOption* timeout = options.find("timeout");
  if (!timeout || timeout->spec.type != OSIRIS_DURATION) return flag_s;
  return duration_of_flag(timeout->spec.flag.c_str(), timeout->values.back());
}

Result<FlagValues> effective_flags(const LoadedAdapter& adapter, const RunOptions& options) {
  FlagValues flags = options.adapter_flags;
  const auto specs = option_specs(*adapter.type);
  const auto has = [&](const std::string& name) {
    return std::any_of(specs.begin(), specs.end(), [&](const OptionSpec& spec) { return spec.name == name; });
  };
  // A flag with the adapter's own prefix is the more precise one: it stays last.
  const auto add = [&](const char* name, const std::string& value) { flags.insert(flags.begin(), {name, value}); };
  const auto given = [&](const char* name) {
    return std::any_of(flags.begin(), flags.end(), [&](const auto& flag) { return flag.first == name; });
  };
  if (!options.timeout.empty() && has("timeout") && !given("timeout")) add("timeout", options.timeout);
  const struct {
    const char *flag, *name;
    const std::string& value;
    const char* lacks;
  } synonyms[] = {{"--cpu", "cpu", options.cpu, "it cannot choose the machine"},
                  {"--memory-gb", "mem", options.memory_gb, "it cannot choose the machine"},
                  {"--max-cost", "max-cost", options.max_cost, "it knows no prices"}};
  for (const auto& synonym : synonyms) {
    if (synonym.value.empty() || given(synonym.name)) continue;
    if (!has(synonym.name))
      return Error(
          Code::kInvalidArgument,
          std::string(synonym.flag) + " has no meaning for adapter " + std::string(adapter.id()) + ": " + synonym.lacks,
          "leave it out, or use an adapter that can");
    add(synonym.name, synonym.value);
  }
  return flags;
}

Json worker_settings(const CommandContext& context, const RunOptions& options, const ComponentRegistry& registry,
                     uint64_t memory_limit_bytes, const UserState& user_state) {
  Json settings = adapter_settings(context, registry, user_state);
  if (memory_limit_bytes) settings.set("memory_limit_bytes", memory_limit_bytes);
  if (options.threads) settings.set("threads", uint64_t{options.threads});
  if (options.parallel) settings.set("parallel", uint64_t{options.parallel});
  if (options.allow_mock) settings.set("allow_mock", Json(true));
  return settings;
}

}  // namespace osiris
