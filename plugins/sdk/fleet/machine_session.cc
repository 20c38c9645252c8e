#include "plugins/sdk/fleet/machine_session.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/sdk/package/delivery.h"
#include "plugins/sdk/run/worker_run.h"
#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::sdk {
namespace {

// What is handed over in one call with the opening. More goes up as a file, without the third that a stream adds.
constexpr uint64_t kPackageBytesMax = uint64_t{256} << 10;
constexpr size_t kAheadMax = 2u << 20;  // of a package that goes up
constexpr size_t kBlockBytes = size_t{64} << 10;

int64_t elapsed_ms(int64_t since_ns) { return (system_clock().monotonic_ns() - since_ns) / 1'000'000; }

class BytesOfString : public ByteStream {
 public:
  BytesOfString(std::shared_ptr<const std::string> bytes, uint64_t offset)
      : bytes_(std::move(bytes)), at_(std::min<uint64_t>(offset, bytes_->size())) {}
  Result<std::string> read(Milliseconds) override {
    std::string block = bytes_->substr(at_, kBlockBytes);
    at_ += block.size();
    return block;
  }

 private:
  const std::shared_ptr<const std::string> bytes_;
  size_t at_;
};

uint64_t bytes_of(const PackageContents& contents) {
  return std::accumulate(
      contents.members.begin(), contents.members.end(), uint64_t{0},
      [](uint64_t sum, const auto& each) { return sum + (each.file.present ? 0 : each.file.size_bytes); });
}

DeliveryRequest delivery_of(const SessionContext& context) {
  DeliveryRequest wanted;
  wanted.worker_path = context.request.worker_path;
  wanted.worker_sha256 = context.request.worker_sha256;
  wanted.layout = layout_of(context.place.home(), context.request.run_id);
  wanted.shared = context.packed_worker;
  if (!context.terms.made_from.worker_directory.empty())
    wanted.present_in = context.terms.made_from.worker_directory;
  else if (context.has_worker)
    wanted.present_in = wanted.layout.root;
  return wanted;
}

}  // namespace

std::unique_ptr<ByteStream> bytes_from(std::shared_ptr<const std::string> bytes, uint64_t offset) {
  return std::make_unique<BytesOfString>(std::move(bytes), offset);
}

std::shared_ptr<const std::string> HandedPart::packed_bytes() {
  if (!packed_bytes_)
    if (auto bytes = channel_->take_result()) packed_bytes_ = std::make_shared<const std::string>(*std::move(bytes));
  return packed_bytes_;
}

ArtifactSource HandedPart::packed_source(const SessionContext& context, const rpc::Packed& packed,
                                         std::function<bool(Milliseconds)> sleep, const std::string& operation) {
  return {context.place.service(),
          [bytes = packed_bytes(), &context, path = packed.path, operation](uint64_t offset) {
            return bytes ? bytes_from(bytes, offset) : context.access.download(path, offset, operation);
          },
          std::move(sleep), context.cancelled};
}

MachineSession::MachineSession(SessionContext context)
    : context_(std::move(context)),
      relay_(context_.place.service(), context_.access, context_.waker,
             channel_context_of(context_.place, context_.access, context_.held.machine().id, "",
                                context_.terms.settings.retry_budget,
                                [&host = context_.host](const std::string& text) { host.log(OSIRIS_WARN, text); }),
             [&access = context_.access](const std::string& path) {
               return access.download(path, 0, "fetch the worker's records");
             }),
      listening_(context_.held, [this](const Error& error) { relay_.declare_lost(error); }) {}

Status MachineSession::start(const std::function<Status()>& meanwhile) {
  OSIRIS_ASSIGN(Delivery delivery, plan_relay(delivery_of(context_)));
  if (delivery.parts.empty()) {
    relay_.start(delivery.start);
  } else {
    // The files go first, on the connection that is there already; the process waits for the last of them.
    OSIRIS_TRY(
        context_.access.upload(std::move(delivery.parts), context_.cancelled, [&] { relay_.start(delivery.start); }));
  }
  OSIRIS_TRY(meanwhile());
  OSIRIS_TRY(relay_.started(context_.terms.settings.lease, context_.cancelled));
  return {};
}

Result<std::unique_ptr<HandedPart>> MachineSession::hand_over(const RunRequest& request, const Host& host,
                                                              std::function<void()> dropped,
                                                              const std::map<std::string, std::string>& present) {
  auto part = std::make_unique<HandedPart>();
  const Layout layout = layout_of(context_.place.home(), request.run_id);
  OSIRIS_TRY(make_directories(request.adapter_dir()));
  OSIRIS_TRY(open_wire_log(request, part->wire_log_));
  OSIRIS_ASSIGN(PackageContents contents, list_package_contents(request, layout, false));
  take_present(contents, present);
  const int64_t began_ns = system_clock().monotonic_ns();
  // Packages of shards are packed at the same time; others hold rows of shards, which are compressed as they are.
  PackageStream stream(contents, kAheadMax,
                       dropped ? archive::WriterOptions{.threads = 0} : archive::WriterOptions{.level = 1});
  RelayedRun run{layout.run,        layout.package(),  {}, layout.artifacts(), layout.records(),
                 request.drivers(), std::move(dropped)};
  uint64_t sent = 0;
  if (bytes_of(contents) <= kPackageBytesMax) {
    OSIRIS_TRY(stream.write_to([&](std::string_view bytes) {
      run.package += bytes;
      return true;
    }));
    sent = run.package.size();
  } else {
    std::vector<UploadPart> parts;
    parts.push_back({layout.package(), [&](const auto& sink) { return stream.write_to(sink); }});
    OSIRIS_ASSIGN(sent, context_.access.upload(std::move(parts), context_.cancelled, [] {}));
  }
  host.event("package_uploaded", {},
             Json::object({{"bytes", sent},
                           {"files", contents.files_sent()},
                           {"worker_sent", false},
                           {"duration_ms", elapsed_ms(began_ns)}}));
  Opening opening = opening_on_machine(context_.terms, request, contents, layout);
  RunLoopOptions options = loop_options_on_machine(context_.terms, request, opening, context_.held.machine().id);
  part->channel_ = relay_.next(std::move(run));
  part->loop_ = std::make_unique<RunLoop>(host, *part->channel_, context_.waker, part->wire_log_, std::move(options));
  part->loop_->begin(request.steps(), std::move(opening));
  return part;
}

namespace {

// What `osiris-worker --install-requirements` says there: events on stdout, its own and pip's words on stderr.
class InstallOutput {
 public:
  explicit InstallOutput(const SessionContext& context) : context_(context) {}

  void take(const ProcessEvent& event) {
    const bool is_output = event.kind == ProcessEvent::Kind::kOutput;
    if (!is_output && event.kind != ProcessEvent::Kind::kLog) return;
    std::string& begun = is_output ? output_ : log_;
    begun += event.bytes;
    for (size_t end; (end = begun.find('\n')) != std::string::npos; begun.erase(0, end + 1))
      take_line(begun.substr(0, end), is_output);
    if (begun.size() > kLineBytesMax) begun.clear();
  }
  // Of installing that failed.
  const std::string& why() const { return why_.empty() ? last_line_ : why_; }

 private:
  static constexpr size_t kLineBytesMax = size_t{64} << 10;

  void take_line(const std::string& line, bool is_output) {
    constexpr std::string_view kOwn = "osiris-worker: ", kEvent = "osiris-event ";
    if (!is_output && line.starts_with(kOwn))
      why_ = printable_line(std::string_view(line).substr(kOwn.size()));
    else if (!is_output && !trim(line).empty())
      last_line_ = printable_line(line);
    if (!is_output || !line.starts_with(kEvent)) return;
    const auto event = parse_json(std::string_view(line).substr(kEvent.size()));
    if (!event || (*event)["event"].as_string() != "dependency_installed") return;
    Json fields = Json::object();
    for (const auto& [key, value] : event->members())
      if (key != "event") fields.set(key, value);
    fields.set("where", std::string(context_.place.service().noun()));
    context_.host.event("dependency_installed", {}, fields);
  }

  const SessionContext& context_;
  std::string output_, log_, why_, last_line_;
};

std::optional<Error> why_to_stop(const SessionContext& context, int64_t until_ns) {
  if (context.cancelled) return Error(Code::kCancelled, "the run was cancelled");
  const int64_t now_ns = system_clock().monotonic_ns(), deadline_ns = context.request.deadline_monotonic_ns;
  if (deadline_ns != 0 && now_ns >= deadline_ns)
    return Error(Code::kDeadline, "the run did not end before its deadline", "Allow more time with --timeout.",
                 category::kRuntimeTimeout);
  if (now_ns >= until_ns) return Error(Code::kUnavailable, "the worker was not unpacked within the lease");
  return context.terms.ends_early ? context.terms.ends_early() : std::nullopt;
}

}  // namespace

Status prepare_parent(const SessionContext& context, std::vector<std::string> requirements) {
  // Packages take as long as they take: the machine's lease is renewed meanwhile.
  const int64_t until_ns = requirements.empty()
                               ? system_clock().monotonic_ns() + context.terms.settings.lease_s() * 1'000'000'000
                               : std::numeric_limits<int64_t>::max();
  DeliveryRequest wanted = delivery_of(context);
  wanted.requirements = std::move(requirements);
  wanted.environment = context.terms.settings.build_environment;
  OSIRIS_ASSIGN(Delivery delivery, plan_unpacking(std::move(wanted)));
  std::unique_ptr<ProcessStream> process;
  OSIRIS_TRY(context.access.upload(std::move(delivery.parts), context.cancelled,
                                   [&] { process = context.access.start(delivery.start); }));
  InstallOutput output(context);
  for (;;) {
    auto event = process->next(Milliseconds(100));
    if (auto reason = why_to_stop(context, until_ns)) return *std::move(reason);
    if (!event && event.error().code == Code::kDeadline) continue;
    if (!event) return event.error();
    output.take(*event);
    if (event->kind != ProcessEvent::Kind::kEnd) continue;
    const bool has_exited = event->exit.kind == ExitInfo::Kind::kExited;
    if (has_exited && event->exit.status == 0) return {};
    if (!has_exited || event->exit.status != kNotInstalled)
      return Error(Code::kUnavailable, "the worker cannot be unpacked there: the shell " + event->exit.describe());
    const std::string noun(context.place.service().noun());
    context.host.log(OSIRIS_WARN, "the packages of the shards' steps cannot be installed in the first " + noun +
                                      ", so each " + noun + " installs its own: " + output.why());
    return {};
  }
}

}  // namespace osiris::sdk
