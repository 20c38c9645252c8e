#include "check/report/report.h"

#include <sys/utsname.h>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris::check {
namespace {

constexpr std::string_view kOpening = "<script type=\"application/json\" id=\"result\">";
constexpr std::string_view kClosing = "</script>";

Json texts(const std::vector<std::string>& list) {
  Json json = Json::array();
  for (const std::string& text : list) json.push_back(text);
  return json;
}

Json adapter_of(const RunPlan& plan, const Json& description, const FileDigest& library) {
  Json adapter = Json::object();
  for (const char* key : {"id", "name", "version", "build", "abi", "problem", "trouble"})
    if (description.contains(key)) adapter.set(key, description[key]);
  adapter.set("file", plan.task.library.filename().string());
  adapter.set("sha256", library.sha256);
  adapter.set("size_bytes", library.size_bytes);
  if (!plan.task.manifest.empty())
    if (const auto manifest = sha256_file(plan.task.manifest); manifest.ok())
      adapter.set("manifest_sha256", manifest->sha256);
  return adapter;
}

Json machine() {
  struct utsname name{};
  ::uname(&name);
  return Json::object({{"system", name.sysname}, {"release", name.release}, {"machine", name.machine}});
}

// Names only: values may be secrets.
Json answers_of(const Answers& answers) {
  Json options = Json::array(), secrets = Json::array(), skip = Json::object();
  for (const auto& [name, value] : answers.options.members()) options.push_back(name);
  for (const auto& [name, value] : answers.secrets) secrets.push_back(name);
  for (const auto& [pattern, why] : answers.skip) skip.set(pattern, why);
  return Json::object({{"options", options}, {"secrets", secrets}, {"skip", skip}});
}

Json totals_of(const Json& cases) {
  int64_t passed = 0, failed = 0, skipped = 0;
  for (const Json& one : cases.items()) {
    const std::string& outcome = one["outcome"].as_string();
    passed += outcome == "passed";
    failed += outcome == "failed";
    skipped += outcome == "skipped";
  }
  return Json::object(
      {{"cases", passed + failed + skipped}, {"passed", passed}, {"failed", failed}, {"skipped", skipped}});
}

}  // namespace

std::string cases_digest() {
  std::string list;
  for (const Case& one : all_cases()) list += std::string(one.id) + "\t" + std::string(one.promise) + "\n";
  return sha256_hex(list);
}

std::string digest_of(const Json& document) {
  Json without = document;
  without.erase("digest");
  return sha256_hex(without.dump_canonical());
}

Result<Json> result_document(const RunPlan& plan, const RunResults& results, const ReportFacts& facts) {
  OSIRIS_ASSIGN(const FileDigest library, sha256_file(plan.task.library));
  Json cases = Json::array();
  for (const CaseResult& one : results.results) {
    Json json = Json::object({{"id", one.id},
                              {"promise", one.promise},
                              {"outcome", outcome_name(one.outcome)},
                              {"duration_ms", one.duration_ms}});
    if (!one.reasons.empty()) json.set("reasons", texts(one.reasons));
    if (!one.notes.empty()) json.set("notes", texts(one.notes));
    cases.push_back(std::move(json));
  }
  Json document = Json::object({{"schema", kResultSchema},
                                {"check", Json::object({{"version", facts.check_version},
                                                        {"cases_sha256", cases_digest()},
                                                        {"complete", facts.is_complete},
                                                        {"jobs", facts.jobs}})},
                                {"adapter", adapter_of(plan, results.description, library)},
                                {"worker_sha256", plan.task.worker_sha256},
                                {"machine", machine()},
                                {"answers", answers_of(plan.task.answers)},
                                {"ended_at", format_iso8601_micros(system_clock().unix_ns(), true)},
                                {"duration_ms", results.duration_ms},
                                {"totals", totals_of(cases)},
                                {"cases", std::move(cases)}});
  document.set("digest", digest_of(document));
  return document;
}

Result<Json> read_result(const std::filesystem::path& file) {
  OSIRIS_ASSIGN(std::string text, read_file(file, uint64_t{64} << 20));
  if (const size_t start = text.find(kOpening); start != std::string::npos) {
    const size_t from = start + kOpening.size();
    text = text.substr(from, text.find(kClosing, from) - from);
  }
  auto json = parse_json(text);
  if (!json.ok()) return json.error().within(file.string());
  if ((*json)["schema"].as_string() != kResultSchema)
    return Error(Code::kInvalidArgument, file.string() + " is no result of osiris-adapter-check",
                 "give the file that --json or --html wrote");
  return json;
}

std::vector<std::string> doubts_about(const Json& document, const std::filesystem::path& library) {
  std::vector<std::string> doubts;
  const std::string& digest = document["digest"].as_string();
  if (digest != digest_of(document)) doubts.push_back("the result was changed: its digest is not " + digest);
  if (document["totals"].dump_canonical() != totals_of(document["cases"]).dump_canonical())
    doubts.push_back("the totals are not those of the cases");
  if (!document["check"]["complete"].as_bool()) doubts.push_back("not all cases were run: it was a run with --only");
  if (document["check"]["cases_sha256"].as_string() != cases_digest())
    doubts.push_back("it is of a check with other cases: version " + document["check"]["version"].as_string());
  if (library.empty()) return doubts;
  const auto hash = sha256_file(library);
  const std::string& expected = document["adapter"]["sha256"].as_string();
  if (!hash.ok())
    doubts.push_back(hash.error().message);
  else if (hash->sha256 != expected)
    doubts.push_back(library.string() + " is another library: its SHA-256 is " + hash->sha256 + ", the result is of " +
                     expected);
  return doubts;
}

}  // namespace osiris::check
