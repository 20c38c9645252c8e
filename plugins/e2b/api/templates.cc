#include "plugins/e2b/api/templates.h"

#include <algorithm>
#include <chrono>
#include <deque>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris::e2b {
namespace {

constexpr std::string_view kNamePrefix = "osiris-";
constexpr size_t kLastLines = 12;  // of a failed build's log, in its error

Json step_json(const BuildStep& step) {
  Json arguments = Json::array();
  for (const std::string& argument : step.arguments) arguments.push_back(argument);
  Json json = Json::object({{"type", step.type}, {"args", arguments}, {"force", false}});
  if (!step.files_hash.empty()) json.set("filesHash", step.files_hash);
  return json;
}

Json steps_json(const TemplateSpec& spec) {
  Json steps = Json::array();
  for (const BuildStep& step : spec.steps) steps.push_back(step_json(step));
  return steps;
}

// Object stores refuse chunked uploads, so the length is said first.
Status put_context(ApiClient& api, const std::string& url, const Json& headers, const std::filesystem::path& file,
                   const std::atomic<bool>* cancelled) {
  OSIRIS_ASSIGN(std::string bytes, read_file(file));
  http::Request put;
  put.method = "PUT";
  put.url = url;
  put.label = "upload the template's files";
  put.timeouts = api.config().timeouts;
  put.timeouts.total = http::Milliseconds(0);
  for (const auto& [name, value] : headers.members()) put.headers.add(name, value.as_string());
  put.body = std::move(bytes);
  http::SendOptions options;
  options.cancelled = cancelled;
  const http::ExchangeResult outcome = api.sender().send(put, options);
  if (is_success(outcome)) return {};
  return failure_from(outcome, put.label);
}

Result<uint64_t> upload_contexts(ApiClient& api, const TemplateSpec& spec, const std::string& template_id,
                                 const std::atomic<bool>* cancelled) {
  uint64_t uploaded = 0;
  for (const BuildStep& step : spec.steps) {
    if (step.files_hash.empty()) continue;
    const std::string operation = "ask where the template's files go";
    const http::ExchangeResult outcome =
        api.send({"GET", "/templates/" + template_id + "/files/" + step.files_hash, {}, operation, true, cancelled});
    OSIRIS_ASSIGN(const Json answer, json_body(outcome, operation));
    if (answer["present"].as_bool()) continue;
    OSIRIS_TRY(put_context(api, answer["url"].as_string(), answer["headers"], step.context, cancelled));
    uploaded += std::filesystem::file_size(step.context);
  }
  return uploaded;
}

Error build_failed(const std::string& name, const Json& status, const std::deque<std::string>& last) {
  const Json& reason = status["reason"];
  std::string message =
      "template " + name + " could not be built: " + reason["message"].as_string_or("no reason given");
  if (reason["step"].is_string()) message += " (step " + reason["step"].as_string() + ")";
  if (!last.empty()) message += "; its last lines:";
  for (const std::string& line : last) message += "\n    " + line;
  return make_failure(FailureClass::kSandboxError, message,
                      "See the build log in osiris.log; the same command run by hand shows more.");
}

Result<Json> build_status(ApiClient& api, const std::string& template_id, const std::string& build_id,
                          int64_t logs_seen, const BuildOptions& options) {
  const std::string operation = "follow the template build";
  const http::ExchangeResult outcome =
      api.send({"GET",
                "/templates/" + template_id + "/builds/" + build_id + "/status?logsOffset=" + std::to_string(logs_seen),
                {},
                operation,
                true,
                options.cancelled});
  return json_body(outcome, operation);
}

// A build is started once; a second start of it is refused. Where the answer was lost, or was the service's own
// trouble, the build's state tells whether it began; one that still waits is started again, within the retry budget.
Status start_build(ApiClient& api, const std::string& name, const std::string& template_id, const std::string& build_id,
                   const Json& recipe, const BuildOptions& options) {
  const std::string operation = "start the build of template " + name;
  const http::RetryPolicy policy{.budget = options.retry_budget};
  std::optional<std::chrono::steady_clock::time_point> until;
  for (int attempt = 1;; ++attempt) {
    const http::ExchangeResult started = api.send(
        {"POST", "/v2/templates/" + template_id + "/builds/" + build_id, recipe, operation, false, options.cancelled});
    if (is_success(started)) return {};
    const Error error = after_attempts(failure_from(started, operation), attempt);
    if (!may_pass(error) || error.code == Code::kExhausted) return error;  // "too many" was waited for already
    OSIRIS_ASSIGN(const Json status, build_status(api, template_id, build_id, 0, options));
    if (status["status"].as_string() != "waiting") return {};
    if (!until) until = std::chrono::steady_clock::now() + policy.budget;
    const auto left = std::chrono::duration_cast<http::Milliseconds>(*until - std::chrono::steady_clock::now());
    if (left.count() <= 0 || retry_after_of(error) > left) return error;
    if (!options.sleep(std::min(left, std::max(retry_after_of(error), http::backoff(policy, attempt)))))
      return Error(Code::kCancelled, "the template build was cancelled");
  }
}

Status wait_until_built(ApiClient& api, const std::string& name, const std::string& template_id,
                        const std::string& build_id, const BuildOptions& options) {
  const int64_t until_ns = system_clock().monotonic_ns() + options.timeout_ms * 1'000'000;
  int64_t seen = 0;
  std::deque<std::string> last;
  for (;;) {
    OSIRIS_ASSIGN(const Json status, build_status(api, template_id, build_id, seen, options));
    for (const Json& entry : status["logEntries"].items()) {
      ++seen;
      const std::string& line = entry["message"].as_string();
      if (!options.log(name, line)) continue;
      last.push_back(line);
      if (last.size() > kLastLines) last.pop_front();
    }
    const std::string& state = status["status"].as_string();
    if (state == "ready") return {};
    if (state == "error") return build_failed(name, status, last);
    if (system_clock().monotonic_ns() > until_ns)
      return make_failure(
          FailureClass::kCreationTimeout,
          "template " + name + " was not built within " + std::to_string(options.timeout_ms / 1000) + " s",
          "Raise --e2b-build-timeout; the build goes on and may be found next time.");
    if (!options.sleep(http::Milliseconds(200))) return Error(Code::kCancelled, "the template build was cancelled");
  }
}

Result<BuiltTemplate> build(ApiClient& api, const TemplateSpec& spec, const std::string& name,
                            const BuildOptions& options) {
  if (options.may_build) OSIRIS_TRY(options.may_build());
  BuiltTemplate built;
  built.name = name;
  built.built_now = true;
  Json request = Json::object({{"name", built.name}});
  if (spec.cpu_count) request.set("cpuCount", *spec.cpu_count);
  if (spec.memory_mb) request.set("memoryMB", *spec.memory_mb);
  if (spec.min_free_disk_mb) request.set("minFreeDiskMb", *spec.min_free_disk_mb);
  const std::string operation = "create template " + built.name;
  const ApiClient::Call newer{"POST", "/v3/templates", request, operation, true, options.cancelled};
  ApiClient::Call older = newer;
  older.path = "/v2/templates";
  older.body.erase("name");
  older.body.set("alias", built.name);
  const http::ExchangeResult created = api.send(Generation::kTemplates, newer, older);
  if (!is_success(created)) return failure_from(created, operation);
  OSIRIS_ASSIGN(const Json answer, json_body(created, operation));
  built.template_id = answer["templateID"].as_string();
  const std::string build_id = answer["buildID"].as_string();
  OSIRIS_ASSIGN(built.bytes_uploaded, upload_contexts(api, spec, built.template_id, options.cancelled));

  Json start = Json::object({{"steps", steps_json(spec)}, {"force", false}});
  if (!spec.from_image.empty())
    start.set("fromImage", spec.from_image);
  else
    start.set("fromTemplate", spec.from_template);
  OSIRIS_TRY(start_build(api, built.name, built.template_id, build_id, start, options));
  OSIRIS_TRY(wait_until_built(api, built.name, built.template_id, build_id, options));
  return built;
}

}  // namespace

std::string TemplateSpec::name() const {
  Json content =
      Json::object({{"from_template", from_template}, {"from_image", from_image}, {"steps", steps_json(*this)}});
  if (cpu_count) content.set("cpu_count", *cpu_count);
  if (memory_mb) content.set("memory_mb", *memory_mb);
  if (min_free_disk_mb) content.set("min_free_disk_mb", *min_free_disk_mb);
  return std::string(kNamePrefix) + sha256_hex(content.dump_canonical()).substr(0, 16);
}

Result<std::optional<std::string>> find_template(ApiClient& api, const std::string& name,
                                                 const std::atomic<bool>* cancelled) {
  const std::string operation = "look for template " + name;
  const http::ExchangeResult outcome = api.send({"GET", "/templates/aliases/" + name, {}, operation, true, cancelled});
  if (outcome.response && outcome.response->status == 404) return std::optional<std::string>();
  OSIRIS_ASSIGN(const Json answer, json_body(outcome, operation));
  return std::optional<std::string>(answer["templateID"].as_string());
}

std::string TemplateSpec::name_of(std::string_view owner) const {
  return name() + "-" + sha256_hex(owner).substr(0, 8);
}

namespace {

Result<BuiltTemplate> find_or_build(ApiClient& api, const TemplateSpec& spec, const std::string& name,
                                    const BuildOptions& options) {
  if (!options.force) {
    OSIRIS_ASSIGN(const std::optional<std::string> found, find_template(api, name, options.cancelled));
    if (found) {
      BuiltTemplate known;
      known.template_id = *found;
      known.name = name;
      return known;
    }
  }
  return build(api, spec, name, options);
}

// 403 of a call that names the template by its name; a refused key would be 401, a blocked team says so of every call.
bool is_somebody_elses(const Error& error) {
  const std::string operation = detail_of(error, "operation").as_string();
  return http_status_of(error) == 403 &&
         (operation.starts_with("look for template") || operation.starts_with("create template"));
}

}  // namespace

Result<BuiltTemplate> ensure_template(ApiClient& api, const TemplateSpec& spec, const BuildOptions& options) {
  auto common = find_or_build(api, spec, spec.name(), options);
  if (common || options.owner.empty() || !is_somebody_elses(common.error())) return common;
  auto own = find_or_build(api, spec, spec.name_of(options.owner), options);
  // Refused for this name too: it is not the name that is refused.
  return !own && http_status_of(own.error()) == 403 ? common : own;
}

namespace {

// What the account has, page by page; `take` is false once it has what it wants.
Status each_template(ApiClient& api, const std::function<bool(const Json&)>& take) {
  const std::string operation = "list templates";
  std::string token;
  for (int page = 0; page < 1000; ++page) {
    const http::ExchangeResult outcome = api.send(
        Generation::kTemplateLists,
        {"GET", "/v2/templates?limit=100" + (token.empty() ? "" : "&nextToken=" + token), {}, operation, true, nullptr},
        {"GET", "/templates", {}, operation, true, nullptr});
    OSIRIS_ASSIGN(const Json answer, json_body(outcome, operation));
    for (const Json& item : answer.items())
      if (!take(item)) return {};
    token = outcome.response->headers.get("X-Next-Token");
    if (token.empty()) break;
  }
  return {};
}

std::vector<std::string> names_of(const Json& item) {
  std::vector<std::string> names;
  for (const char* field : {"names", "aliases"})
    for (const Json& name : item[field].items()) names.push_back(name.as_string());
  return names;
}

ListedTemplate listed_template(const Json& item) {
  ListedTemplate entry;
  entry.template_id = item["templateID"].as_string();
  for (const std::string& name : names_of(item))
    if (entry.name.empty() && name.find(kNamePrefix) != std::string::npos) entry.name = name;
  entry.cpu_count = item["cpuCount"].as_int();
  entry.memory_mb = item["memoryMB"].as_int();
  entry.created_at = item["createdAt"].as_string();
  return entry;
}

}  // namespace

Result<std::vector<ListedTemplate>> list_templates(ApiClient& api) {
  std::vector<ListedTemplate> listed;
  OSIRIS_TRY(each_template(api, [&](const Json& item) {
    ListedTemplate entry = listed_template(item);
    if (!entry.name.empty()) listed.push_back(std::move(entry));
    return true;
  }));
  return listed;
}

Result<std::optional<ListedTemplate>> find_listed_template(ApiClient& api, const std::string& called) {
  const std::string wanted = called.substr(0, called.find(':'));  // a tag names a build of it
  std::optional<ListedTemplate> found;
  OSIRIS_TRY(each_template(api, [&](const Json& item) {
    const std::vector<std::string> names = names_of(item);
    const bool is_it = item["templateID"].as_string() == wanted ||
                       std::any_of(names.begin(), names.end(), [&](const std::string& name) {
                         return name == wanted || name.ends_with("/" + wanted);
                       });
    if (is_it) found = listed_template(item);
    return !is_it;
  }));
  return found;
}

Status delete_template(ApiClient& api, const std::string& template_id) {
  const std::string operation = "delete template " + template_id;
  const http::ExchangeResult outcome = api.send({"DELETE", "/templates/" + template_id, {}, operation, true, nullptr});
  if (is_success(outcome) || (outcome.response && outcome.response->status == 404)) return {};
  return failure_from(outcome, operation);
}

}  // namespace osiris::e2b
