#include "host/commands/adapter_session.h"

#include "protocol/base/clock.h"

namespace osiris {

Result<ResolvedOptions> resolve_adapter_options(const CommandContext& context, const Project& project, const LoadedAdapter& adapter,
                                                const FlagValues& flags) {
  OptionInputs inputs;
  inputs.flags = flags;
  inputs.env = [&context](std::string_view name) { return context.environment.get_filled(name); };
  inputs.file = project.config().adapters[adapter.id()];
  inputs.working_directory = context.cwd;
  inputs.project_directory = project.directory();
  OSIRIS_ASSIGN(ResolvedOptions options, resolve_options(*adapter.type, inputs));
  for (const std::string& warning : options.warnings) print_warning(context, warning);
  return options;
}

AdapterSession::AdapterSession(std::string adapter)
    : log_(system_clock(), masking_),
      tally_(system_clock()),
      secrets_(masking_),
      events_({log_, tally_, resources_, secrets_, {}, {}}, std::move(adapter)) {}

Result<std::unique_ptr<AdapterSession>> AdapterSession::open(const CommandContext& context, const LoadedAdapter& adapter,
                                                             const ResolvedOptions& options) {
  std::unique_ptr<AdapterSession> session(new AdapterSession(std::string(adapter.id())));
  for (size_t i = 0; i < adapter.type->secret_count; ++i) {
    const std::string name(adapter.type->secrets[i].data, adapter.type->secrets[i].len);
    if (const auto value = context.environment.get_filled(name)) session->secrets_.add(name, *value);
  }
  OSIRIS_ASSIGN(session->instance_, AdapterInstance::create(*adapter.type, session->events_));
  OSIRIS_TRY(session->instance_->configure(options.settings()));
  return session;
}

}  // namespace osiris
