// Taps that crash, hang, write garbage, or write what their schema does not say.
#include <gmock/gmock.h>

#include "tests/drivers/singer.extractor/tap.h"

namespace osiris::worker::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SingerBadTaps, EachFaultIsNamed) {
  struct Fault {
    std::string code, error;
  };
  const std::vector<Fault> faults = {
      {"sys.exit(3)", "tap.py exited with status 3"},
      {"schema(id=INTEGER)\nrecord(id=1)\nraise ValueError('no luck')", "ValueError: no luck"},
      {"os.kill(os.getpid(), 9)", "was killed by signal 9"},
      {"pass", "the tap sent nothing of stream 'users'"},
      {"say(type='SCHEMA', stream='teams', schema={})", "It sent teams."},
      {"print('Fetching page 1 ...')", "line 1 of the tap's output is no message: Fetching page 1 ..."},
      {"schema(id=INTEGER)\nprint('{\"type\": \"RECORD\", \"stream\": \"users\", \"record\": {\"id\": 1')",
       "line 2 of the tap's output is no message"},
      {"sys.stdout.write('{\"type\": \"STATE\"')", "has no end"},
      {"sys.stdout.buffer.write(bytes(range(256)) * 100 + b'\\n')", "is no message"},
      {"say(type='BATCH', stream='users')", "is no message that is known here"},
      {"record(id=1)", "is a record before the schema of its stream"},
      {"say(type='STATE', value=7)", "the tap's state is no object: 7"},
      {"schema()", "the tap's schema has no properties"},
      {"schema(id=INTEGER)\nrecord(id=1)\nschema(id=TEXT)",
       "the tap changed the schema of stream 'users' after 1 records"},
      {"schema(id=INTEGER, ID=INTEGER)", "two columns of the stream differ only in case"},
      {"schema(id=INTEGER)\nsay(type='RECORD', stream='users', record=[1])", "record 1 of the tap is no object"},
      {"schema(id=INTEGER)\nrecord(id=1)\nrecord(id=1.5)", "record 2, column 'id': 1.5 is no integer"},
      {"schema(id=INTEGER)\nrecord(id=9223372036854775808)", "9223372036854775808 is beyond 64 bits"},
      {"schema(id=INTEGER)\nrecord(id='1')", "column 'id': \"1\" is no integer"},
      {"schema(name=TEXT)\nrecord(name={})", "column 'name': {} is no text"},
      {"schema(name=TEXT)\nsys.stdout.write('{\"type\":\"RECORD\",\"stream\":\"users\",\"record\":{\"name\":"
       "\"\\\\ud800\"}}\\n')",
       "is no text in Unicode"},
      {"schema(r={'type': 'number'})\nsys.stdout.write('{\"type\":\"RECORD\",\"stream\":\"users\",\"record\":{\"r\":"
       "0.12345678901234567890}}\\n')",
       "has more digits than a double keeps"},
      {"schema(r={'type': 'number'})\nrecord(r=float('nan'))", "is no message"},
      {"schema(r={'type': 'number', 'multipleOf': 0.01})\nrecord(r=0.125)", "would be rounded to 2 digits"},
      {"schema(d={'type': 'string', 'format': 'date'})\nrecord(d='2024-02-29')\nrecord(d='2023-02-29')",
       "record 2, column 'd': '2023-02-29' is no DATE"},
      {"schema(d={'type': 'string', 'format': 'date'})\nrecord(d='2024-02-29T10:00:00Z')",
       "record 1, column 'd': '2024-02-29T10:00:00Z' is no DATE"},
      {"schema(d={'type': 'string', 'format': 'time'})\nrecord(d='10:00:00+05:00')",
       "record 1, column 'd': '10:00:00+05:00' is no TIME"},
      {"schema(d={'type': 'string', 'format': 'date-time'})\nrecord(d='2024-01-01T00:00:00.123456789Z')",
       "is finer than a microsecond"}};
  for (const Fault& fault : faults) {
    SCOPED_TRACE(fault.code);
    EXPECT_THAT(TapStep(fault.code).rows(), HasSubstr(fault.error));
  }
}

TEST(SingerBadTaps, NumbersMayBeTextOrDecimal) {
  const std::string code =
      "schema(r={'type': 'number'})\nsys.stdout.write('{\"type\":\"RECORD\",\"stream\":\"users\",\"record\":{\"r\":"
      "0.12345678901234567890}}\\n')";
  EXPECT_EQ(TapStep(code, {{"numbers", "text"}}).rows(), "r VARCHAR\n0.12345678901234567890\n");
  EXPECT_EQ(TapStep(code, {{"numbers", "decimal(38,20)"}}).rows(), "r DECIMAL(38,20)\n0.12345678901234567890\n");
}

TEST(SingerBadTaps, OneThatHangsIsEnded) {
  TapStep step("schema(id=INTEGER)\nrecord(id=1)\ntime.sleep(1000)\n", {{"idle_timeout", 1}});
  EXPECT_THAT(step.rows(), HasSubstr("tap.py has said nothing for 1 s and was ended"));
}

TEST(SingerBadTaps, OneThatFloodsAfterAnErrorIsEnded) {
  TapStep step("print('oops')\nwhile True: print('x' * 1000)\n");
  EXPECT_THAT(step.rows(), HasSubstr("line 1 of the tap's output is no message: oops"));
}

TEST(SingerBadTaps, WithoutItsProgramItSaysSo) {
  EXPECT_THAT(TapStep("", {{"tap", "tap-nowhere"}}).rows(),
              AllOf(HasSubstr("the tap 'tap-nowhere' is not there"), HasSubstr("'requirements'")));
}

TEST(SingerBadTaps, ASecretThatItPrintsIsHidden) {
  TapStep step("print('token is', config['token'], file=sys.stderr)\nprint('token is', config['token'])\n");
  step.set_connection("singer", "api", Json::object({{"secrets", R"({"token":"canary-token"})"}}));
  EXPECT_THAT(step.rows(), AllOf(HasSubstr("token is ***"), Not(HasSubstr("canary"))));
  EXPECT_THAT(step.everything_said(), AllOf(HasSubstr("token is ***"), Not(HasSubstr("canary"))));
}

}  // namespace
}  // namespace osiris::worker::test
