// The tables of options in the documents are what the adapters declare. OSIRIS_UPDATE_DOCS=1 writes them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <span>

#include "plugins/e2b/options.h"
#include "plugins/local/config.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

std::string text(osiris_str value) { return std::string(plugin::to_view(value)); }

std::string choices_of(const osiris_option& option) {
  std::vector<std::string> choices;
  for (uint32_t i = 0; i < option.choice_count; ++i) choices.push_back("`" + text(option.choices[i]) + "`");
  return join(choices, ", ");
}

std::string type_of(const osiris_option& option) {
  switch (option.type) {
    case OSIRIS_BOOL:
      return "on or off";
    case OSIRIS_INT:
      return "integer";
    case OSIRIS_FLOAT:
      return "number";
    case OSIRIS_BYTES:
      return "size";
    case OSIRIS_DURATION:
      return "duration";
    case OSIRIS_CHOICE:
      return choices_of(option);
    case OSIRIS_PAIR:
      return "NAME=VALUE";
    case OSIRIS_PATH:
      return "file";
    case OSIRIS_ENV:
      return "variable";
    default:
      return "text";
  }
}

std::string default_of(const osiris_option& option) {
  const std::string value = text(option.default_value);
  if (value.empty()) return "–";
  if (option.type == OSIRIS_BOOL) return value == "true" ? "on" : "off";
  return "`" + value + "`" + (option.type == OSIRIS_DURATION ? " s" : "");
}

std::string limits_of(const osiris_option& option) {
  const std::string unit = option.type == OSIRIS_DURATION ? " s" : option.type == OSIRIS_BYTES ? " bytes" : "";
  const std::string least = text(option.minimum), most = text(option.maximum);
  std::vector<std::string> limits;
  if (!least.empty() && least != "0") limits.push_back("at least " + least + unit);
  if (!most.empty()) limits.push_back("at most " + most + unit);
  if (option.bare_unit.len > 0) limits.push_back("a bare number is " + text(option.bare_unit));
  if (option.flags & OSIRIS_REPEATED) limits.push_back("may be repeated");
  return limits.empty() ? "" : " (" + join(limits, ", ") + ")";
}

std::string table(std::span<const osiris_option> options) {
  std::string rows = "| option | value | default | meaning |\n|---|---|---|---|\n";
  for (const osiris_option& option : options)
    if (!(option.flags & OSIRIS_HIDDEN))
      rows += "| `" + text(option.name) + "` | " + type_of(option) + " | " + default_of(option) + " | " +
              text(option.help) + limits_of(option) + " |\n";
  return rows;
}

void expect_table(const std::string& document, std::span<const osiris_option> options) {
  const std::filesystem::path file = std::filesystem::path(std::getenv("OSIRIS_SOURCE_DIR")) / document;
  const auto read = read_file(file);
  ASSERT_TRUE(read.ok()) << file;
  const std::string begin = "<!-- options -->\n", end = "<!-- /options -->\n";
  const size_t from = read->find(begin), to = read->find(end);
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos && from < to)
      << document << " has no place for its table";
  const std::string wanted = table(options), found = read->substr(from + begin.size(), to - from - begin.size());
  if (found != wanted && std::getenv("OSIRIS_UPDATE_DOCS")) {
    ASSERT_TRUE(write_file_atomically(file, read->substr(0, from + begin.size()) + wanted + read->substr(to)).ok());
    return;
  }
  EXPECT_EQ(found, wanted) << document << ": run this test with OSIRIS_UPDATE_DOCS=1";
}

TEST(OptionTables, OfE2bAreInItsManual) { expect_table("docs/e2b.md", plugin::descriptors(e2b::kRows)); }

TEST(OptionTables, OfLocalAreInItsManual) { expect_table("docs/local.md", plugin::descriptors(local::kRows)); }

TEST(OptionTables, HaveARowThatTakesEveryValueOfItsType) {
  const e2b::Config config = plugin::defaults(e2b::kRows);
  EXPECT_EQ(config.timeout, std::chrono::minutes(15));
  EXPECT_EQ(config.lease_s(), 120);
  EXPECT_EQ(config.network, "derived");
  EXPECT_TRUE(config.deps_in_template);
  EXPECT_EQ(config.domain, "e2b.app");
  EXPECT_FALSE(config.cpu_count);
  EXPECT_DOUBLE_EQ(plugin::defaults(local::kRows).grace_s, 0.7);
}

}  // namespace
}  // namespace osiris
