// A template: an adapter that runs nothing and says so. Fill the three functions in.
// It shows every service once; the documents are described in docs/plugin-abi.md.
#include <osiris/adapter.hpp>
#include <osiris/options.hpp>

namespace {

namespace plugin = osiris::plugin;

struct Config {
  std::chrono::milliseconds wait{};
  std::map<std::string, std::string> labels;
};

// Each option once: what the host shows and checks, and where its value goes.
constexpr std::array kRows = {
    plugin::Bound<Config>{OSIRIS_DURATION, "wait", &Config::wait, "how long to wait for the service", {}, "60"},
    plugin::Bound<Config>{
        OSIRIS_PAIR, "label", &Config::labels, "a label for what is created", {}, {}, {}, {}, {}, OSIRIS_REPEATED},
};

class Mine : public plugin::Adapter {
 public:
  static constexpr osiris_str kId = OSIRIS_STR("mine");
  static constexpr osiris_str kName = OSIRIS_STR("Mine");
  static constexpr osiris_str kVersion = OSIRIS_STR("0.1.0");
  static constexpr osiris_str kSummary = OSIRIS_STR("a template that runs nothing");
  static constexpr auto kOptions = plugin::descriptors(kRows);
  static constexpr std::array<osiris_secret, 1> kSecrets = {
      osiris::plugin::secret("MINE_TOKEN", "what a secret of yours is, and where one gets it")};

  explicit Mine(plugin::Host host) : Adapter(host) {}
  ~Mine() override { release(); }  // collect may never have come

  void configure(const std::vector<plugin::Setting>& settings) override { plugin::apply(kRows, settings, config_); }

  // Could this run? Throw here, not in execute, whenever you can: nothing has been started yet.
  void validate(const plugin::Request& request) override {
    if (request.manifest_json.empty())
      throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "there is no pipeline to run", "compile one first");
    if (has_steps(request.manifest_json))  // no success is claimed for what was not run
      throw plugin::Failure(OSIRIS_UNSUPPORTED, "this template starts no worker, so it runs no steps",
                            "fill execute in, then take this out of validate");
  }

  // The index of what will travel. Same request, same bytes.
  std::string prepare(const plugin::Request&) override {
    return R"({"schema":"osiris.prepared/1","files":[],"secret_names":[],"options":{}})";
  }

  plugin::RunResult execute(const plugin::Request&) override {
    const bool has_token = host().with_secret("MINE_TOKEN", [](std::string_view) { /* log in with it, here */ });
    host().log(OSIRIS_INFO, has_token ? "logged in" : "no token");
    // Announce what costs money before its first use, so that a crash leaves a trace.
    host().event("resource_acquired", R"({"kind":"slot","id":"1","expires":"","cleanup":"nothing to do"})");
    holds_slot_ = true;
    host().progress(0, -1, "starting");
    if (host().is_cancelled()) throw plugin::Failure(OSIRIS_CANCELLED, "cancelled before the first step");
    host().metric("wait", static_cast<double>(config_.wait.count()) / 1000, "s");
    return {R"({"schema":"osiris.result/1","status":"success","steps":[],"total_rows":0})", {}};
  }

  // Fetch what was written, release what was acquired, verify that it is gone.
  std::string collect(const plugin::Request&) override {
    release();
    return R"({"schema":"osiris.artifacts/1","files":[],"released":[{"kind":"slot","id":"1","verified":true}]})";
  }

 private:
  // Whether the plan has steps, without a JSON library: a real adapter parses it.
  static bool has_steps(std::string_view manifest) {
    const size_t at = manifest.find("\"steps\"");
    const size_t open = at == manifest.npos ? at : manifest.find('[', at);
    return open != manifest.npos && manifest[manifest.find_first_not_of(" \t\r\n", open + 1)] != ']';
  }
  void release() {
    if (!std::exchange(holds_slot_, false)) return;
    host().event("resource_released", R"({"kind":"slot","id":"1","verified":true})");
  }

  Config config_;
  bool holds_slot_ = false;
};

}  // namespace

OSIRIS_PLUGIN(Mine)
OSIRIS_LIBRARY_INFO("mine", "0.1.0", "a first build")
