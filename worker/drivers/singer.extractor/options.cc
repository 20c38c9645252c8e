#include "worker/drivers/singer.extractor/options.h"

#include <algorithm>
#include <cstdio>

#include "protocol/base/redact.h"
#include "protocol/base/text.h"
#include "worker/drivers/python/requirements.h"

namespace osiris::worker::singer {
namespace {

Result<Numbers> numbers_of(const std::string& text) {
  Numbers numbers;
  if (text.empty() || text == "double") return numbers;
  numbers.kind = Kind::kText;
  if (text == "text") return numbers;
  numbers.kind = Kind::kDecimal;
  char end = 0;
  const int found = std::sscanf(text.c_str(), "decimal(%2d,%2d%c", &numbers.digits, &numbers.scale, &end);
  if (found == 3 && end == ')' && numbers.digits >= 1 && numbers.digits <= 38 && numbers.scale <= numbers.digits)
    return numbers;
  return program::bad_config("numbers", "is '" + text + "'",
                             "Write double, text or decimal(p,s) of at most 38 digits.");
}

// Every text in it that is long enough to be hidden.
void collect_texts(const Json& value, program::Renames& secrets) {
  if (value.is_string() && value.as_string().size() >= kRedactBytesMin)
    for (const std::string& spelling : secret_spellings(value.as_string())) secrets.emplace_back(spelling, "***");
  for (const Json& item : value.items()) collect_texts(item, secrets);
  for (const auto& [key, member] : value.members()) collect_texts(member, secrets);
}

// The connection's mapping over the step's: it came as JSON, because secrets travel as texts.
Status add_connection(const StepContext& step, Options& options) {
  if (!step.connection()) return {};
  Json more = step.connection()->fields["secrets"];
  if (more.is_string()) {
    auto parsed = parse_json(more.as_string());
    if (!parsed.ok() || !parsed->is_object())
      return program::bad_config("secrets", "of the connection is no mapping", "Write secrets: {token: ${TOKEN}}.");
    more = *std::move(parsed);
  }
  for (const auto& [key, value] : more.members()) options.config.set(key, value);
  collect_texts(more, options.secrets);
  std::stable_sort(options.secrets.begin(), options.secrets.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  return {};
}

}  // namespace

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  Options options;
  options.tap = config["tap"].as_string();
  options.stream = config["stream"].as_string();
  if (options.tap.empty()) return program::bad_config("tap", "is missing", "Name the tap's program: tap-csv.");
  if (options.stream.empty()) return program::bad_config("stream", "is missing", "Name the stream to read.");
  OSIRIS_ASSIGN(options.requirements, python::read_requirements(config["requirements"]));
  options.python = config["python"].as_string_or("python3");
  options.contract.name = options.tap;
  options.contract.kind = "tap";
  OSIRIS_ASSIGN(options.contract.files, program::read_texts(config, "files"));
  if (config["config"].is_object()) options.config = config["config"];
  OSIRIS_TRY(add_connection(step, options));
  options.catalog = config["catalog"].as_string();
  options.discovers = config["discover"].as_bool(true);
  options.catalog_argument = config["catalog_argument"].as_string() == "properties" ? "--properties" : "--catalog";
  for (const Json& column : config["select"].items()) options.select.push_back(column.as_string());
  OSIRIS_ASSIGN(options.numbers, numbers_of(ascii_lower(config["numbers"].as_string())));
  options.idle_timeout_s = static_cast<int>(config["idle_timeout"].as_int(600));
  return options;
}

}  // namespace osiris::worker::singer
