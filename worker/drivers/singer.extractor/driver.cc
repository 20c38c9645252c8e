#include "worker/drivers/singer.extractor/driver.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "worker/drivers/program/running.h"
#include "worker/drivers/program/staging_directory.h"
#include "worker/drivers/python/process_environment.h"
#include "worker/drivers/python/virtual_environment.h"
#include "worker/drivers/singer.extractor/catalog.h"
#include "worker/drivers/singer.extractor/messages.h"
#include "worker/drivers/singer.extractor/options.h"

namespace osiris::worker {
namespace singer {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr size_t kCatalogBytesMax = size_t{256} << 20;

// The tap's program, its documents and how it is started.
struct Tap {
  program::Running running;  // without what follows the tap's name
  fs::path directory;        // of its documents
};

// One start of the tap. `take` gets what it writes and says whether it goes on.
Status run_tap(StepContext& step, const Options& options, const Tap& tap, std::vector<std::string> arguments,
               const std::function<bool(std::string_view)>& take) {
  program::Running running = tap.running;
  running.arguments.insert(running.arguments.end(), arguments.begin(), arguments.end());
  auto heard = Clock::now();
  bool is_refused = false;
  const auto limit = std::chrono::seconds(options.idle_timeout_s);
  const auto is_silent = [&] { return Clock::now() - heard > limit; };
  running.on_output = [&](std::string_view bytes) {
    heard = Clock::now();
    if (!is_refused && !take(bytes)) is_refused = true;
  };
  running.on_error_line = [&] { heard = Clock::now(); };
  bool was_silent = false;
  running.must_end = [&] {
    was_silent = was_silent || is_silent();
    return is_refused || was_silent;
  };
  program::StdoutCommands none(step);
  const Status ended = program::run_to_end(step, options.contract, std::move(running), none,
                                           [&](const ExitStatus& exit, const program::LastLines& last) {
                                             Error error = program::exited(options.contract, exit, last);
                                             error.category = category::kExtractQueryFailed;
                                             return error;
                                           });
  if (is_refused || step.is_cancelled()) return step.is_cancelled() ? ended : Status();
  if (was_silent)
    return Error(Code::kUnavailable,
                 options.tap + " has said nothing for " + std::to_string(options.idle_timeout_s) + " s and was ended",
                 "Raise idle_timeout if it may be silent so long.", category::kRuntimeTimeout);
  return ended;
}

Result<Json> discovered(StepContext& step, const Options& options, const Tap& tap) {
  std::string text;
  OSIRIS_TRY(run_tap(step, options, tap, {"--discover"}, [&](std::string_view bytes) {
    text += bytes;
    return text.size() <= kCatalogBytesMax;
  }));
  if (text.size() > kCatalogBytesMax)
    return Error(Code::kStepFailed, "the catalog that " + options.tap + " discovers has more than 256 MiB");
  auto catalog = parse_json(text);
  if (catalog.ok() && catalog->is_object()) return catalog;
  return Error(Code::kStepFailed,
               options.tap + " --discover gave no catalog" + (catalog.ok() ? "" : ": " + catalog.error().message),
               "Give the step a 'catalog', or discover: false if the tap takes none.",
               category::kExtractSchemaMismatch);
}

Result<Json> catalog_of(StepContext& step, const Options& options, const Tap& tap) {
  if (options.catalog.empty()) return discovered(step, options, tap);
  OSIRIS_ASSIGN(const std::string text, read_file(step.input_file(options.catalog).absolute, kCatalogBytesMax));
  auto catalog = parse_json(text);
  return catalog.ok() ? catalog : Result<Json>(catalog.error().within(options.catalog));
}

// Where the tap is: one of its files, or a program of its environment or of PATH.
Result<std::string> tap_program(StepContext& step, const Options& options, const program::StagingDirectory& staging,
                                const std::string& path) {
  for (const std::string& file : options.contract.files)
    if (fs::path(file).lexically_normal() == fs::path(options.tap).lexically_normal()) {
      OSIRIS_ASSIGN(const fs::path place, program::stage_copy(step, staging, file, "tap", true));
      return place.string();
    }
  const auto found = program::find_program(options.tap, path);
  if (found.ok()) return *found;
  return Error(Code::kUnsupported, "the tap '" + options.tap + "' is not there: " + found.error().message,
               options.requirements.empty()
                   ? "Name its package under 'requirements', or its file under 'files'."
                   : "None of the packages under 'requirements' brings a program of that name.",
               category::kRuntimeDependencyFailed);
}

Result<Tap> make_tap(StepContext& step, const Options& options, const program::StagingDirectory& staging) {
  const python::ProcessEnvironment around = python::process_environment_of(step);
  Tap tap;
  tap.running.variables = around.base;
  for (const auto& [name, value] : step.passed_environment().members())
    program::set_variable(tap.running.variables, name, value.as_string());
  std::string path = around.path();
  tap.running.renames = program::staging_renames(staging);
  if (!options.requirements.empty()) {
    python::VirtualEnvironmentRequest wanted;
    OSIRIS_ASSIGN(wanted.interpreter, python::find_interpreter(options.python, around));
    wanted.requirements = options.requirements;
    wanted.cache_dir = step.settings()["cache_dir"].as_string();
    wanted.spare_dir = staging.root;
    wanted.may_install = step.settings()["install_deps"].as_bool();
    OSIRIS_ASSIGN(const python::VirtualEnvironment environment, python::ensure_virtual_environment(wanted, around));
    path = (environment.directory / "bin").string() + ":" + path;
    program::set_variable(tap.running.variables, "VIRTUAL_ENV", environment.directory.string());
    tap.running.renames.emplace_back(environment.directory.string(), "<environment>");
  }
  program::set_variable(tap.running.variables, "PATH", path);
  // Python writes as it goes, and in UTF-8 whatever the C locale says.
  program::set_variable(tap.running.variables, "PYTHONUNBUFFERED", "1");
  program::set_variable(tap.running.variables, "PYTHONUTF8", "1");
  program::set_variable(tap.running.variables, "TMPDIR", (staging.root / "tmp").string());
  OSIRIS_ASSIGN(const std::string found, tap_program(step, options, staging, path));
  tap.directory = staging.root / "tap";
  OSIRIS_TRY(make_directories(tap.directory));
  const std::string config = (tap.directory / "tap-config.json").string();
  OSIRIS_TRY(write_file_atomically(config, options.config.dump(), {.mode = 0600}));
  tap.running.arguments = {found, "--config", config};
  tap.running.working_directory = staging.code();
  tap.running.places = {staging.root, step.artifacts_dir()};
  tap.running.renames.insert(tap.running.renames.end(), options.secrets.begin(), options.secrets.end());
  return tap;
}

// What the tap sends.
Result<std::unique_ptr<Records>> extract(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step));
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_ASSIGN(const program::StagingDirectory staging,
                program::make_staging_directory(step, options.contract, options.tap));
  OSIRIS_ASSIGN(const Tap tap, make_tap(step, options, staging));
  std::vector<std::string> arguments;
  if (!options.catalog.empty() || options.discovers) {
    OSIRIS_ASSIGN(Json catalog, catalog_of(step, options, tap));
    OSIRIS_ASSIGN(catalog, selected_catalog(std::move(catalog), options.stream, options.select));
    const std::string file = (tap.directory / "catalog.json").string();
    OSIRIS_TRY(write_file_atomically(file, catalog.dump()));
    arguments = {options.catalog_argument, file};
  }
  if (!step.state().is_null()) {
    const std::string file = (tap.directory / "state.json").string();
    OSIRIS_TRY(write_file_atomically(file, step.state().dump()));
    arguments.insert(arguments.end(), {"--state", file});
  }
  Messages messages(step, options);
  OSIRIS_TRY(
      run_tap(step, options, tap, std::move(arguments), [&](std::string_view bytes) { return messages.feed(bytes); }));
  return messages.finish();
}

Result<StepOutcome> run(StepContext& step) {
  OSIRIS_ASSIGN(const std::unique_ptr<Records> records, extract(step));
  OSIRIS_TRY(records->create(step));
  step.progress(records->rows());
  return StepOutcome{.rows_read = records->rows(), .rows_written = 0};
}

// A tap's rows count once it has ended well, and a second start of it might do more than read.
Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  step.settles();
  OSIRIS_ASSIGN(std::unique_ptr<Records> records, extract(step));
  const StepOutcome outcome{.rows_read = records->rows(), .rows_written = 0};
  step.progress(outcome.rows_read);
  return stream_of(step, std::move(records), outcome);
}

// The interpreter, and the tap where it needs no packages.
Status check(StepContext& step) {
  if (step.config()["tap"].as_string().empty()) return {};
  OSIRIS_ASSIGN(const Options options, read_options(step));
  if (!options.requirements.empty()) {
    const auto found = python::interpreter_path(options.python, python::process_environment_of(step));
    return found.ok() ? Status() : Status(found.error());
  }
  OSIRIS_ASSIGN(const program::StagingDirectory staging,
                program::make_staging_directory(step, options.contract, options.tap));
  const auto tap = make_tap(step, options, staging);
  return tap.ok() ? Status() : Status(tap.error());
}

constexpr Driver kDriver = {.name = "singer.extractor", .run = run, .check = check, .open = open, .waits = true};

}  // namespace
}  // namespace singer

const Driver& singer_extractor() { return singer::kDriver; }

}  // namespace osiris::worker
