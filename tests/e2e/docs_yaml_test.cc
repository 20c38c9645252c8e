// Every YAML that a page of docs/ shows, but those that are followed (docs/howto, the tutorial), is what osiris takes
// it for: a pipeline, steps or top-level keys of one, a connections file, an osiris.yaml. What a page leaves out (the
// other steps, connections, parameters) is added.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2e/page.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

// Answers to osiris-adapter-check, and a part of one step.
const std::set<std::string> kOfNoFile = {"docs/adapter-check.md", "docs/drivers/mysql.md: query"};

constexpr const char* kConnections = R"(version: 1
connections:
  mysql:
    shop: {host: h.example, database: d, user: u, password: p}
    lake: {host: h.example, database: d, user: u, password: p}
  postgres:
    shop: {host: h.example, database: d, user: u, password: p}
    lake: {host: h.example, database: d, user: u, password: p}
  filesystem:
    lake: {endpoint: "https://minio.example:9000", region: eu-central-1, access_key_id: a, secret_access_key: b}
  graphql:
    garden: {endpoint: "https://garden.example/graphql"}
  posthog:
    shop: {api_key: k, project_id: 12345, region: eu}
  singer:
    github: {secrets: {access_token: t}}
  supabase:
    shop: {url: "https://abcdefgh.supabase.co", service_role_key: k, pg_dsn: "postgresql://u:p@db.example:5432/d"}
)";

std::set<std::string> found_in(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex regex(pattern, std::regex::multiline);
  for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

// The whole pipeline that a block is a part of.
std::string pipeline_of(std::string block) {
  const std::set<std::string> top = found_in(block, "^([a-z_]+):");
  std::smatch first;
  static const std::regex step(R"((?:^|\n)( *)- \{?id:)");
  const bool has_steps = std::regex_search(block, first, step);
  const std::string indent = has_steps ? first[1].str() : "  ";
  std::set<std::string> needed;
  for (const std::string& list : found_in(block, R"(needs: \[([^\]]*)\])"))
    for (const std::string& id : split(list, ','))
      if (!trim(id).empty()) needed.insert(std::string(trim(id)));
  for (const std::string& id : found_in(block, R"(- \{?id: ([A-Za-z0-9_-]+))")) needed.erase(id);
  if (!has_steps || block.find("write") != std::string::npos) needed.insert("rows-of-another-step");
  std::string others;
  for (const std::string& id : needed)
    others += indent + "- {id: " + id +
              ", component: filesystem.csv_extractor, mode: read, config: {path: "
              "rows.csv}}\n";
  const std::string steps = "steps:\n";
  if (top.count("steps"))
    block.insert(block.find(steps) + steps.size(), others);
  else
    block = has_steps ? steps + others + block : block + steps + others;
  std::string params;
  for (const std::string& name : found_in(block, R"(\$\{params\.(\w+)\})")) params += name + ": x, ";
  if (!params.empty() && !top.count("params")) block = "params: {" + params + "}\n" + block;
  if (!top.count("name")) block = "name: shown\n" + block;
  return top.count("oml_version") ? block : "oml_version: \"0.1.0\"\n" + block;
}

std::string findings_of(const Outcome& outcome) { return outcome.exit == 0 ? "" : outcome.out + outcome.err; }

// "" for a block that is right.
std::string complaint(const std::string& block) {
  Project project;
  project.write("osiris_connections.yaml", kConnections, 0600);
  for (const std::string& name : found_in(block, R"(\$\{([A-Z][A-Z0-9_]*)\})")) project.set(name, "1");
  const std::set<std::string> top = found_in(block, "^([a-z_]+):");
  const auto has = [&](std::initializer_list<const char*> keys) {
    return std::any_of(keys.begin(), keys.end(), [&](const char* key) { return top.count(key) > 0; });
  };
  if (has({"connections"})) {
    project.write("osiris_connections.yaml", block, 0600);
    return findings_of(project.osiris({"validate", "--strict"}));
  }
  if (has({"adapters", "filesystem", "telemetry", "retention", "report"})) {
    project.write("osiris.yaml", block, 0600);
    return findings_of(project.osiris({"validate", "--strict"}));
  }
  project.write("p.yaml", pipeline_of(block));
  const std::string wrong = findings_of(project.osiris({"validate", "p.yaml"}));
  if (!wrong.empty() || !has({"schedule"})) return wrong;
  return findings_of(project.osiris({"schedule", "render", "p.yaml", "--cron"}));
}

TEST(DocsYaml, IsWhatOsirisTakesItFor) {
  const fs::path root = source_dir();
  std::vector<fs::path> pages = {root / "README.md"};
  for (const char* folder : {"docs", "docs/drivers"})
    for (const auto& entry : fs::directory_iterator(root / folder))
      if (entry.path().extension() == ".md") pages.push_back(entry.path());
  size_t blocks = 0;
  for (const fs::path& page : pages) {
    const std::string name = fs::relative(page, root).string();
    const auto text = read_file(page);
    ASSERT_TRUE(text.ok());
    for (const PageBlock& block : page_blocks(*text)) {
      if (block.language != "yaml" || name == "docs/tutorial.md") continue;
      const std::string begin(trim(block.text.substr(0, block.text.find(':'))));
      const bool is_comment = begin.starts_with("#") && split(std::string(trim(block.text)), '\n').size() == 1;
      if (is_comment || kOfNoFile.count(name) || kOfNoFile.count(name + ": " + begin)) continue;
      ++blocks;
      EXPECT_EQ(complaint(block.text), "") << name << ":" << block.line << "\n" << block.text;
    }
  }
  EXPECT_GE(blocks, 35u);
}

TEST(DocsYaml, ThatIsWrongIsNoticed) {
  EXPECT_NE(complaint("- id: read\n  component: filesystem.csv_extractor\n  mode: read\n  config: {pth: a.csv}\n"), "");
  EXPECT_NE(complaint("schedule: {corn: daily}\n"), "");
  EXPECT_NE(complaint("connections:\n  mysql:\n    shop: {hots: x}\n"), "");
  EXPECT_NE(complaint("filesystem: {retention: {run_logs_dys: 3}}\n"), "");
  EXPECT_EQ(complaint("schedule: {cron: daily}\n"), "");
}

}  // namespace
}  // namespace osiris::e2e
