// One row per option: <osiris/options.hpp>.
#include <osiris/options.hpp>

#include <gtest/gtest.h>

namespace osiris::plugin {
namespace {

struct Config {
  bool flag = false;
  int64_t count = 0;
  std::optional<int64_t> bytes;
  double ratio = 0;
  std::chrono::milliseconds wait{0};
  std::string name;
  std::vector<std::string> hosts;
  std::map<std::string, std::string> labels;
  int calls = 0;
};

void never(Config&, std::string_view) { throw Failure(OSIRIS_UNSUPPORTED, "never"); }

constexpr osiris_str kColours[] = {OSIRIS_STR("red"), OSIRIS_STR("blue")};
constexpr std::array kFirst = {
    Bound<Config>{.type = OSIRIS_BOOL, .name = "flag", .target = &Config::flag, .help = "h", .default_value = "false"},
    Bound<Config>{.type = OSIRIS_INT,
                  .name = "count",
                  .target = &Config::count,
                  .help = "h",
                  .default_value = "3",
                  .minimum = "1",
                  .maximum = "9"},
    Bound<Config>{.type = OSIRIS_BYTES, .name = "bytes", .target = &Config::bytes, .help = "h", .bare_unit = "GiB"},
    Bound<Config>{.type = OSIRIS_FLOAT, .name = "ratio", .target = &Config::ratio, .help = "h"},
};
constexpr std::array kSecond = {
    Bound<Config>{
        .type = OSIRIS_DURATION, .name = "wait", .target = &Config::wait, .help = "h", .default_value = "1.5"},
    Bound<Config>{.type = OSIRIS_CHOICE,
                  .name = "name",
                  .target = &Config::name,
                  .help = "h",
                  .default_value = "red",
                  .choices = kColours},
    Bound<Config>{.type = OSIRIS_TEXT,
                  .name = "host",
                  .target = &Config::hosts,
                  .help = "h",
                  .value_name = "HOST",
                  .flags = OSIRIS_REPEATED},
    Bound<Config>{
        .type = OSIRIS_PAIR, .name = "label", .target = &Config::labels, .help = "h", .flags = OSIRIS_REPEATED},
    Bound<Config>{.type = OSIRIS_TEXT, .name = "never", .target = never, .help = "h"},
    Bound<Config>{.type = OSIRIS_TEXT,
                  .name = "call",
                  .target = [](Config& config, std::string_view) { ++config.calls; },
                  .help = "h"},
};
constexpr auto kRows = joined(kFirst, kSecond);

TEST(BoundOptions, GiveTheDescriptorsOfTheAbi) {
  static constexpr auto kOptions = descriptors(kRows);
  static_assert(kOptions.size() == 10);
  EXPECT_EQ(to_view(kOptions[1].name), "count");
  EXPECT_EQ(kOptions[1].type, uint32_t{OSIRIS_INT});
  EXPECT_EQ(to_view(kOptions[1].minimum), "1");
  EXPECT_EQ(to_view(kOptions[1].maximum), "9");
  EXPECT_EQ(to_view(kOptions[2].bare_unit), "GiB");
  EXPECT_EQ(kOptions[2].default_value.len, 0u);
  EXPECT_EQ(kOptions[5].choice_count, 2u);
  EXPECT_EQ(to_view(kOptions[5].choices[1]), "blue");
  EXPECT_EQ(kOptions[6].flags, uint32_t{OSIRIS_REPEATED});
}

TEST(BoundOptions, PutEveryValueWhereItBelongs) {
  Config config;
  apply(kRows,
        {{"flag", "true"},
         {"count", "7"},
         {"bytes", "1073741824"},
         {"ratio", "0.25"},
         {"wait", "0.0505"},
         {"name", "blue"},
         {"host", "a"},
         {"host", "b"},
         {"label", "k=v=w"},
         {"label", "empty="},
         {"call", "x"}},
        config);
  EXPECT_TRUE(config.flag);
  EXPECT_EQ(config.count, 7);
  EXPECT_EQ(config.bytes, 1073741824);
  EXPECT_DOUBLE_EQ(config.ratio, 0.25);
  EXPECT_EQ(config.wait, std::chrono::milliseconds(51)) << "to the nearest millisecond";
  EXPECT_EQ(config.name, "blue");
  EXPECT_EQ(config.hosts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(config.labels, (std::map<std::string, std::string>{{"k", "v=w"}, {"empty", ""}}));
  EXPECT_EQ(config.calls, 1);
}

TEST(BoundOptions, DefaultsAreThoseOfTheRows) {
  const Config config = defaults(kRows);
  EXPECT_EQ(config.count, 3);
  EXPECT_EQ(config.wait, std::chrono::milliseconds(1500));
  EXPECT_EQ(config.name, "red");
  EXPECT_FALSE(config.bytes);
}

TEST(BoundOptions, RefuseASettingThatNoRowNames) {
  Config config;
  EXPECT_THROW(apply(kRows, {{"colour", "red"}}, config), Failure);
  EXPECT_THROW(apply(kRows, {{"never", "x"}}, config), Failure);
}

}  // namespace
}  // namespace osiris::plugin
