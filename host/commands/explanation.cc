#include "host/commands/explanation.h"

#include "protocol/base/text.h"

namespace osiris {
namespace {

// " (--e2b-api-url from environment: E2B_API_URL in /project/.env)", of the options a fact rests on.
std::string sources_of(const Json& names, const ResolvedOptions& options) {
  std::vector<std::string> sources;
  for (const Json& name : names.items())
    if (const ResolvedOption* option = options.find(name.as_string());
        option && option->source != OptionSource::kDefault)
      sources.push_back(option->spec.flag + " from " + source_text(*option));
  return sources.empty() ? "" : " (" + join(sources, ", ") + ")";
}

}  // namespace

Result<Explanation> ask_explanation(AdapterInstance& adapter, const AdapterRequest& request,
                                    const ResolvedOptions& options) {
  Explanation explanation;
  StageOutcome outcome = adapter.explain(request);
  if (!outcome.ok()) return outcome.status.error();
  for (const Json& fact : outcome.document["facts"].items()) {
    const std::string& topic = fact["topic"].as_string();
    explanation.facts.push_back((topic.empty() ? "" : topic + ": ") + fact["text"].as_string() +
                                sources_of(fact["options"], options));
  }
  for (const Json& warning : outcome.document["warnings"].items()) explanation.warnings.push_back(warning.as_string());
  explanation.document = std::move(outcome.document);
  explanation.document.erase("schema");
  return explanation;
}

}  // namespace osiris
