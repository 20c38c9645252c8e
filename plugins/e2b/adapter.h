// The adapter `e2b`: the worker in an E2B cloud sandbox. The stages are those of
// osiris/sdk/remote_adapter.hpp;
// here is what is E2B's: its options, its service (place.h), its templates, what it tells beforehand, and what it lists
// and releases outside any run.
#pragma once

#include <osiris/adapter.hpp>
#include <osiris/sdk/ledger.hpp>
#include <osiris/sdk/remote_adapter.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/e2b/api/templates.h"
#include "plugins/e2b/network.h"
#include "plugins/e2b/options.h"
#include "plugins/e2b/place.h"
#include "plugins/e2b/prices.h"
#include "plugins/e2b/run_inputs.h"

namespace osiris::e2b {

// [run] throughout, but for cancel().
class E2bAdapter final : public adapter_sdk::RemoteAdapter, public plugin::Resources, public plugin::Explanation {
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
  void check(const plugin::Request& request) const override;
  const adapter_sdk::ServiceDescription& service() const override { return service_description(); }
  std::unique_ptr<adapter_sdk::Place> connect() override;
  void begin(const plugin::Request& request) override;
  adapter_sdk::Template choose_template(const plugin::Request& request, bool again) override;

  std::optional<plugin::Failure> ends_early(const std::string& machine_id) override;
  void released() override { report_cost(true); }

  // The books (metering.cc).
  void open_ledger();
  Status take_shape(const std::optional<Shape>& shape) const;
  Status check_budget(const RunInputs& inputs) const;
  Status take_shape_of(const std::string& template_id);
  Status begin_build(const TemplateSpec& spec);
  void end_build();
  void report_cost(bool is_final);

  Result<BuiltTemplate> build_template(const TemplateSpec& spec, const RunInputs& inputs, bool again);
  E2bPlace& e2b() { return static_cast<E2bPlace&>(place()); }
  Json destinations() const;
  bool take_build_line(const std::string& name, const std::string& line) const;

  static constexpr const char* kBuildEntry = "template build";

  Config config_;
  std::shared_ptr<adapter_sdk::Ledger> ledger_;
  uint64_t reported_ = 0;  // of the ledger's revisions
  bool is_building_ = false;
};

}  // namespace osiris::e2b
