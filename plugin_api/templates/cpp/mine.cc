// A complete adapter: the worker as a child process on this machine. The run loop is osiris-adapter-sdk's
// (<osiris/sdk/worker_run.hpp>); yours is where the worker runs and how its bytes come here.
#include <osiris/adapter.hpp>
#include <osiris/options.hpp>
#include <osiris/sdk.hpp>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace {

namespace plugin = osiris::plugin;
namespace sdk = osiris::adapter_sdk;

// Your own options become members here, and rows below: plugin::joined(sdk::worker_rows<Config>(), kMyRows).
struct Config : sdk::WorkerOptions {};
constexpr auto kRows = sdk::worker_rows<Config>();

class Mine final : public plugin::Adapter {
 public:
  static constexpr osiris_str kId = OSIRIS_STR("mine");
  static constexpr osiris_str kName = OSIRIS_STR("Mine");
  static constexpr osiris_str kVersion = OSIRIS_STR("0.1.0");
  static constexpr osiris_str kSummary = OSIRIS_STR("runs pipelines by a worker on this machine");
  static constexpr auto kOptions = plugin::descriptors(kRows);
  // A secret of your own: plugin::secret("MINE_TOKEN", "what it is, and where one gets it"), also in the manifest.
  static constexpr std::array<osiris_secret, 0> kSecrets = {};

  explicit Mine(plugin::Host host) : Adapter(host), run_(host) {}

  void configure(const std::vector<plugin::Setting>& settings) override {
    plugin::apply(kRows, settings, config_);
    run_.configure(config_, kOptions, settings);
  }

  // Could this run? Throw here, not in execute, whenever you can: nothing has been started yet.
  void validate(const plugin::Request& request) override { run_.validate(request, sdk::Files::kHere); }

  // The index of what will travel; Files::kTravel where the worker is elsewhere.
  std::string prepare(const plugin::Request& request) override { return run_.prepare(request, sdk::Files::kHere); }

  // A worker elsewhere: a sdk::ByteChannel of your own, a sdk::FileChannel, and run_.run_elsewhere.
  plugin::RunResult execute(const plugin::Request& request) override {
    auto channel = std::make_unique<sdk::ProcessChannel>(run_.local_worker(request), run_.waker());
    const std::string pid = std::to_string(channel->pid());
    const std::string process = R"({"kind":"process","id":)" + sdk::json_string(pid);
    // What outlives a killed host is announced before its first use, so that a crash leaves a trace.
    host().event("resource_acquired",
                 process + R"(,"expires":"","cleanup":)" + sdk::json_string("kill -9 -" + pid) + "}");
    plugin::RunResult result;
    try {
      result = run_.run_here(request, *channel);
    } catch (...) {
      channel.reset();  // which kills it
      host().event("resource_released", process + R"(,"verified":true})");
      throw;
    }
    host().event("resource_released",
                 process + (run_.worker_exit() ? R"(,"verified":true})" : R"(,"verified":false})"));
    return result;
  }

  // Fetch what was written (run_.fetch, of a worker elsewhere), release what was acquired, verify that it is gone.
  std::string collect(const plugin::Request& request) override { return run_.collect(request); }

  void cancel() noexcept override { run_.cancel(); }

 private:
  sdk::WorkerRun run_;
  Config config_ = plugin::defaults(kRows);
};

}  // namespace

OSIRIS_PLUGIN(Mine)
OSIRIS_LIBRARY_INFO("mine", "0.1.0", "a first build")
