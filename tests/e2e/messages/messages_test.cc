// What osiris says of 150 slips: each message names the place, shows what is wrong and says what to do, and doing it
// helps. A row has grade A when all three are there, B when one is missing. No row may be worse.
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/messages/message_row.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

// Valid, strictly. The rows count its lines.
constexpr const char* kPipeline = R"(oml_version: "0.1.0"
name: shop
params:
  limit: {type: integer, default: 10}
steps:
  - id: read-people
    component: filesystem.csv_extractor
    mode: read
    config:
      path: in/people.csv
      delimiter: ","
      limit: ${params.limit}
  - id: adults
    component: duckdb.processor
    mode: transform
    needs: [read-people]
    config:
      query: SELECT id, name FROM df_read_people WHERE age >= 18
  - id: save
    component: filesystem.csv_writer
    mode: write
    needs: [adults]
    config:
      path: out/adults.csv
)";

class Shop {
 public:
  explicit Shop(const std::string& pipeline = kPipeline) {
    project_.write("osiris.yaml", "");
    project_.write("in/people.csv", "id,name,age\n1,Ann,20\n2,Bob,17\n");
    project_.write("score.py", "pass\n");
    project_.write("p.yaml", pipeline);
  }
  Outcome run(const std::vector<std::string>& arguments) const { return project_.osiris(arguments); }

 private:
  Project project_;
};

std::string changed(const std::string& right, const std::string& by) {
  std::string text = kPipeline;
  const size_t at = text.find(right);
  EXPECT_NE(at, std::string::npos) << "the pipeline has no " << right;
  return at == std::string::npos ? text : text.replace(at, right.size(), by);
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct Grades {
  int a = 0, b = 0, worse = 0;
};

void count(int missing, Grades& grades) { ++(missing == 0 ? grades.a : missing == 1 ? grades.b : grades.worse); }

Grades check_rows(const std::vector<MessageRow>& rows) {
  Grades grades;
  for (const MessageRow& row : rows) {
    SCOPED_TRACE(row.name);
    const Outcome refused = Shop(changed(row.right, row.wrong)).run({"validate", "p.yaml", "--strict"});
    EXPECT_EQ(refused.exit, 2) << refused.err;
    const bool place = refused.err.find(std::string(row.place) + ": ") != std::string::npos;
    const bool offending = holds(refused.err, row.offending), remedy = holds(refused.err, row.remedy);
    EXPECT_TRUE(place) << "not at " << row.place << ":\n" << refused.err;
    EXPECT_TRUE(offending) << "does not show " << row.offending << ":\n" << refused.err;
    EXPECT_TRUE(remedy) << "does not say " << row.remedy << ":\n" << refused.err;
    const Outcome mended = Shop(changed(row.right, row.fixed)).run({"validate", "p.yaml", "--strict"});
    EXPECT_EQ(mended.exit, 0) << "the remedy does not help:\n" << mended.err;
    count(!place + !offending + !(remedy && mended.exit == 0), grades);
  }
  return grades;
}

Grades check_rows(const std::vector<CommandRow>& rows) {
  Grades grades;
  const Shop shop;
  for (const CommandRow& row : rows) {
    SCOPED_TRACE(row.name);
    const Outcome refused = shop.run(row.arguments);
    EXPECT_EQ(refused.exit, row.exit) << refused.err;
    const bool offending = holds(refused.err, row.offending), remedy = holds(refused.err, row.remedy);
    EXPECT_TRUE(offending) << "does not show " << row.offending << ":\n" << refused.err;
    EXPECT_TRUE(remedy) << "does not say " << row.remedy << ":\n" << refused.err;
    const Outcome mended = shop.run(row.fixed);
    EXPECT_EQ(mended.exit, 0) << "the remedy does not help:\n" << mended.err;
    count(!offending + !(remedy && mended.exit == 0), grades);
  }
  return grades;
}

template <typename Row>
void expect_good(const std::vector<Row>& rows) {
  const Grades grades = check_rows(rows);
  testing::Test::RecordProperty("A", grades.a);
  EXPECT_EQ(grades.worse, 0);
  EXPECT_GE((grades.a + grades.b) * 10, static_cast<int>(rows.size()) * 9) << "fewer than 90 % have grade A or B";
}

TEST(Messages, ThePipelineOfTheTableIsValid) {
  const Outcome outcome = Shop().run({"validate", "p.yaml", "--strict"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
}

TEST(Messages, OfYamlSlipsNameThePlaceAndTheRemedy) { expect_good(yaml_rows()); }
TEST(Messages, OfPipelinesNameThePlaceAndTheRemedy) { expect_good(pipeline_rows()); }
TEST(Messages, OfSqlNameThePlaceAndTheRemedy) { expect_good(sql_rows()); }
TEST(Messages, OfPathsNameThePlaceAndTheRemedy) { expect_good(path_rows()); }
TEST(Messages, OfParametersNameThePlaceAndTheRemedy) { expect_good(parameter_rows()); }
TEST(Messages, OfTheCommandLineNameTheWordAndTheRemedy) { expect_good(command_rows()); }

TEST(Messages, AreTriedWithAtLeast150Slips) {
  EXPECT_GE(yaml_rows().size() + pipeline_rows().size() + sql_rows().size() + path_rows().size() +
                parameter_rows().size() + command_rows().size(),
            150u);
}

}  // namespace
}  // namespace osiris::e2e
