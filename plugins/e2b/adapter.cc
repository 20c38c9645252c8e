#include "plugins/e2b/adapter.h"

#include "plugins/e2b/age_limit_notice.h"
#include "plugins/e2b/dependencies.h"
#include "plugins/e2b/endpoints.h"
#include "plugins/e2b/failures.h"
#include "plugins/e2b/worker_template.h"
#include "protocol/base/clock.h"
#include "protocol/base/wipe.h"
#include "protocol/http/curl_transport.h"

namespace osiris::e2b {
namespace {

constexpr const char* kApiKeyName = "E2B_API_KEY";

constexpr long kConnectionsOfASandbox = 3;

// What E2B calls the public template that every account has.
constexpr const char* kDefaultTemplate = "base";

}  // namespace

void E2bAdapter::configure(const std::vector<plugin::Setting>& settings) {
  config_ = read_config(settings);
  open_ledger();
  set_up(config_, kOptions, settings);
}

void E2bAdapter::check(const plugin::Request& request) const {
  const RunInputs inputs = read_inputs(request);
  check_or_throw(check_index_reachable(config_, inputs));
  check_or_throw(check_budget(inputs));
}

std::unique_ptr<adapter_sdk::Place> E2bAdapter::connect() {
  ApiConfig api;
  api.api_url = config_.api_url;
  api.sandbox_url = config_.sandbox_url;
  api.domain = config_.domain;
  api.timeouts.connect = config_.connect_timeout;
  api.timeouts.total = api.timeouts.idle = config_.request_timeout;
  host().with_secret(kApiKeyName, [&](std::string_view value) { api.api_key = value; });
  if (api.api_key.empty())
    throw to_failure(make_failure(FailureClass::kAuthError, "there is no E2B API key",
                                  "Set E2B_API_KEY in the environment or in .env; keys are made in E2B's dashboard."));
  check_or_throw(check_authorities(config_.ca_file));
  http::CurlOptions options;
  options.ca_file = config_.ca_file;
  options.proxy = config_.proxy;
  options.https_proxy = config_.https_proxy;
  options.no_proxy = config_.no_proxy;
  options.user_agent = "osiris";
  // Over HTTP/1.1 each sandbox's stream has a connection for as long as it lives, and calls beside it need one of their
  // own: the sandbox's input, its lease, its files.
  options.connections_max += kConnectionsOfASandbox * static_cast<long>(config_.machines);
  http::RetryPolicy policy;
  policy.budget = config_.retry_budget;
  auto place = std::make_unique<E2bPlace>(
      std::make_unique<http::CurlTransport>(options), api, policy,
      [this](http::Milliseconds wait) { return sleep(wait); },
      [this](const http::Request& request, const http::RetryNote& note) {
        host().log(OSIRIS_WARN, request.label + ": " + note.reason + "; attempt " + std::to_string(note.attempt + 1) +
                                    " in " + std::to_string(note.wait.count()) + " ms");
      });
  wipe(api.api_key);
  return place;
}

void E2bAdapter::begin(const plugin::Request& request) {
  E2bPlace& service = e2b();
  if (config_.debug) check_or_throw(service.wire().open_log(read_inputs(request).adapter_dir() / "e2b-wire.log"));
  if (config_.egress_proxy) service.wire().mask(config_.egress_proxy->password);
  host().event("service_selected", destinations().dump());
}

Result<BuiltTemplate> E2bAdapter::build_template(const TemplateSpec& spec, const RunInputs& inputs, bool again) {
  const int64_t started_ns = system_clock().monotonic_ns();
  BuildOptions options;
  options.timeout_ms = config_.build_timeout.count();
  options.sleep = [this](http::Milliseconds wait) { return sleep(wait); };
  options.log = [this](const std::string& name, const std::string& line) { return take_build_line(name, line); };
  options.cancelled = &cancelled();
  options.force = again;
  options.owner = inputs.settings["owner_id"].as_string_or("unknown");
  options.retry_budget = config_.retry_budget;
  options.may_build = [&] { return begin_build(spec); };
  OSIRIS_TRY(take_shape(expected_shape(config_, true)));
  if (config_.install_deps && config_.deps_in_template)
    for (const std::string& warning : pip_warnings(config_)) host().log(OSIRIS_WARN, warning);
  OSIRIS_ASSIGN(const BuiltTemplate built, ensure_template(e2b().api(), spec, options));
  end_build();
  host().event("template_built",
               Json::object({{"template_id", built.template_id},
                             {"name", built.name},
                             {"built", built.built_now},
                             {"bytes", built.bytes_uploaded},
                             {"duration_ms", (system_clock().monotonic_ns() - started_ns) / 1'000'000}})
                   .dump());
  return built;
}

adapter_sdk::Template E2bAdapter::choose_template(const plugin::Request& request, bool again) {
  const RunInputs inputs = read_inputs(request);
  adapter_sdk::Template chosen;
  chosen.id = config_.template_id.empty() ? kDefaultTemplate : config_.template_id;
  if (const auto spec = value_or_throw(worker_template(config_, inputs, chosen.id))) {
    const BuiltTemplate built = value_or_throw(build_template(*spec, inputs, again));
    chosen.id = built.template_id;
    chosen.worker_directory = kTemplateRoot;
    chosen.found_by_name = !built.built_now;
    if (config_.deps_in_template) chosen.cache_directory = std::string(kTemplateRoot) + "/cache";
  } else {
    check_or_throw(take_shape_of(chosen.id));
  }
  if (again) return chosen;
  if (const auto notice = age_limit_notice(config_.timeout.count()))
    host().log(OSIRIS_WARN, *notice, R"({"notice":true})");
  return chosen;
}

// What `osiris-worker --install-requirements` says on stdout comes back as lines of the build's log, with E2B's own
// words before them. False for such a line.
bool E2bAdapter::take_build_line(const std::string& name, const std::string& line) const {
  constexpr std::string_view kEvent = "osiris-event ";
  const size_t at = line.find(kEvent);
  if (at == std::string::npos) {
    host().log(OSIRIS_INFO, "template " + name + ": " + line);
    return true;
  }
  const auto event = parse_json(std::string_view(line).substr(at + kEvent.size()));
  if (!event || (*event)["event"].as_string() != "dependency_installed") return false;
  Json fields = Json::object();
  for (const auto& [key, value] : event->members())
    if (key != "event") fields.set(key, value);
  fields.set("where", "template");
  host().event("dependency_installed", fields.dump());
  return false;
}

}  // namespace osiris::e2b
