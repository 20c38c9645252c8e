// configure: every value that osiris could hand over for the adapter's own options.
#include "check/bench/life.h"
#include "check/case.h"
#include "host/adapters/options.h"

namespace osiris::check {
namespace {

using Settings = Bench::Settings;

// Values of one option, canonical, as osiris would hand them over.
std::vector<std::string> values_of(const OptionSpec& spec, const std::string& directory) {
  std::vector<std::string> values;
  if (spec.default_value) values.push_back(*spec.default_value);
  if (spec.minimum) values.push_back(*spec.minimum);
  if (spec.maximum) values.push_back(*spec.maximum);
  for (const std::string& choice : spec.choices) values.push_back(choice);
  switch (spec.type) {
    case OSIRIS_BOOL:
      values.insert(values.end(), {"true", "false"});
      break;
    case OSIRIS_PAIR:
      values.insert(values.end(), {"A=1", "B=", "C=x=y"});
      break;
    case OSIRIS_ENV:
      values.push_back("OSIRIS_CHECK_VARIABLE");
      break;
    case OSIRIS_PATH:
      values.push_back(directory + "/a file of the check");
      break;
    case OSIRIS_JSON:
      values.insert(values.end(), {"{}", "[]", "{\"a\":[1,null,\"x\"]}"});
      break;
    default:
      break;
  }
  std::vector<std::string> lawful;
  OptionSpec canonical = spec;
  canonical.bare_unit.clear();
  for (const std::string& value : values)
    if (const auto text = canonical_value(canonical, value, "/"); text.ok()) lawful.push_back(*text);
  return lawful;
}

Settings with(Settings settings, const std::string& name, const std::vector<std::string>& values) {
  std::erase_if(settings, [&](const auto& setting) { return setting.first == name; });
  for (const std::string& value : values) settings.emplace_back(name, value);
  return settings;
}

// configure takes it, or says no as one says no: the value may be one that the service does not have.
void is_taken_or_refused(Bench& bench, const Settings& settings, const std::string& what) {
  Life life(bench);
  if (!life.create()) return void(life.expect_ok("create"));
  if (!life.configure(settings)) {
    const Error& error = life.status_of("configure").error();
    const bool is_refusal = error.code == Code::kInvalidArgument || error.code == Code::kUnsupported;
    bench.expect(is_refusal && !error.message.empty(), what + ": " + error.message);
  }
  life.expect_no_misbehaviour();
}

// Runs `visit` for every option that the case is about; skips where there is none.
void for_options(Bench& bench, const std::function<bool(const OptionSpec&)>& concerned,
                 const std::function<void(const OptionSpec&, const Settings&)>& visit) {
  const auto settings = bench.settings();
  if (!settings.ok()) return bench.skip(settings.error().message);
  size_t count = 0;
  for (const OptionSpec& spec : option_specs(bench.type())) {
    if (!concerned(spec)) continue;
    ++count;
    visit(spec, *settings);
  }
  if (count == 0) bench.skip("the adapter has no option of that kind");
}

bool any(const OptionSpec&) { return true; }
bool is_text(const OptionSpec& spec) { return spec.type == OSIRIS_TEXT; }

void takes_defaults(Bench& bench) {
  Life life(bench);
  if (life.create() && !life.configure() && bench.skipped()) return;
  life.expect_ok("configure");
  life.expect_no_misbehaviour();
}

void takes_every_value(Bench& bench) {
  for_options(bench, any, [&](const OptionSpec& spec, const Settings& settings) {
    for (const std::string& value : values_of(spec, bench.directory("values").string()))
      is_taken_or_refused(bench, with(settings, spec.name, {value}), spec.name + " = " + value);
  });
}

void takes_repeated_options(Bench& bench) {
  for_options(
      bench, [](const OptionSpec& spec) { return spec.repeated; },
      [&](const OptionSpec& spec, const Settings& settings) {
        std::vector<std::string> values;
        for (int i = 0; i < 100; ++i) {
          const std::string number = std::to_string(i);
          values.push_back(spec.type == OSIRIS_PAIR  ? "K" + number + "=v"
                           : spec.type == OSIRIS_INT ? number
                                                     : "V" + number);
        }
        is_taken_or_refused(bench, with(settings, spec.name, values), spec.name + ", a hundred times");
      });
}

void takes_no_value(Bench& bench) {
  for_options(
      bench, [](const OptionSpec& spec) { return !spec.required && !spec.default_value; },
      [&](const OptionSpec& spec, const Settings& settings) {
        is_taken_or_refused(bench, with(settings, spec.name, {}), "without " + spec.name);
      });
}

void takes_long_texts(Bench& bench) {
  for_options(bench, is_text, [&](const OptionSpec& spec, const Settings& settings) {
    is_taken_or_refused(bench, with(settings, spec.name, {std::string(1 << 20, 'x')}), spec.name + " of 1 MiB");
  });
}

void takes_any_characters(Bench& bench) {
  for_options(bench, is_text, [&](const OptionSpec& spec, const Settings& settings) {
    for (const char* text : {"Ünï ⚙ 漢字 \U0001F680", "a\nb\tc", "\"quoted\" and \\", "%s%n", ""})
      is_taken_or_refused(bench, with(settings, spec.name, {text}), spec.name + " = " + text);
  });
}

void survives_unknown_settings(Bench& bench) {
  const auto settings = bench.settings();
  if (!settings.ok()) return bench.skip(settings.error().message);
  is_taken_or_refused(bench, with(*settings, "an-option-of-a-later-version", {"1"}), "an unknown setting");
}

void keeps_nothing_of_it(Bench& bench) {
  LifeOptions options;
  options.host.placement = Placement::kPageEnd;
  const Pipeline pipeline = empty_pipeline(bench.directory("run"));
  AdapterRequest request = bench.request(pipeline);
  Life life(bench, options);
  if (life.begin(request)) life.prepare(request);
  if (!bench.is_settled()) life.expect_ok("prepare");
  life.expect_no_misbehaviour();
}

void says_nothing_of_secrets(Bench& bench) {
  if (bench.secret_values().empty()) return bench.skip("no secret was given in the answers");
  Life life(bench);
  if (!life.create() || !life.configure()) return;
  for (const std::string& value : bench.secret_values())
    bench.expect(life.recorder().everything().find(value) == std::string::npos, "a secret was told to the host");
}

}  // namespace

std::vector<Case> configure_cases() {
  return {
      {"configure.defaults", "configure takes the defaults and what the answers say.", takes_defaults},
      {"configure.every-value", "configure takes every kind of value of every option, or says why not.",
       takes_every_value},
      {"configure.repeated", "An option that may be repeated may be given a hundred times.", takes_repeated_options},
      {"configure.absent", "An option without a default may be absent.", takes_no_value},
      {"configure.long-texts", "A text of 1 MiB is taken or refused.", takes_long_texts},
      {"configure.any-characters", "Texts may hold any character of Unicode.", takes_any_characters},
      {"configure.unknown", "A setting that the adapter does not know does no harm.", survives_unknown_settings},
      {"configure.borrowed", "Settings are read without a terminator and copied, not kept.", keeps_nothing_of_it},
      {"configure.tells-no-secret", "configure tells the host no secret.", says_nothing_of_secrets},
  };
}

}  // namespace osiris::check
