// The result of a check as a document that can be published: what was checked, by which check, with what outcome. It
// carries a hash of itself, so that a reader sees whether it was changed, and the adapter's, so that it can be compared
// with the file at hand.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "check/runner.h"
#include "protocol/base/json.h"

namespace osiris::check {

inline constexpr const char* kResultSchema = "osiris.adapter-check/1";

// What the command line knows beside the results.
struct ReportFacts {
  std::string check_version;
  bool is_complete = true;  // all cases, not those of --only
  unsigned jobs = 1;
};

// The document, digest included.
Result<Json> result_document(const RunPlan& plan, const RunResults& results, const ReportFacts& facts);
// SHA-256 of the document without its digest, in canonical form.
std::string digest_of(const Json& document);
// Of the list of cases: ids and promises. Two checks with the same one check the same.
std::string cases_digest();

std::string junit_of(const Json& document);
// Self-contained: style, the table, and the document itself.
std::string html_of(const Json& document);
// The document in a file that is one, or an HTML page that holds one.
Result<Json> read_result(const std::filesystem::path& file);

// What is wrong with a published result: changed by hand, of other totals, of another library than `library` (empty:
// not compared). One sentence each; empty: nothing.
std::vector<std::string> doubts_about(const Json& document, const std::filesystem::path& library);

}  // namespace osiris::check
