#include "host/commands/standalone_adapter.h"

#include "host/commands/interruptible.h"
#include "host/commands/version.h"
#include "host/project/file_trust.h"
#include "host/project/user_directories.h"
#include "host/run/adapter_run.h"
#include "protocol/base/clock.h"

namespace osiris {
namespace {

// "osiris.yaml:12:5: ..." for an error about what the file says.
Error at_place_in_file(const Error& error, const Project& project, const std::string& adapter) {
  const Json* key = error.detail.find(kFileKey);
  const Mark mark = key ? project.adapter_mark(adapter, key->as_string()) : Mark{};
  if (mark.line == 0) return error;
  return error.within("osiris.yaml:" + std::to_string(mark.line) + ":" + std::to_string(mark.column));
}

}  // namespace

Result<ResolvedOptions> resolve_adapter_options(const CommandContext& context, const Project& project,
                                                const LoadedAdapter& adapter, const FlagValues& flags) {
  if (context.dotenv_refused) return *context.dotenv_refused;
  if (!project.config().adapters[adapter.id()].is_null())
    OSIRIS_TRY(check_writers(project.directory() / "osiris.yaml", "project file"));
  OptionInputs inputs;
  inputs.flags = flags;
  inputs.env = [&context](std::string_view name) { return context.environment.get_filled(name); };
  inputs.env_origin = [&context](std::string_view name) { return context.environment.file_of(name); };
  inputs.file = project.config().adapters[adapter.id()];
  inputs.working_directory = context.cwd;
  inputs.project_directory = project.directory();
  auto options = resolve_options(*adapter.type, inputs);
  if (!options.ok()) return at_place_in_file(options.error(), project, std::string(adapter.id()));
  for (const std::string& warning : options->warnings) print_warning(context, warning);
  return options;
}

Json user_settings(const CommandContext& context, const UserState& user_state) {
  Json settings = Json::object();
  if (const auto owner = user_state.owner_id(); owner.ok()) settings.set("owner_id", *owner);
  settings.set("state_dir", user_state.directory().string());
  settings.set("cache_dir", user_cache_directory(context.environment).string());
  return settings;
}

Json adapter_settings(const CommandContext& context, const ComponentRegistry& registry, const UserState& user_state) {
  Json settings = user_settings(context, user_state);
  settings.set("specs_sha256", registry.specs_sha256());
  settings.set("worker_version", kVersion);
  if (const auto value = context.environment.get_filled("OSIRIS_RPC_DEBUG");
      value && *value != "0" && *value != "false")
    settings.set("rpc_debug", Json(true));
  return settings;
}

StandaloneAdapter::StandaloneAdapter(const LoadedAdapter& adapter)
    : manifest_(adapter.manifest),
      log_(system_clock(), masking_),
      tally_(system_clock()),
      secrets_(masking_),
      events_({log_, tally_, resources_, secrets_, {}, false}, std::string(adapter.id())) {}

Result<std::unique_ptr<StandaloneAdapter>> StandaloneAdapter::open(const CommandContext& context,
                                                                   const LoadedAdapter& adapter,
                                                                   const ResolvedOptions& options) {
  std::unique_ptr<StandaloneAdapter> session(new StandaloneAdapter(adapter));
  for (const std::string& value : options.sensitive_values()) session->masking_.learn(value);
  OSIRIS_TRY(lend_own_secrets(adapter, context.environment, session->secrets_));
  StandaloneAdapter* const self = session.get();
  OSIRIS_ASSIGN(
      session->interrupts_,
      begin_interruptible(context,
                          {[self](StopReason reason) { self->stop(reason); },
                           [self] { return describe_unreleased(self->resources_.unreleased(), self->manifest_.id); }},
                          system_clock().monotonic_ns() + kLimitNs));
  OSIRIS_ASSIGN(auto instance, AdapterInstance::create(*adapter.type, session->events_));
  {
    const std::lock_guard lock(session->mutex_);
    session->instance_ = std::move(instance);
  }
  OSIRIS_TRY(session->instance_->configure(options.settings()));
  return session;
}

void StandaloneAdapter::stop(StopReason reason) {
  events_.request_stop(reason);
  const std::lock_guard lock(mutex_);
  if (instance_) instance_->cancel();
}

}  // namespace osiris
