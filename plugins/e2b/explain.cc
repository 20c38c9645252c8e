// What a run would touch, told before and while it does: where the key is sent, and what the sandbox may reach.
#include "plugins/e2b/adapter.h"
#include "plugins/e2b/cost.h"
#include "plugins/e2b/endpoints.h"
#include "plugins/e2b/failures.h"
#include "protocol/base/text.h"

namespace osiris::e2b {
namespace {

Json fact(std::string_view topic, std::string text, std::initializer_list<Json> options) {
  return Json::object({{"topic", topic}, {"text", std::move(text)}, {"options", Json::array(options)}});
}

Json texts(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) list.push_back(value);
  return list;
}

std::string egress_text(const Config& config, const adapter_sdk::Egress& egress) {
  std::string text;
  if (!egress.internet)
    text = config.network == "none" ? "the sandbox may reach nothing"
                                    : "the sandbox may reach nothing: no connection names a host";
  else if (!egress.restricted)
    text = "the sandbox may reach everything";
  else
    text =
        "the sandbox may reach " + join(egress.allow(), ", ") + ", and E2B's name server where one of these is a name";
  if (egress.internet && egress.proxy) text += "; its connections go through the SOCKS5 proxy " + egress.proxy->address;
  return text;
}

}  // namespace

// Where the key and the sandbox's data go. No user, no password.
Json E2bAdapter::destinations() const {
  Json to = Json::object({{"api_url", without_userinfo(config_.api_url)}});
  to.set("sandbox_url", config_.sandbox_url.empty() ? "the domain that the service names, else " + config_.domain
                                                    : without_userinfo(config_.sandbox_url));
  const bool is_https = config_.api_url.starts_with("https");
  const std::string& proxy = !config_.proxy.empty() || !is_https ? config_.proxy : config_.https_proxy;
  if (!proxy.empty()) {
    to.set("proxy", without_userinfo(proxy));
    if (!config_.no_proxy.empty()) to.set("no_proxy", config_.no_proxy);
  }
  if (!config_.ca_file.empty()) to.set("ca_file", config_.ca_file);
  return to;
}

std::string E2bAdapter::explain(const plugin::Request& from) {
  const RunInputs inputs = read_inputs(from);
  const Json to = destinations();
  std::string told = "the API key is sent to " + to["api_url"].as_string();
  if (to["proxy"].is_string()) told += " through the proxy " + to["proxy"].as_string();
  Json facts = Json::array(
      {fact("service", std::move(told), {"domain", "api-url", "proxy", "https-proxy", "no-proxy", "ca-file"}),
       fact("sandbox", "files, secrets and records of the run go to " + to["sandbox_url"].as_string(),
            {"domain", "sandbox-url"})});
  Json document = Json::object({{"schema", "osiris.explanation/1"}, {"destinations", to}});
  std::vector<std::string> warnings;
  adapter_sdk::Egress egress;
  const Status derived = status_of([&] { egress = adapter_sdk::derive_egress(config_, service(), from); });
  if (derived) {
    facts.push_back(fact("network", egress_text(config_, egress), {"network", "network-allow", "egress-proxy"}));
    for (const std::string& note : egress.notes) facts.push_back(fact("network", note, {}));
    warnings = egress.warnings;
    document.set("internet", egress.internet);
    document.set("network", network_rules(egress, false));
  } else {
    warnings.push_back("the run would fail here: " + derived.error().message +
                       (derived.error().hint.empty() ? "" : " (" + derived.error().hint + ")"));
  }
  Estimate cost = estimate(config_, inputs);
  facts.push_back(fact("cost", std::move(cost.text), {"max-cost", "price-cpu", "price-mem", "cpu", "mem", "template"}));
  for (std::string& warning : cost.warnings) warnings.push_back(std::move(warning));
  document.set("cost", std::move(cost.document));
  document.set("facts", std::move(facts));
  document.set("warnings", texts(warnings));
  return document.dump();
}

}  // namespace osiris::e2b
