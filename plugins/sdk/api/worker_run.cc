#include <osiris/sdk/delivery.hpp>
#include <osiris/sdk/worker_run.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <span>
#include <system_error>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/abi/shown_options.h"
#include "plugins/sdk/api/byte_stream.h"
#include "plugins/sdk/api/convert.h"
#include "plugins/sdk/api/elsewhere.h"
#include "plugins/sdk/api/service.h"
#include "plugins/sdk/package/artifacts.h"
#include "plugins/sdk/package/delivery.h"
#include "plugins/sdk/package/receive_artifacts.h"
#include "plugins/sdk/package/run_package.h"
#include "plugins/sdk/place/machine_opening.h"
#include "plugins/sdk/run/worker_run.h"
#include "protocol/base/clock.h"
#include "protocol/base/temporary_name.h"

namespace osiris::adapter_sdk {
namespace {

namespace fs = std::filesystem;

Status check_worker(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  const std::string reinstall = "Install osiris again, or build the target osiris-worker.";
  if (path.empty() || status.type() == fs::file_type::not_found)
    return Error(Code::kNotFound, "the worker binary " + path.string() + " does not exist", reinstall);
  if (!fs::is_regular_file(status) || ::access(path.c_str(), X_OK) != 0)
    return Error(Code::kInvalidArgument, "the worker binary " + path.string() + " is not an executable file",
                 reinstall);
  return {};
}

plugin::RunResult result_of(const sdk::RunOutcome& outcome) {
  plugin::RunResult result{outcome.result.dump(), std::nullopt};
  if (!outcome.status) result.failure = sdk::to_failure(outcome.status.error());
  return result;
}

// What a worker on this machine leaves when it is killed: its own directory, and what it was writing beside its
// outputs.
class LeftByAWorker {
 public:
  explicit LeftByAWorker(const sdk::RunRequest& request) : request_(request) {}
  ~LeftByAWorker() {
    std::error_code ignored;
    fs::remove_all(request_.session_dir / ".worker", ignored);
    if (has_ended_well_) return;
    std::set<fs::path> seen;
    for (const PlanStep& step : request_.steps())
      for (const PlanFile& output : step.outputs)
        if (seen.insert(fs::path(output.location).parent_path()).second)
          remove_temporaries_beside(output.location, request_.run_id);
  }
  LeftByAWorker(const LeftByAWorker&) = delete;
  LeftByAWorker& operator=(const LeftByAWorker&) = delete;

  void ended_well() { has_ended_well_ = true; }

 private:
  const sdk::RunRequest& request_;
  bool has_ended_well_ = false;
};

}  // namespace

struct WorkerRun::Parts {
  explicit Parts(plugin::Host of) : host(of.table()) {}

  sdk::Host host;
  Waker waker;
  std::atomic<bool> cancelled{false};
  WorkerOptions options;
  std::vector<std::pair<std::string, std::string>> shown_options;  // for "prepared"
  std::vector<Artifact> artifacts;                                 // where the host looks for them
  std::optional<rpc::Packed> packed;                               // of a run elsewhere
  std::optional<sdk::ExitInfo> worker_exit;

  sdk::WorkerSettings settings(std::string cache_dir) const {
    return {.environment = options, .install_deps = options.install_deps, .cache_dir = std::move(cache_dir)};
  }
  Result<sdk::RunOutcome> loop(const sdk::RunRequest& request, ByteChannel& channel, sdk::Opening opening,
                               sdk::RunLoopOptions options);
};

Result<sdk::RunOutcome> WorkerRun::Parts::loop(const sdk::RunRequest& request, ByteChannel& channel,
                                               sdk::Opening opening, sdk::RunLoopOptions loop_options) {
  sdk::WireLog wire_log;
  OSIRIS_TRY(sdk::open_wire_log(request, wire_log));
  loop_options.cancel_grace_ms = static_cast<int64_t>(options.grace_s * 1000);
  LoopChannel own(channel);
  sdk::RunLoop loop(host, own, waker.parts().waker, wire_log, std::move(loop_options));
  sdk::RunOutcome outcome = loop.run(request.steps(), std::move(opening));
  worker_exit = outcome.worker_exit;
  return outcome;
}

WorkerRun::WorkerRun(plugin::Host host) : parts_(std::make_unique<Parts>(host)) {}
WorkerRun::~WorkerRun() = default;

void WorkerRun::configure(const WorkerOptions& worker, const osiris_option* options, size_t count,
                          const std::vector<plugin::Setting>& settings) {
  parts_->options = worker;
  parts_->shown_options = sdk::shown_options(std::span(options, count), settings);
}

void WorkerRun::cancel() noexcept {
  parts_->cancelled = true;
  parts_->waker.wake();
}
bool WorkerRun::is_cancelled() const noexcept { return parts_->cancelled || parts_->host.is_cancelled(); }
const Waker& WorkerRun::waker() const noexcept { return parts_->waker; }

std::optional<Exit> WorkerRun::worker_exit() const {
  if (!parts_->worker_exit) return std::nullopt;
  return to_exit(*parts_->worker_exit);
}

void WorkerRun::validate(const plugin::Request& from, Files files) const {
  const sdk::RunRequest request = sdk::value_or_throw(sdk::read_request(from));
  if (files == Files::kHere) sdk::check_or_throw(check_worker(request.worker_path));
  if (files == Files::kTravel && !request.worker_path.empty())  // a dry run names none
    sdk::check_or_throw(sdk::check_worker_travels(request.worker_path));
  sdk::value_or_throw(sdk::environment_names(parts_->options));
  std::error_code error;
  if (files == Files::kHere && !fs::is_directory(request.work_dir, error))
    throw plugin::Failure(OSIRIS_INVALID_ARGUMENT,
                          "the work directory " + request.work_dir.string() + " is not a directory");
}

std::string WorkerRun::prepare(const plugin::Request& from, Files files) const {
  const sdk::RunRequest request = sdk::value_or_throw(sdk::read_request(from));
  sdk::PackageOptions options;
  options.hash_inputs = files == Files::kTravel;
  options.environment_names = sdk::value_or_throw(sdk::environment_names(parts_->options));
  options.options = parts_->shown_options;
  return sdk::value_or_throw(sdk::prepared_document(request, options)).dump();
}

Program WorkerRun::local_worker(const plugin::Request& request) const {
  sdk::check_or_throw(check_worker(fs::path(request.worker_path)));
  return {std::string(request.worker_path), {}, worker_environment(home_directory()), std::string(request.work_dir)};
}

Program WorkerRun::early_worker(const osiris_early_run& run) {
  const auto text = [](osiris_str from) { return std::string(from.data, from.len); };
  Program program{text(run.worker_path), {"--ahead"}, worker_environment(home_directory()), text(run.work_dir)};
  for (uint32_t i = 0; i < run.driver_count; ++i) program.arguments.push_back(text(run.drivers[i]));
  return program;
}

plugin::RunResult WorkerRun::run_here(const plugin::Request& from, ByteChannel& channel) {
  const sdk::RunRequest request = sdk::value_or_throw(sdk::read_request(from));
  LeftByAWorker left(request);
  const std::string cache = request.settings["cache_dir"].as_string_or(home_directory() + "/.cache/osiris");
  sdk::Opening opening = sdk::worker_opening(request, parts_->settings(cache));
  sdk::RunLoopOptions options = sdk::worker_loop_options(request, opening, request.worker_path.string());
  options.open_after_hello = true;  // costs nothing on a pipe
  sdk::RunOutcome outcome = sdk::value_or_throw(parts_->loop(request, channel, std::move(opening), std::move(options)));
  parts_->artifacts = std::move(outcome.artifacts);
  if (outcome.status.ok()) left.ended_well();
  return result_of(outcome);
}

std::string WorkerRun::worker_place(const std::string& root, const plugin::Request& request) {
  return adapter_sdk::worker_place(root, request.worker_sha256);
}

plugin::RunResult WorkerRun::run_elsewhere(const plugin::Request& from, const Elsewhere& where) {
  const sdk::RunRequest request = sdk::value_or_throw(sdk::read_request(from));
  if (const Status free = sdk::check_outputs(request); !free) {  // what would fail at the end fails before it costs
    sdk::StepBoard board(request.steps());
    board.abandon(free.error());
    return {board.result_document("failed", Json::object()).dump(), sdk::to_failure(free.error())};
  }
  const auto layout = sdk::Layout{where.home, where.root, where.run_directory};
  const sdk::PackageContents contents = sdk::value_or_throw(sdk::list_package_contents(request, layout, false));
  const std::string script = sdk::value_or_throw(send_package(parts_->host, where, layout, request, contents));
  sdk::Opening opening = sdk::worker_opening(request, parts_->settings(layout.cache()));
  sdk::place_opening(layout, contents, opening);
  sdk::RunLoopOptions options = sdk::worker_loop_options(request, opening, where.name);
  options.stall_limit_ms = where.stall_limit.count();
  options.awaits_worker = where.awaits_worker;
  options.hello_timeout_ms = std::max(options.hello_timeout_ms, options.stall_limit_ms);
  const auto channel = where.start(script);
  sdk::RunOutcome outcome =
      sdk::value_or_throw(parts_->loop(request, *channel, std::move(opening), std::move(options)));
  parts_->packed = std::move(outcome.packed);
  return result_of(outcome);
}

void WorkerRun::fetch(const plugin::Request& from, FileChannel& files) {
  if (!parts_->packed) return;
  const sdk::RunRequest request = sdk::value_or_throw(sdk::read_request(from));
  static const ServiceDescription kMachine{{}, {}, "machine", "machines", "machine", {}, {}};
  const DescribedService machine(kMachine);
  const auto sleep = [this](Milliseconds wait) {
    pollfd woken{parts_->waker.fd(), POLLIN, 0};
    return !is_cancelled() && ::poll(&woken, 1, static_cast<int>(wait.count())) == 0;
  };
  const sdk::ArtifactSource source{
      machine,
      [&](uint64_t offset) {
        return byte_stream([&, offset] { return files.download(parts_->packed->path, offset); });
      },
      sleep, parts_->cancelled};
  parts_->artifacts =
      sdk::value_or_throw(sdk::receive_artifacts(source, *parts_->packed, request, sdk::ReceiveLimits())).outputs;
}

std::string WorkerRun::collect(const plugin::Request&, std::string_view released_json) const {
  const auto released = parse_json(released_json);
  if (!released || !released->is_array())
    throw plugin::Failure(OSIRIS_INTERNAL, "the adapter's list of what it released is no JSON array");
  return sdk::artifacts_document(parts_->artifacts, *released).dump();
}

}  // namespace osiris::adapter_sdk
