// What osiris says of 250 slips: each message names the place, shows what is wrong and says what to do, and doing it
// helps: the pipeline is valid then, and what is valid without a warning runs. A row has grade A when all three are
// there, B when one is missing. No row may be worse.
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/messages/message_row.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

class Shop {
 public:
  explicit Shop(const std::string& pipeline = kMessagePipeline, const std::string& connections = "connections: {}\n") {
    project_.write("osiris.yaml", "");
    project_.write("in/people.csv", "id,name,age\n1,Ann,20\n2,Bob,17\n");
    project_.write("score.py",
                   "import os, shutil\nshutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n");
    project_.write("p.yaml", pipeline);
    project_.write("osiris_connections.yaml", connections, 0600);
    project_.write(".env", "SHOP_PASSWORD=s3cret\n", 0600);
  }
  Outcome run(const std::vector<std::string>& arguments) const { return project_.osiris(arguments); }

 private:
  Project project_;
};

std::string changed(std::string text, const std::string& right, const std::string& by) {
  const size_t at = text.find(right);
  EXPECT_NE(at, std::string::npos) << "the file has no " << right;
  return at == std::string::npos ? text : text.replace(at, right.size(), by);
}

Outcome with_pipeline(const std::string& right, const std::string& by) {
  return Shop(changed(kMessagePipeline, right, by)).run({"validate", "p.yaml", "--strict"});
}

Outcome with_connections(const std::string& right, const std::string& by) {
  return Shop(kMessagePipeline, changed(kMessageConnections, right, by)).run({"validate", "--strict"});
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct Grades {
  int a = 0, b = 0, worse = 0;
};

void count(int missing, Grades& grades) { ++(missing == 0 ? grades.a : missing == 1 ? grades.b : grades.worse); }

using Validate = Outcome (*)(const std::string& right, const std::string& by);

Grades check_rows(const std::vector<MessageRow>& rows, Validate validate) {
  Grades grades;
  for (const MessageRow& row : rows) {
    SCOPED_TRACE(row.name);
    const Outcome refused = validate(row.right, row.wrong);
    EXPECT_EQ(refused.exit, 2) << refused.err;
    const bool place = refused.err.find(std::string(row.place) + ": ") != std::string::npos;
    const bool offending = holds(refused.err, row.offending), remedy = holds(refused.err, row.remedy);
    EXPECT_TRUE(place) << "not at " << row.place << ":\n" << refused.err;
    EXPECT_TRUE(offending) << "does not show " << row.offending << ":\n" << refused.err;
    EXPECT_TRUE(remedy) << "does not say " << row.remedy << ":\n" << refused.err;
    const Outcome mended = validate(row.right, row.fixed);
    EXPECT_EQ(mended.exit, 0) << "the remedy does not help:\n" << mended.err;
    if (validate == with_pipeline) {
      const Outcome run = Shop(changed(kMessagePipeline, row.right, row.fixed)).run({"run", "p.yaml"});
      EXPECT_EQ(run.exit, 0) << "valid without a warning, and it does not run:\n" << run.err;
    }
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

void expect_good(const Grades& grades) {
  testing::Test::RecordProperty("A", grades.a);
  EXPECT_EQ(grades.worse, 0);
  EXPECT_GE((grades.a + grades.b) * 10, (grades.a + grades.b + grades.worse) * 9)
      << "fewer than 90 % have grade A or B";
}

void expect_good(const std::vector<MessageRow>& rows, Validate validate = with_pipeline) {
  expect_good(check_rows(rows, validate));
}

TEST(Messages, ThePipelineOfTheTableIsValid) {
  const Outcome outcome = Shop().run({"validate", "p.yaml", "--strict"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const Outcome connections = with_connections("", "");
  EXPECT_EQ(connections.exit, 0) << connections.err;
}

TEST(Messages, OfYamlSlipsNameThePlaceAndTheRemedy) { expect_good(yaml_rows()); }
TEST(Messages, OfPipelinesNameThePlaceAndTheRemedy) { expect_good(pipeline_rows()); }
TEST(Messages, OfSqlNameThePlaceAndTheRemedy) { expect_good(sql_rows()); }
TEST(Messages, OfPathsNameThePlaceAndTheRemedy) { expect_good(path_rows()); }
TEST(Messages, OfParametersNameThePlaceAndTheRemedy) { expect_good(parameter_rows()); }
TEST(Messages, OfYamlTrapsNameThePlaceAndTheRemedy) { expect_good(yaml_trap_rows()); }
TEST(Messages, OfValuesInSqlNameThePlaceAndTheRemedy) { expect_good(sql_value_rows()); }
TEST(Messages, OfConnectionsNameThePlaceAndTheRemedy) { expect_good(connection_rows(), with_connections); }
TEST(Messages, OfTheCommandLineNameTheWordAndTheRemedy) { expect_good(check_rows(command_rows())); }

TEST(Messages, AreTriedWithAtLeast250Slips) {
  EXPECT_GE(yaml_rows().size() + pipeline_rows().size() + sql_rows().size() + path_rows().size() +
                parameter_rows().size() + yaml_trap_rows().size() + sql_value_rows().size() + connection_rows().size() +
                command_rows().size(),
            250u);
}

}  // namespace
}  // namespace osiris::e2e
