#include "host/adapters/option_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace osiris {
namespace {

OptionSpec of_type(uint32_t type, std::string bare_unit = {}) {
  OptionSpec spec;
  spec.type = type;
  spec.bare_unit = std::move(bare_unit);
  return spec;
}

// The canonical text, or "error: ..." .
std::string canonical(const OptionSpec& spec, std::string_view text) {
  const auto value = canonical_value(spec, text, "/base");
  return value.ok() ? *value : "error: " + value.error().message;
}
bool refused(const OptionSpec& spec, std::string_view text) { return !canonical_value(spec, text, "/base").ok(); }

TEST(OptionValue, IntIsDecimal) {
  const OptionSpec spec = of_type(OSIRIS_INT);
  EXPECT_EQ(canonical(spec, " -7 "), "-7");
  EXPECT_EQ(canonical(spec, "+08"), "8");
  EXPECT_EQ(canonical(spec, "9223372036854775807"), "9223372036854775807");
}

TEST(OptionValue, IntRejectsWhatIsNone) {
  const OptionSpec spec = of_type(OSIRIS_INT);
  for (const char* text : {"", "1.0", "0x10", "1e3", "seven", "1 2", "--1", "+-1"})
    EXPECT_TRUE(refused(spec, text)) << text;
  EXPECT_EQ(canonical(spec, "9223372036854775808"), "error: '9223372036854775808' does not fit into 64 bits");
}

TEST(OptionValue, FloatIsShortest) {
  const OptionSpec spec = of_type(OSIRIS_FLOAT);
  EXPECT_EQ(canonical(spec, "0.50"), "0.5");
  EXPECT_EQ(canonical(spec, "2.0"), "2");
  EXPECT_EQ(canonical(spec, "1e3"), "1000");
  for (const char* text : {"", "nan", "inf", "1,5", "half", "1e999"}) EXPECT_TRUE(refused(spec, text)) << text;
}

TEST(OptionValue, BoolHasFourSpellings) {
  const OptionSpec spec = of_type(OSIRIS_BOOL);
  for (const char* text : {"true", "Yes", "ON", "1"}) EXPECT_EQ(canonical(spec, text), "true");
  for (const char* text : {"false", "no", "Off", "0"}) EXPECT_EQ(canonical(spec, text), "false");
  for (const char* text : {"", "y", "2", "maybe"}) EXPECT_TRUE(refused(spec, text)) << text;
}

TEST(OptionValue, ChoiceOffersTheNearest) {
  OptionSpec spec = of_type(OSIRIS_CHOICE);
  spec.choices = {"allow", "deny"};
  EXPECT_EQ(canonical(spec, "deny"), "deny");
  EXPECT_EQ(canonical(spec, "Deny"), "error: 'Deny' is not one of allow, deny");
  EXPECT_EQ(canonical_value(spec, "alow", "/").error().hint, "did you mean 'allow'?");
}

TEST(OptionValue, DurationBecomesSeconds) {
  const OptionSpec spec = of_type(OSIRIS_DURATION);
  EXPECT_EQ(canonical(spec, "90"), "90");
  EXPECT_EQ(canonical(spec, "90s"), "90");
  EXPECT_EQ(canonical(spec, "15m"), "900");
  EXPECT_EQ(canonical(spec, "1h30m"), "5400");
  EXPECT_EQ(canonical(spec, "1 h 30 min"), "5400");
  EXPECT_EQ(canonical(spec, "1.5h"), "5400");
  EXPECT_EQ(canonical(spec, "500ms"), "0.5");
  EXPECT_EQ(canonical(spec, "2d"), "172800");
  EXPECT_EQ(canonical(of_type(OSIRIS_DURATION, "m"), "15"), "900");
  EXPECT_EQ(canonical(of_type(OSIRIS_DURATION, "m"), "15s"), "15");
}

TEST(OptionValue, DurationRejectsWhatIsNone) {
  const OptionSpec spec = of_type(OSIRIS_DURATION);
  for (const char* text : {"", " ", "s", "-5", "-5s", "1h30", "30 1h", "1e3", "soon", "1h,30m", ".", "1.2.3s"})
    EXPECT_TRUE(refused(spec, text)) << text;
  EXPECT_EQ(canonical(spec, "3 fortnights"), "error: '3 fortnights' has the unknown unit 'fortnights'");
  EXPECT_TRUE(refused(spec, "99999999999999s"));
}

TEST(OptionValue, BytesBecomeBytes) {
  const OptionSpec spec = of_type(OSIRIS_BYTES);
  EXPECT_EQ(canonical(spec, "1048576"), "1048576");
  EXPECT_EQ(canonical(spec, "512MiB"), "536870912");
  EXPECT_EQ(canonical(spec, "512 mib"), "536870912");
  EXPECT_EQ(canonical(spec, "1.5GiB"), "1610612736");
  EXPECT_EQ(canonical(spec, "2GB"), "2000000000");
  EXPECT_EQ(canonical(spec, "2g"), "2147483648");
  EXPECT_EQ(canonical(of_type(OSIRIS_BYTES, "GiB"), "4"), "4294967296");
  EXPECT_EQ(canonical(of_type(OSIRIS_BYTES, "GiB"), "512MiB"), "536870912");
}

TEST(OptionValue, BytesRejectWhatIsNone) {
  const OptionSpec spec = of_type(OSIRIS_BYTES);
  for (const char* text : {"", "GiB", "-1", "1GiBs", "1 2", "lots", "1e3"}) EXPECT_TRUE(refused(spec, text)) << text;
  EXPECT_EQ(canonical(spec, "99999999999TiB"), "error: '99999999999TiB' does not fit into 64 bits");
}

TEST(OptionValue, PathBecomesAbsolute) {
  const OptionSpec spec = of_type(OSIRIS_PATH);
  EXPECT_EQ(canonical(spec, "a/../b/./c"), "/base/b/c");
  EXPECT_EQ(canonical(spec, "/x//y/"), "/x/y");
  EXPECT_EQ(canonical(spec, "/"), "/");
  EXPECT_EQ(canonical(spec, "."), "/base");
  EXPECT_TRUE(refused(spec, ""));
  EXPECT_TRUE(refused(spec, std::string_view("a\0b", 3)));
}

TEST(OptionValue, PairHasAKey) {
  const OptionSpec spec = of_type(OSIRIS_PAIR);
  EXPECT_EQ(canonical(spec, "KEY=a=b"), "KEY=a=b");
  EXPECT_EQ(canonical(spec, "KEY="), "KEY=");
  for (const char* text : {"", "KEY", "=value"}) EXPECT_TRUE(refused(spec, text)) << text;
}

TEST(OptionValue, EnvIsANameAndNoValue) {
  const OptionSpec spec = of_type(OSIRIS_ENV);
  EXPECT_EQ(canonical(spec, "_MY_TOKEN2"), "_MY_TOKEN2");
  for (const char* text : {"", "A=b", "2A", "A-B", "A B"}) EXPECT_TRUE(refused(spec, text)) << text;
}

TEST(OptionValue, RangesHoldInCanonicalUnits) {
  OptionSpec spec = of_type(OSIRIS_DURATION);
  spec.minimum = "60";
  spec.maximum = "3600";
  EXPECT_EQ(canonical(spec, "1m"), "60");
  EXPECT_EQ(canonical(spec, "1h"), "3600");
  EXPECT_EQ(canonical(spec, "59"), "error: '59' is below the minimum of 60 seconds");
  EXPECT_EQ(canonical(spec, "61m"), "error: '61m' is above the maximum of 3600 seconds");
  OptionSpec large = of_type(OSIRIS_INT);
  large.maximum = "9007199254740992";
  EXPECT_TRUE(refused(large, "9007199254740993")) << "compared as integers, not as doubles";
}

TEST(OptionValue, TextIsAnyUtf8) {
  EXPECT_EQ(canonical(of_type(OSIRIS_TEXT), " caf\xc3\xa9 "), " caf\xc3\xa9 ");
  EXPECT_TRUE(refused(of_type(OSIRIS_TEXT), "caf\xe9"));
  EXPECT_EQ(canonical(of_type(77), "anything"), "anything") << "a type from the future is text";
}

TEST(OptionSpecs, SpellOneNameFourWays) {
  osiris_option option{};
  option.size = sizeof option;
  option.type = OSIRIS_BOOL;
  option.flags = OSIRIS_HIDDEN | OSIRIS_SENSITIVE;
  option.name = OSIRIS_STR("install-deps");
  const OptionSpec spec = option_spec("e2b", option);
  EXPECT_EQ(spec.flag, "--e2b-install-deps");
  EXPECT_EQ(spec.negative_flag, "--no-e2b-install-deps");
  EXPECT_EQ(spec.env, "OSIRIS_E2B_INSTALL_DEPS");
  EXPECT_EQ(spec.key, "adapters.e2b.install_deps");
  EXPECT_TRUE(spec.hidden && spec.sensitive);
  EXPECT_FALSE(spec.required || spec.repeated || spec.default_value);
}

}  // namespace
}  // namespace osiris
