// The adapter `e2b`: the worker in an E2B cloud sandbox. The stages are those of plugins/sdk/place/remote_adapter.h;
// here is what is E2B's: its options, its service (place.h), its templates, what it tells beforehand, and what it lists
// and releases outside any run.
#pragma once

#include <osiris/adapter.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/e2b/api/templates.h"
#include "plugins/e2b/network.h"
#include "plugins/e2b/options.h"
#include "plugins/e2b/place.h"
#include "plugins/e2b/prices.h"
#include "plugins/sdk/place/metered_place.h"
#include "plugins/sdk/place/remote_adapter.h"

namespace osiris::e2b {

// [run] throughout, but for cancel().
class E2bAdapter final : public sdk::RemoteAdapter, public plugin::Resources, public plugin::Explanation {
 public:
  static constexpr osiris_str kId = OSIRIS_STR("e2b"), kName = OSIRIS_STR("E2B"), kVersion = OSIRIS_STR(OSIRIS_VERSION),
                              kSummary = OSIRIS_STR("runs the worker in an E2B cloud sandbox");
  static constexpr auto kOptions = plugin::descriptors(kRows);
  static constexpr std::array<osiris_secret, 1> kSecrets = {
      plugin::secret("E2B_API_KEY", "the API key of your team; E2B's dashboard makes them")};

  explicit E2bAdapter(plugin::Host host) : RemoteAdapter(host) {}

  void configure(const std::vector<plugin::Setting>& settings) override;
  std::string explain(const plugin::Request& request) override;
  std::string list_resources(const plugin::ResourceQuery& query) override;
  std::string release_resource(const plugin::ResourceQuery& query) override;

 private:
  Status check(const sdk::RunRequest& request) const override;
  const sdk::ServiceNetwork& network() const override { return service_network(); }
  Result<std::unique_ptr<sdk::Place>> connect() override;
  Status begin(const sdk::RunRequest& request) override;
  Result<sdk::Template> choose_template(const sdk::RunRequest& request, bool again) override;

  std::optional<Error> ends_early(const std::string& machine_id) override;
  sdk::Milliseconds early_grace() const override { return config_.cost_reserve / 2; }
  void released() override { report_cost(true); }

  // The books (metering.cc).
  void open_ledger();
  std::unique_ptr<sdk::Place> metered(std::unique_ptr<E2bPlace> place);
  Status take_shape(const std::optional<Shape>& shape) const;
  Status check_budget(const sdk::RunRequest& request) const;
  Status take_shape_of(const std::string& template_id);
  Status begin_build(const TemplateSpec& spec);
  void end_build();
  void report_cost(bool is_final);

  Result<E2bPlace*> e2b();
  Json destinations() const;
  bool take_build_line(const std::string& name, const std::string& line) const;

  static constexpr const char* kBuildEntry = "template build";

  Config config_;
  std::shared_ptr<sdk::Ledger> ledger_;
  uint64_t reported_ = 0;  // of the ledger's revisions
  bool is_building_ = false;
  E2bPlace* e2b_ = nullptr;  // what connect() made, inside place()
};

}  // namespace osiris::e2b
