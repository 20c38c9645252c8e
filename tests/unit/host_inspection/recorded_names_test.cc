// Names of steps, read without a parser, against the parser.
#include <gmock/gmock.h>

#include "host/compat/pyyaml_emitter.h"
#include "host/inspection/recorded_run.h"
#include "tests/unit/host_pages/session_files.h"

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names_of(const SessionFiles& session) {
  std::vector<std::string> names;
  for (const RecordedStepName& step : read_recorded_names(session.directory()))
    names.push_back(step.id + " " + step.component);
  return names;
}

std::vector<std::string> parsed_names_of(const SessionFiles& session) {
  std::vector<std::string> names;
  for (const RecordedStep& step : read_recorded_plan(session.directory()))
    names.push_back(step.id + " " + step.component);
  return names;
}

Json step(const std::string& id) {
  return Json::object({{"id", id},
                       {"component", "mock"},
                       {"cfg_path", "cfg/" + id + ".json"},
                       {"needs", Json::array({"id: no step", "component: none"})},
                       {"checks", Json::array({Json::object({{"id", "no step"}, {"component", "none"}})})},
                       {"foreach", Json::object({{"id", "no step"}, {"in", "a\n  id: no step\n\nb"}})}});
}

void expect_names(const std::vector<std::string>& ids) {
  Json steps = Json::array();
  std::vector<std::string> expected;
  for (const std::string& id : ids) {
    steps.push_back(step(id));
    expected.push_back(id + " mock");
  }
  SessionFiles session;
  session.write("manifest.yaml", emit_yaml(Json::object({{"meta", Json::object({{"note", "x\nsteps:\n- id: y"}})},
                                                         {"name", "p"},
                                                         {"steps", steps},
                                                         {"version", "1"}})));
  EXPECT_EQ(names_of(session), expected);
  EXPECT_EQ(parsed_names_of(session), expected);
}

TEST(RecordedNames, AreThoseThatTheParserReads) {
  const std::vector<std::string> ids = {"read",
                                        "010",
                                        "yes",
                                        "null",
                                        "1e3",
                                        "it's",
                                        "a b",
                                        "- a",
                                        "a: b",
                                        "#",
                                        "'",
                                        "''",
                                        "\"q\"",
                                        "~",
                                        "<<",
                                        "=",
                                        "načti",
                                        "映画",
                                        "a #b",
                                        std::string(120, 'x'),
                                        std::string(60, 'x') + " " + std::string(67, 'y')};
  // One by one too: a single odd name sends the whole manifest to the parser.
  for (const std::string& id : ids) expect_names({id});
  expect_names(ids);
}

// The emitter ends lines at them, as PyYAML's does.
TEST(RecordedNames, WithLineEndsOfUnicodeAreLeftToTheParser) {
  for (const std::string id : {"a\xc2\x85"
                               "b",
                               "a\xe2\x80\xa8"
                               "b"}) {
    SessionFiles session;
    session.write("manifest.yaml", emit_yaml(Json::object({{"steps", Json::array({step("before"), step(id)})}})));
    EXPECT_EQ(names_of(session), parsed_names_of(session));
  }
}

TEST(RecordedNames, OfAManifestInAnotherFormAreRead) {
  SessionFiles session;
  session.write("manifest.yaml", "name: p\nsteps:\n- {id: a, component: mock}\n- id: b\n  component: \"mock\"\n");
  EXPECT_THAT(names_of(session), ElementsAre("a mock", "b mock"));
  session.write("manifest.yaml", "name: p\nsteps:\n  - id: a\n    component: mock\n");
  EXPECT_THAT(names_of(session), ElementsAre("a mock"));
}

TEST(RecordedNames, OfNoManifestAndOfABrokenOneAreNone) {
  SessionFiles session;
  EXPECT_THAT(names_of(session), IsEmpty());
  session.write("manifest.yaml", "name: p\nsteps: []\n");
  EXPECT_THAT(names_of(session), IsEmpty());
  session.write("manifest.yaml", "steps: [\n");
  EXPECT_THAT(names_of(session), IsEmpty());
}

}  // namespace
}  // namespace osiris
