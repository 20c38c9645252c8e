#include "host/adapters/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace osiris {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr osiris_str kModes[] = {OSIRIS_STR("fast"), OSIRIS_STR("safe")};

// Options of every kind that resolution treats differently.
class Options : public ::testing::Test {
 protected:
  Options() {
    add(OSIRIS_DURATION, "timeout", 0, "900");
    add(OSIRIS_BYTES, "mem", 0, "1073741824").bare_unit = OSIRIS_STR("GiB");
    add(OSIRIS_PATH, "env-from", OSIRIS_REPEATED);
    add(OSIRIS_PAIR, "env", OSIRIS_REPEATED | OSIRIS_SENSITIVE);
    add(OSIRIS_ENV, "pass-env", OSIRIS_REPEATED);
    add(OSIRIS_BOOL, "install-deps", 0, "false");
    auto& mode = add(OSIRIS_CHOICE, "mode", OSIRIS_DEPRECATED);
    mode.choices = kModes;
    mode.choice_count = 2;
    add(OSIRIS_INT, "secret-number", OSIRIS_HIDDEN | OSIRIS_SENSITIVE);
    add(OSIRIS_TEXT, "api-url").shared_env = OSIRIS_STR("E2B_API_URL");
    add(OSIRIS_JSON, "tolerations");
    add(99, "future");
    inputs_.working_directory = "/cwd";
    inputs_.project_directory = "/project";
    inputs_.env = [this](std::string_view name) -> std::optional<std::string> {
      const auto it = variables_.find(name);
      return it == variables_.end() ? std::nullopt : std::optional(it->second);
    };
  }

  osiris_option& add(uint32_t type, const char* name, uint32_t flags = 0, const char* default_value = nullptr) {
    auto option = std::make_unique<osiris_option>();
    option->size = sizeof(osiris_option);
    option->type = type;
    option->flags = flags;
    option->name = {name, std::char_traits<char>::length(name)};
    option->help = OSIRIS_STR("what it does");
    if (default_value) option->default_value = {default_value, std::char_traits<char>::length(default_value)};
    owned_.push_back(std::move(option));
    return *owned_.back();
  }

  Result<ResolvedOptions> resolve() {
    pointers_.clear();
    for (const auto& option : owned_) pointers_.push_back(option.get());
    osiris_adapter_type type{};
    type.size = sizeof type;
    type.id = OSIRIS_STR("e2b");
    type.options = pointers_.data();
    type.option_count = static_cast<uint32_t>(pointers_.size());
    return resolve_options(type, inputs_);
  }
  ResolvedOptions resolved() {
    auto result = resolve();
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? *std::move(result) : ResolvedOptions{};
  }
  // Message and hint.
  std::string complaint() {
    const auto result = resolve();
    return result.ok() ? "" : result.error().message + " | " + result.error().hint;
  }
  void file(const std::string& json) { inputs_.file = *parse_json(json); }

  OptionInputs inputs_;
  std::map<std::string, std::string, std::less<>> variables_;

 private:
  std::vector<std::unique_ptr<osiris_option>> owned_;
  std::vector<const osiris_option*> pointers_;
};

TEST_F(Options, StartFromTheirDefaults) {
  EXPECT_THAT(resolved().settings(),
              ElementsAre(Pair("timeout", "900"), Pair("mem", "1073741824"), Pair("install-deps", "false")));
  EXPECT_EQ(resolved().find("timeout")->source, OptionSource::kDefault);
  EXPECT_EQ(resolved().find("mode"), nullptr);
}

TEST_F(Options, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  file(R"({"timeout": "10m"})");
  EXPECT_EQ(resolved().find("timeout")->values, std::vector<std::string>{"600"});
  EXPECT_EQ(resolved().find("timeout")->source, OptionSource::kFile);
  variables_["OSIRIS_E2B_TIMEOUT"] = "5m";
  EXPECT_EQ(resolved().find("timeout")->values, std::vector<std::string>{"300"});
  EXPECT_EQ(resolved().find("timeout")->source, OptionSource::kEnvironment);
  inputs_.flags = {{"timeout", "1m"}, {"timeout", "2m"}};
  EXPECT_EQ(resolved().find("timeout")->values, std::vector<std::string>{"120"}) << "the last flag counts";
  EXPECT_EQ(resolved().find("timeout")->source, OptionSource::kFlag);
}

TEST_F(Options, AnEmptyVariableDoesNotCount) {
  variables_["OSIRIS_E2B_TIMEOUT"] = "";
  EXPECT_EQ(resolved().find("timeout")->source, OptionSource::kDefault);
}

TEST_F(Options, AVariableOfTheServicesOwnIsReadAfterOurs) {
  variables_["E2B_API_URL"] = "http://a";
  EXPECT_EQ(resolved().find("api-url")->values, std::vector<std::string>{"http://a"});
  variables_["OSIRIS_E2B_API_URL"] = "http://b";
  EXPECT_EQ(resolved().find("api-url")->values, std::vector<std::string>{"http://b"});
  variables_["E2B_TIMEOUT"] = "1s";
  EXPECT_EQ(resolved().find("timeout")->source, OptionSource::kDefault) << "only where the adapter says so";
}

TEST_F(Options, JsonIsCompactTextAndInTheFileAWholeStructure) {
  inputs_.flags = {{"tolerations", " [ {\"key\" : \"gpu\"} ] "}};
  EXPECT_EQ(resolved().find("tolerations")->values, std::vector<std::string>{R"([{"key":"gpu"}])"});
  inputs_.flags = {{"tolerations", "[1"}};
  EXPECT_THAT(resolve().error().message, testing::HasSubstr("is not JSON"));
  inputs_.flags.clear();
  inputs_.file = Json::object({{"tolerations", Json::array({Json::object({{"key", "gpu"}, {"n", 1}})})}});
  EXPECT_EQ(resolved().find("tolerations")->values, std::vector<std::string>{R"([{"key":"gpu","n":1}])"});
  inputs_.file = Json::object({{"tolerations", "gpu"}});
  EXPECT_EQ(resolved().find("tolerations")->values, std::vector<std::string>{R"("gpu")"}) << "YAML text is JSON text";
}

TEST_F(Options, OfSeveralSharedVariablesTheFirstThatIsSetCounts) {
  add(OSIRIS_TEXT, "https-proxy").shared_env = OSIRIS_STR("https_proxy HTTPS_PROXY");
  EXPECT_EQ(resolved().find("https-proxy"), nullptr);
  variables_["HTTPS_PROXY"] = "http://upper";
  EXPECT_EQ(resolved().find("https-proxy")->values, std::vector<std::string>{"http://upper"});
  EXPECT_EQ(resolved().find("https-proxy")->from, "HTTPS_PROXY");
  variables_["https_proxy"] = "http://lower";
  EXPECT_EQ(resolved().find("https-proxy")->values, std::vector<std::string>{"http://lower"}) << "as curl has it";
  variables_["OSIRIS_E2B_HTTPS_PROXY"] = "http://ours";
  EXPECT_EQ(resolved().find("https-proxy")->values, std::vector<std::string>{"http://ours"});
  inputs_.flags = {{"https-proxy", "http://flag"}};
  EXPECT_EQ(resolved().find("https-proxy")->values, std::vector<std::string>{"http://flag"});
  variables_["API_URL"] = "http://nobody-asked";
  EXPECT_EQ(resolved().find("api-url"), nullptr) << "only where the adapter says so";
}

TEST_F(Options, SayWhereExactlyTheyCameFrom) {
  inputs_.env_origin = [](std::string_view name) { return name == "E2B_API_URL" ? "/project/.env" : ""; };
  variables_["E2B_API_URL"] = "http://a";
  EXPECT_EQ(resolved().find("api-url")->from, "E2B_API_URL in /project/.env");
  EXPECT_EQ(source_text(*resolved().find("api-url")), "environment: E2B_API_URL in /project/.env");
  EXPECT_EQ(resolved().to_json()["api-url"]["from"].as_string(), "E2B_API_URL in /project/.env");
  variables_["OSIRIS_E2B_API_URL"] = "http://b";
  EXPECT_EQ(resolved().find("api-url")->from, "OSIRIS_E2B_API_URL");
  variables_.clear();
  file(R"({"api_url": "http://c"})");
  EXPECT_EQ(resolved().find("api-url")->from, "adapters.e2b.api_url in osiris.yaml");
  inputs_.flags = {{"api-url", "http://d"}};
  EXPECT_EQ(resolved().find("api-url")->from, "--e2b-api-url");
  EXPECT_FALSE(resolved().to_json()["api-url"].contains("from")) << "the flag's name says it";
  EXPECT_FALSE(resolved().to_json()["timeout"].contains("from")) << "a default comes from nowhere";
}

TEST_F(Options, HideThePasswordOfAUrlAndNothingElse) {
  variables_["E2B_API_URL"] = "http://team:hunter2hunter2@proxy:3128";
  EXPECT_EQ(resolved().to_json()["api-url"]["value"].as_string(), "http://team:***MASKED***@proxy:3128");
  EXPECT_THAT(resolved().sensitive_values(), ElementsAre("hunter2hunter2"));
  EXPECT_EQ(resolved().find("api-url")->values, std::vector<std::string>{"http://team:hunter2hunter2@proxy:3128"})
      << "the adapter gets it whole";
  variables_["E2B_API_URL"] = "team:hunter2hunter2@proxy:1080";
  EXPECT_EQ(resolved().to_json()["api-url"]["value"].as_string(), "team:***MASKED***@proxy:1080");
  for (const char* plain : {"http://proxy:3128", "registry:5000/image@sha256:0123", "name:tag"}) {
    variables_["E2B_API_URL"] = plain;
    EXPECT_EQ(resolved().to_json()["api-url"]["value"].as_string(), plain);
    EXPECT_THAT(resolved().sensitive_values(), IsEmpty()) << plain;
  }
}

TEST_F(Options, ABareNumberTakesItsUnitOnlyFromTheUser) {
  EXPECT_EQ(resolved().find("mem")->values, std::vector<std::string>{"1073741824"}) << "a default is canonical";
  file(R"({"mem": 4})");
  EXPECT_EQ(resolved().find("mem")->values, std::vector<std::string>{"4294967296"});
}

TEST_F(Options, RepeatedOnesKeepTheirOrder) {
  inputs_.flags = {{"env-from", "a.env"}, {"timeout", "9"}, {"env-from", "/b.env"}};
  EXPECT_EQ(resolved().find("env-from")->values, (std::vector<std::string>{"/cwd/a.env", "/b.env"}));
  inputs_.flags.clear();
  variables_["OSIRIS_E2B_ENV_FROM"] = "x.env\n\ny.env\n";
  EXPECT_EQ(resolved().find("env-from")->values, (std::vector<std::string>{"/cwd/x.env", "/cwd/y.env"}));
  variables_.clear();
  file(R"({"env_from": ["p.env", "q.env"]})");
  EXPECT_EQ(resolved().find("env-from")->values, (std::vector<std::string>{"/project/p.env", "/project/q.env"}));
}

TEST_F(Options, PairsMayBeAMappingInTheFile) {
  file(R"({"env": {"A": 1, "B": "x y", "C": true}})");
  EXPECT_EQ(resolved().find("env")->values, (std::vector<std::string>{"A=1", "B=x y", "C=true"}));
  file(R"({"env": ["A=1"]})");
  EXPECT_EQ(resolved().find("env")->values, std::vector<std::string>{"A=1"});
}

TEST_F(Options, FileKeysMayBeSpelledEitherWay) {
  file(R"({"install-deps": true})");
  EXPECT_EQ(resolved().find("install-deps")->values, std::vector<std::string>{"true"});
  file(R"({"install_deps": true, "install-deps": false})");
  EXPECT_THAT(complaint(), HasSubstr("adapters.e2b.install_deps is given twice"));
}

TEST_F(Options, LentVariablesMustBeSet) {
  inputs_.flags = {{"pass-env", "TOKEN"}, {"pass-env", "TOKEN"}, {"pass-env", "B"}};
  EXPECT_THAT(complaint(), HasSubstr("--e2b-pass-env: the variable TOKEN is not set"));
  variables_ = {{"TOKEN", "t"}, {"B", "b"}};
  EXPECT_THAT(resolved().env_names(), ElementsAre("B", "TOKEN"));
}

TEST_F(Options, AWrongValueNamesWhereItStands) {
  inputs_.flags = {{"timeout", "soon"}};
  EXPECT_EQ(complaint(), "--e2b-timeout: 'soon' is not a duration | write it as 90s, 15m, 1h30m or 500ms");
  inputs_.flags.clear();
  variables_["OSIRIS_E2B_TIMEOUT"] = "soon";
  EXPECT_THAT(complaint(), HasSubstr("OSIRIS_E2B_TIMEOUT: 'soon'"));
  variables_.clear();
  file(R"({"timeout": "soon"})");
  EXPECT_THAT(complaint(), HasSubstr("adapters.e2b.timeout in osiris.yaml: 'soon'"));
  file(R"({"timeout": [1]})");
  EXPECT_THAT(complaint(), HasSubstr("adapters.e2b.timeout in osiris.yaml: expected text or a number, found array"));
}

TEST_F(Options, UnknownNamesOfferTheNearest) {
  inputs_.flags = {{"timeot", "1"}};
  EXPECT_EQ(complaint(), "adapter 'e2b' has no flag --e2b-timeot | did you mean --e2b-timeout?");
  inputs_.flags.clear();
  file(R"({"instal_deps": true})");
  EXPECT_EQ(complaint(),
            "adapter 'e2b' has no option adapters.e2b.instal_deps | did you mean adapters.e2b.install_deps?");
  file(R"([1])");
  EXPECT_THAT(complaint(), HasSubstr("adapters.e2b in osiris.yaml: expected a mapping, found array"));
}

TEST_F(Options, RequiredOnesAreAskedForInAllThreePlaces) {
  add(OSIRIS_TEXT, "region", OSIRIS_REQUIRED);
  EXPECT_EQ(complaint(),
            "adapter 'e2b' needs the option --e2b-region | give --e2b-region TEXT, set OSIRIS_E2B_REGION, or write "
            "adapters.e2b.region in osiris.yaml");
  inputs_.flags = {{"region", ""}};
  EXPECT_EQ(complaint(), "") << "an empty text is a text";
}

TEST_F(Options, DeprecatedOnesWarnWhenUsed) {
  EXPECT_THAT(resolved().warnings, IsEmpty());
  inputs_.flags = {{"mode", "fast"}};
  EXPECT_THAT(resolved().warnings, ElementsAre("--e2b-mode is deprecated: what it does"));
}

TEST_F(Options, ATypeFromTheFutureIsTextWithAWarning) {
  inputs_.flags = {{"future", "x"}};
  EXPECT_THAT(resolved().warnings,
              ElementsAre(HasSubstr("--e2b-future is of a type this osiris does not know (99); taken as text")));
}

TEST_F(Options, SensitiveValuesAreForTheRedactorAndNotForFiles) {
  inputs_.flags = {{"env", "TOKEN=hunter2hunter2"}, {"timeout", "60"}};
  EXPECT_THAT(resolved().sensitive_values(), ElementsAre("TOKEN=hunter2hunter2", "hunter2hunter2"));
  EXPECT_EQ(resolved().to_json()["env"].dump(), R"({"value":["TOKEN=***MASKED***"],"source":"flag"})");
  EXPECT_EQ(resolved().to_json()["timeout"].dump(), R"({"value":"60","source":"flag"})");
  EXPECT_THAT(resolved().settings(), ::testing::Contains(Pair("env", "TOKEN=hunter2hunter2")));
}

TEST_F(Options, SensitiveValuesAreNotQuotedInErrors) {
  inputs_.flags = {{"secret-number", "hunter2"}};
  EXPECT_EQ(complaint(), "--e2b-secret-number: the value is not a valid int | ");
}

}  // namespace
}  // namespace osiris
