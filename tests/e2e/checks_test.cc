// Data checks from the pipeline file to what people and build servers read.
#include <gmock/gmock.h>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

// The block of `language` that comes first in a page.
std::string first_block(const std::string& page, const std::string& language) {
  const std::string begin = "```" + language + "\n";
  const size_t at = page.find(begin) + begin.size();
  return page.substr(at, page.find("```\n", at) - at);
}

class DataChecks : public testing::Test {
 protected:
  DataChecks() {
    const std::string page = project_.read(source_dir() / "docs/checks.md");
    project_.write("p.yaml", first_block(page, "yaml"));
    shown_ = first_block(page, "text");
    project_.write("in/customers.csv", "id,name\n1,Ann\n2,Bob\n");
    write_orders("12,2,paid,-3,2025-01-01");
  }
  void write_orders(const std::string& third) {
    project_.write("in/orders.csv",
                   "id,customer_id,status,amount,paid_at\n10,1,open,5,\n11,,open,7.5,\n" + third + "\n");
  }
  // A pipeline of one step with one check on the orders.
  void write_check(const std::string& check) {
    project_.write("q.yaml",
                   "oml_version: \"0.1.0\"\nname: q\nsteps:\n  - id: orders\n    component: "
                   "filesystem.csv_extractor\n    mode: read\n    config: {path: in/orders.csv}\n    checks:\n"
                   "      - " +
                       check + "\n");
  }
  static std::string without_durations(std::string text) {
    for (size_t at = 0; (at = text.find("duration: ", at)) != std::string::npos; at += 10)
      text.erase(at + 10, text.find_first_of(",)", at) - at - 10);
    return text;
  }

  Project project_;
  std::string shown_;
};

TEST_F(DataChecks, ThePageShowsWhatIsPrinted) {
  const Outcome outcome = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(without_durations(outcome.out), HasSubstr(without_durations(shown_)));
  EXPECT_THAT(outcome.out, HasSubstr("7 checks (1 warned)"));
  EXPECT_THAT(outcome.err, HasSubstr("check range(amount): 1 of 3 rows"));
  EXPECT_EQ(project_.read(project_.session() / "artifacts/orders/checks/4-range_amount_.csv"),
            "id,customer_id,status,amount,paid_at\n12,2,paid,-3.0,2025-01-01\n");
  EXPECT_THAT(project_.read("out/orders.csv"), HasSubstr("12,2"));
  EXPECT_EQ(project_.osiris({"validate", "p.yaml", "--strict"}).exit, 0);
}

TEST_F(DataChecks, AFailureEndsTheRunBeforeAnythingIsWritten) {
  write_orders("12,9,lost,3,");
  const Outcome outcome = project_.osiris({"run", "p.yaml", "--json", "--report", "junit=run.xml"});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out"));
  const Json document = outcome.json();
  EXPECT_THAT(document["message"].as_string(), HasSubstr("2 of 5 checks failed: accepted_values(status): 1 of 3 rows"));
  EXPECT_THAT(document["error"]["hint"].as_string(), HasSubstr("store_failures"));
  const Json& orders = document["steps"].items().at(1);
  EXPECT_EQ(orders["status"].as_string(), "failed");
  EXPECT_EQ(orders["category"].as_string(), "validation.failed");
  ASSERT_EQ(orders["checks"].size(), 5u);
  const Json& relationship = orders["checks"].items().at(2);
  EXPECT_EQ(relationship["type"].as_string(), "relationships");
  EXPECT_EQ(relationship["status"].as_string(), "fail");
  EXPECT_EQ(relationship["failures"].as_int(), 1);
  EXPECT_EQ(relationship["rows"].as_int(), 3);
  const std::string report = project_.read("run.xml");
  EXPECT_THAT(report, HasSubstr("name=\"orders: accepted_values(status)\""));
  EXPECT_THAT(report, HasSubstr("type=\"check.relationships\""));
  EXPECT_THAT(report, HasSubstr("tests=\"10\" failures=\"3\""));
  EXPECT_EQ(Project::events(project_.session(), "check_result").size(), 7u);
}

TEST_F(DataChecks, GitHubShowsThemAtTheirLines) {
  project_.set("GITHUB_ACTIONS", "true");
  const Outcome outcome = project_.osiris({"run", "p.yaml"});
  EXPECT_THAT(outcome.err, HasSubstr("::warning file=p.yaml,line=20,"));
  EXPECT_THAT(outcome.err, HasSubstr("title=check.range::step 'orders': check range(amount)"));
}

struct Slip {
  const char* check;
  const char* type;
  const char* message;
  const char* hint;
};

TEST_F(DataChecks, ValidateAsksTheWorker) {
  const Slip slips[] = {
      {"not_null: amont", "check_error", "have no column 'amont'", "'amount'"},
      {"pattern: {column: status, regex: '('}", "check_error", "missing )", ""},
      {"sql: SELECT statu FROM this", "check_error", "statu", ""},
      {"sql: SELECT * FROM customers", "check_error", "customers", ""},
      {"range: {column: amount, min: a}", "check_types", "is DOUBLE", "column's type"},
      {"freshness: {column: status, max_age: 1h}", "check_types", "freshness is for dates", "TIMESTAMP"},
  };
  for (const Slip& slip : slips) {
    write_check(slip.check);
    const Outcome outcome = project_.osiris({"validate", "q.yaml", "--strict", "--json"});
    EXPECT_EQ(outcome.exit, 2) << slip.check;
    const Json findings = outcome.json()["errors"];
    ASSERT_EQ(findings.size(), 1u) << slip.check << outcome.out;
    const Json& finding = findings.items().front();
    EXPECT_EQ(finding["type"].as_string(), slip.type) << outcome.out;
    EXPECT_THAT(finding["message"].as_string(), HasSubstr(slip.message));
    EXPECT_THAT(finding["hint"].as_string(), HasSubstr(slip.hint));
    EXPECT_EQ(finding["line"].as_int(), 9);
    EXPECT_EQ(project_.osiris({"run", "q.yaml"}).exit, 1) << slip.check;
  }
}

TEST_F(DataChecks, NamesAndValuesAreEscapedWhereTheyAreShown) {
  write_check("{range: {column: amount, min: 0}, name: \"<b>\\e[31m]]>&\"}");
  const Outcome outcome = project_.osiris({"run", "q.yaml", "--report", "junit=run.xml"});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_THAT(outcome.out + outcome.err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(project_.read("run.xml"), Not(HasSubstr("<b>")));
  EXPECT_THAT(project_.read("run.xml"), HasSubstr("&lt;b&gt;"));
}

TEST_F(DataChecks, AManifestRunsThem) {
  write_orders("12,2,lost,3,");
  const Outcome compiled = project_.osiris({"compile", "p.yaml", "--json"});
  const std::string manifest = compiled.json()["manifest_path"].as_string();
  const Outcome outcome = project_.osiris({"run", manifest});
  EXPECT_EQ(outcome.exit, 1) << outcome.out;
  EXPECT_THAT(outcome.err, HasSubstr("1 of 5 checks failed"));
}

}  // namespace
}  // namespace osiris::e2e
