#include "plugins/e2b/verdict.h"

#include <set>
#include <string>

#include "plugins/e2b/network.h"
#include "protocol/base/rfc3339.h"
#include "protocol/base/text.h"

namespace osiris::e2b {
namespace {

// Between a create and its first second, by any count of the service's; a fork may say when its parent began.
constexpr int64_t kSlackNs = 120'000'000'000;

// Of names and addresses, as a service may spell them.
std::set<std::string> texts(const Json& list) {
  std::set<std::string> all;
  for (const Json& each : list.items()) {
    std::string text = ascii_lower(each.as_string());
    if (text.ends_with("/32")) text.resize(text.size() - 3);
    all.insert(std::move(text));
  }
  return all;
}

void check_egress(const Json& said, const adapter_sdk::MachineSpec& wanted, adapter_sdk::Verdict& verdict) {
  const Json rules = network_rules(wanted.egress, false);
  const Json &network = said["network"], &internet = said["allowInternetAccess"];
  if (!wanted.egress.internet) {
    const bool is_closed = texts(network["denyOut"]).count("0.0.0.0/0") > 0 && network["allowOut"].size() == 0;
    if (!internet.is_bool() && !network.is_object())
      verdict.untold.emplace_back("its egress rules");
    else if (internet.as_bool(true) && !is_closed)
      verdict.wrong = "it reaches the internet";
    return;
  }
  if (!network.is_object()) {
    if (rules.is_object()) verdict.untold.emplace_back("its egress rules");
    return;
  }
  for (const char* list : {"allowOut", "denyOut"})
    if (texts(network[list]) != texts(rules[list]))
      verdict.wrong = "its egress rules are " + network.dump() + ", not " + rules.dump();
  if (network["egressProxy"]["address"].as_string() != rules["egressProxy"]["address"].as_string())
    verdict.wrong = "its egress proxy is not the one asked for";
}

void check_end(const Json& said, const adapter_sdk::MachineSpec& wanted, adapter_sdk::Verdict& verdict) {
  const std::string& on_timeout = said["lifecycle"]["onTimeout"].as_string();
  if (on_timeout.empty())
    verdict.untold.emplace_back("what becomes of it after its lease");
  else if (on_timeout != "kill")
    verdict.wrong = "after its lease the service would not end it but " + on_timeout + " it";
  const auto began = parse_rfc3339(said["startedAt"].as_string());
  const auto ends = parse_rfc3339(said["endAt"].as_string());
  if (!began || !ends)
    verdict.untold.emplace_back("its lease");
  else if (*ends - *began > wanted.lease_s * 1'000'000'000 + kSlackNs)
    verdict.wrong = "it lives until " + said["endAt"].as_string() + ", longer than its lease";
}

}  // namespace

adapter_sdk::Verdict verdict_of(const Json& said, const adapter_sdk::MachineSpec& wanted) {
  adapter_sdk::Verdict verdict;
  check_egress(said, wanted, verdict);
  check_end(said, wanted, verdict);
  return verdict;
}

}  // namespace osiris::e2b
