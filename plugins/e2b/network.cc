#include "plugins/e2b/network.h"

namespace osiris::e2b {
const adapter_sdk::ServiceDescription& service_description() {
  static const adapter_sdk::ServiceDescription description{
      "e2b",
      "E2B",
      "sandbox",
      "sandboxes",
      "envd",
      "--e2b-",
      {"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "::1/128",
       "fc00::/7", "fe80::/10"}};
  return description;
}

Json network_rules(const adapter_sdk::Egress& egress, bool with_password) {
  Json network = Json::object();
  if (egress.restricted) {
    Json allow = Json::array();
    for (const std::string& each : egress.allow()) allow.push_back(each);
    network.set("allowOut", std::move(allow));
    network.set("denyOut", Json::array({"0.0.0.0/0"}));
  }
  if (egress.proxy && egress.internet) {
    Json proxy = Json::object({{"address", egress.proxy->address}});
    if (!egress.proxy->user.empty()) proxy.set("username", egress.proxy->user);
    if (!egress.proxy->password.empty() && with_password) proxy.set("password", egress.proxy->password);
    network.set("egressProxy", std::move(proxy));
  }
  return network.size() > 0 ? network : Json();
}

}  // namespace osiris::e2b
