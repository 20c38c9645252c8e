// The result as JUnit's XML, for build servers, and as a page for people.
#include "check/report/report.h"
#include "protocol/base/text.h"
#include "protocol/base/xml.h"

namespace osiris::check {
namespace {

std::string lines_of(const Json& list) {
  std::string text;
  for (const Json& line : list.items()) text += (text.empty() ? "" : "\n") + line.as_string();
  return text;
}

std::string seconds(int64_t ms) {
  const std::string rest = std::to_string(1000 + ms % 1000);
  return std::to_string(ms / 1000) + "." + rest.substr(1);
}

std::string group_of(const std::string& id) { return id.substr(0, id.find('.')); }

constexpr const char* kStyle =
    "body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "h1{font-size:1.4rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;"
    "padding:.25rem .6rem;border-bottom:1px solid "
    "#ddd}code{font-size:.92em}.passed{color:#176b2c}.failed{color:#b00020;"
    "font-weight:600}.skipped{color:#777}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}"
    "dt{color:#666}dd{margin:0;overflow-wrap:anywhere}pre{white-space:pre-wrap;margin:.2rem 0 0;font-size:.85em}";

std::string fact(const std::string& name, const std::string& value) {
  return value.empty() ? "" : "<dt>" + name + "</dt><dd>" + xml_text(value) + "</dd>";
}

std::string head(const Json& document) {
  const Json &adapter = document["adapter"], &totals = document["totals"];
  const std::string title = adapter["id"].as_string_or("(not loaded)") + " " + adapter["version"].as_string();
  const auto count = [&](const char* key) { return std::to_string(totals[key].as_int()); };
  std::string page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Check of " + xml_text(title) +
                     "</title><style>" + kStyle + "</style><h1>Check of the adapter " + xml_text(title) + "</h1><p>" +
                     count("cases") + " cases: <span class=\"passed\">" + count("passed") +
                     " passed</span>, <span class=\"failed\">" + count("failed") +
                     " failed</span>, <span class=\"skipped\">" + count("skipped") + " skipped</span>.</p><dl>";
  page += fact("file", adapter["file"].as_string()) + fact("SHA-256", adapter["sha256"].as_string()) +
          fact("build", adapter["build"].as_string()) + fact("ABI", adapter["abi"].as_string()) +
          fact("problem", adapter["problem"].as_string() + adapter["trouble"].as_string()) +
          fact("check", "osiris-adapter-check " + document["check"]["version"].as_string()) +
          fact("worker", document["worker_sha256"].as_string()) + fact("ended", document["ended_at"].as_string()) +
          fact("took", seconds(document["duration_ms"].as_int()) + " s") +
          fact("digest", document["digest"].as_string());
  return page + "</dl><p>To check it again: <code>osiris-adapter-check --verify THIS-FILE " +
         xml_text(adapter["file"].as_string()) + "</code></p>";
}

}  // namespace

std::string junit_of(const Json& document) {
  const Json& totals = document["totals"];
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"osiris-adapter-check\" tests=\"" +
                    std::to_string(totals["cases"].as_int()) + "\" failures=\"" +
                    std::to_string(totals["failed"].as_int()) + "\" skipped=\"" +
                    std::to_string(totals["skipped"].as_int()) + "\" time=\"" +
                    seconds(document["duration_ms"].as_int()) + "\">\n";
  for (const Json& one : document["cases"].items()) {
    const std::string &id = one["id"].as_string(), &outcome = one["outcome"].as_string();
    xml += "  <testcase classname=\"" + xml_text(group_of(id)) + "\" name=\"" + xml_text(id) + "\" time=\"" +
           seconds(one["duration_ms"].as_int()) + "\">";
    const std::string why = xml_text(lines_of(one["reasons"]));
    if (outcome == "failed")
      xml += "<failure message=\"" + xml_text(one["promise"].as_string()) + "\">" + why + "</failure>";
    if (outcome == "skipped") xml += "<skipped message=\"" + why + "\"/>";
    xml += "</testcase>\n";
  }
  return xml + "</testsuite>\n";
}

std::string html_of(const Json& document) {
  std::string page = head(document) + "<table><tr><th>case<th>promise<th>outcome</tr>";
  for (const Json& one : document["cases"].items()) {
    const std::string& outcome = one["outcome"].as_string();
    const std::string more = lines_of(one["reasons"]) + (one["notes"].size() ? "\n" + lines_of(one["notes"]) : "");
    page += "<tr><td><code>" + xml_text(one["id"].as_string()) + "</code><td>" + xml_text(one["promise"].as_string()) +
            (more.empty() ? "" : "<pre>" + xml_text(std::string(trim(more))) + "</pre>") + "<td class=\"" + outcome +
            "\">" + outcome + "</tr>";
  }
  // Within a script only its end has to be written otherwise.
  std::string text = document.dump();
  for (size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3) text.replace(at, 2, "<\\/");
  return page + "</table><script type=\"application/json\" id=\"result\">" + text + "</script></html>\n";
}

}  // namespace osiris::check
