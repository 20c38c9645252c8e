#include "check/describe.h"

#include "check/bench/life.h"
#include "check/bench/worker_between.h"
#include "check/case.h"
#include "host/adapters/abi_text.h"
#include "host/adapters/library_file.h"
#include "protocol/base/file.h"

namespace osiris::check {
namespace {

// Why such a run is nothing that this adapter does; empty: it is, however it ends.
std::string why_not_run(Bench& bench, const AdapterRequest& request) {
  Life life(bench);
  life.run(request);
  bench.next_run();
  for (const char* stage : {"configure", "validate", "prepare", "execute"}) {
    const Status& status = life.status_of(stage);
    if (!status.ok() && status.error().code == Code::kUnsupported)
      return "the adapter runs no such pipeline (" + std::string(stage) + ": " + status.error().message + ")";
  }
  return {};
}

class Description {
 public:
  explicit Description(Bench& bench) : bench_(bench) {}
  void set(const char* key, Json value) {
    json_.set(key, std::move(value));
    write();
  }
  void missing(unsigned need, const std::string& why) {
    missing_.set(need_name(need), why);
    set("missing", missing_);
  }

 private:
  void write() { (void)write_file_atomically(bench_.task().directory / kDescriptionFile, json_.dump()); }
  Bench& bench_;
  Json json_ = Json::object(), missing_ = Json::object();
};

void describe_runs(Bench& bench, Description& description) {
  if (bench.task().worker.empty()) {
    for (const unsigned need : {kRuns, kChannel})
      description.missing(need, "there is no osiris-worker beside this program; name one with --worker");
    return;
  }
  const Pipeline pipeline = small_pipeline(bench.directory("probe"));
  AdapterRequest request = bench.request(pipeline);
  const WorkerBetween between(bench, "plain");
  request.worker_path = between.path();
  request.worker_sha256 = between.sha256();
  std::string reason = why_not_run(bench, request);
  const bool is_here = between.was_started();
  // Elsewhere a script is no worker: what the adapter makes of the real one counts.
  if (!is_here && !reason.empty()) reason = why_not_run(bench, bench.request(small_pipeline(bench.directory("again"))));
  description.set("runs", reason.empty());
  if (!reason.empty()) description.missing(kRuns, reason);
  if (!is_here)
    description.missing(kChannel, reason.empty() ? "the adapter does not start the worker on this machine" : reason);
}

}  // namespace

const char* need_name(unsigned need) {
  switch (need) {
    case kRuns:
      return "runs";
    case kChannel:
      return "channel";
    case kResources:
      return "resources";
    case kExplanation:
      return "explanation";
    default:
      return "";
  }
}

void describe(Bench& bench) {
  Description description(bench);
  if (const auto info = library_info(bench.task().library)) description.set("build", info->build);
  if (const Status loaded = bench.load(); !loaded.ok()) return description.set("problem", loaded.error().message);
  description.set("abi", abi_version_text(bench.module()->abi));
  if (!bench.defects().empty()) return description.set("problem", bench.defects().front());
  const osiris_adapter_type& type = bench.type();
  description.set("id", abi_copy(type.id));
  description.set("name", abi_copy(type.name));
  description.set("version", abi_copy(type.version));
  if (!owns_remote_resources(type)) description.missing(kResources, "the adapter has no osiris.resources/1");
  if (!has_explanation(type)) description.missing(kExplanation, "the adapter has no osiris.explain/1");
  if (bench.task().probes) describe_runs(bench, description);
}

}  // namespace osiris::check
