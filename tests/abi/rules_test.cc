// What is written down about the ABI against what is tested of it: every field and every constant of the header has its
// line in layout.c, every rule and every row of the negotiation table names the test that would notice its breach.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/abi/support.h"

namespace osiris::abi_tests {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string text_of(const fs::path& file) {
  const auto text = read_file(file);
  EXPECT_TRUE(text.ok()) << file;
  return text.ok() ? *text : "";
}

std::vector<std::string> matches(const std::string& text, const std::string& pattern) {
  std::vector<std::string> found;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    std::string whole = (*it)[1];
    for (size_t group = 2; group < it->size(); ++group) whole += "." + it->str(group);
    found.push_back(whole);
  }
  return found;
}

// "struct.field" of every struct in the baseline (which is today's header: AbiBaseline.IsTodaysHeader).
std::set<std::string> declared_fields(const std::string& abi) {
  std::set<std::string> fields;
  std::string type;
  for (const std::string& line : split(abi, '\n')) {
    if (const auto name = matches(line, "<class-decl name='(osiris_[a-z_]+)'"); !name.empty()) type = name[0];
    if (line.find("</class-decl>") != std::string::npos) type.clear();
    if (const auto name = matches(line, "<var-decl name='([a-z0-9_]+)'"); !type.empty() && !name.empty())
      fields.insert(type + "." + name[0]);
  }
  return fields;
}

// What layout.c does not say of the structs in `abi` and the constants in `header`.
std::vector<std::string> not_asserted(const std::string& abi, const std::string& header, const std::string& layout) {
  std::vector<std::string> missing;
  std::set<std::string> types, asserted;
  for (const std::string& field : matches(layout, R"(FIELD\(([a-z_]+), ([a-z0-9_]+), )")) asserted.insert(field);
  for (const std::string& field : declared_fields(abi)) {
    if (!asserted.contains(field)) missing.push_back(field);
    types.insert(field.substr(0, field.find('.')));
  }
  for (const std::string& type : types)
    if (layout.find("CHECK(sizeof(" + type + ") == ") == std::string::npos) missing.push_back("sizeof(" + type + ")");
  for (const std::string& constant : matches(header, R"(\b(OSIRIS_[A-Z_]+) = [0-9]+)"))
    if (!std::regex_search(layout, std::regex("[( ]" + constant + " == [0-9]"))) missing.push_back(constant);
  return missing;
}

TEST(Layout, HasALineForEveryFieldAndConstant) {
  const std::string abi = text_of(source_dir() / "tests/abi/baseline/adapter-1.0.abi");
  EXPECT_THAT(declared_fields(abi), SizeIs(::testing::Ge(60u))) << "the baseline could not be read";
  EXPECT_THAT(not_asserted(abi, text_of(source_dir() / "plugin_api/include/osiris/adapter.h"),
                           text_of(source_dir() / "tests/abi/layout/layout.c")),
              IsEmpty())
      << "add the line to tests/abi/layout/layout.c";
}

TEST(Layout, MissesAFieldAndAConstantWithoutOne) {
  const std::string abi =
      "<class-decl name='osiris_event' size-in-bits='64'>\n<var-decl name='size'/>\n<var-decl "
      "name='later'/>\n</class-decl>";
  EXPECT_THAT(
      not_asserted(abi, "OSIRIS_OK = 0, OSIRIS_NEW = 9",
                   "CHECK(sizeof(osiris_event) == 8);\nFIELD(osiris_event, size, 0, 4);\nCHECK(OSIRIS_OK == 0);"),
      ::testing::ElementsAre("osiris_event.later", "OSIRIS_NEW"));
}

// "Suite.Name" of every test in the sources (parameterised suites too), and the names of the defects some test loads.
struct Known {
  std::set<std::string> tests, defects;
};
Known known_tests() {
  Known known;
  std::string all;
  for (const char* folder : {"tests/abi", "tests/unit/host_adapters", "tests/tidy"})
    for (const auto& entry : fs::directory_iterator(source_dir() / folder))
      if (entry.path().extension() == ".cc") {
        const std::string text = text_of(entry.path());
        all += text;
        for (const std::string& name : matches(text, R"(\nTEST(?:_F|_P)?\((\w+), (\w+)\))")) known.tests.insert(name);
      }
  for (const auto& entry : fs::directory_iterator(source_dir() / "tests/abi/defects"))
    if (const std::string name = entry.path().stem().string(); all.find("\"" + name + "\"") != std::string::npos)
      known.defects.insert(name);
  return known;
}

struct Claim {
  std::string row, reference;  // one word in backticks in the last cell
};
// The rows of tables whose last column is called "tests".
std::vector<Claim> claims_of(const std::string& text, std::vector<std::string>& unclaimed) {
  std::vector<Claim> claims;
  bool inside = false;
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with("|")) {
      inside = false;
    } else if (line.ends_with("| tests |")) {
      inside = true;
    } else if (inside && !line.starts_with("|---")) {
      const size_t cell = line.rfind('|', line.size() - 2);
      const auto references = matches(line.substr(cell), "`([A-Za-z0-9_.]+)`");
      for (const std::string& reference : references) claims.push_back({line, reference});
      if (references.empty() && line.find("| review |") == std::string::npos) unclaimed.push_back(line);
    }
  }
  return claims;
}

TEST(Rules, NameTestsThatExist) {
  const Known known = known_tests();
  for (const char* page : {"docs/abi/rules.md", "docs/plugin-abi.md"}) {
    std::vector<std::string> unclaimed;
    const auto claims = claims_of(text_of(source_dir() / page), unclaimed);
    EXPECT_THAT(claims, SizeIs(::testing::Ge(8u))) << page << ": the table with a column of tests was not found";
    EXPECT_THAT(unclaimed, IsEmpty()) << page << ": name a test, or say review";
    for (const Claim& claim : claims)
      EXPECT_TRUE(known.tests.contains(claim.reference) || known.defects.contains(claim.reference))
          << page << ": there is no test and no defect " << claim.reference << "\n"
          << claim.row;
  }
}

TEST(Rules, ARowWithoutATestIsNoticed) {
  std::vector<std::string> unclaimed;
  EXPECT_THAT(
      claims_of("| # | rule | tests |\n|---|---|---|\n| G1 | a | `A.B` |\n| G2 | b | none |\n| G3 | c | review |\n",
                unclaimed),
      SizeIs(1));
  EXPECT_THAT(unclaimed, SizeIs(1));
}

TEST(Rules, EveryDefectIsUsed) {
  const Known known = known_tests();
  for (const auto& entry : fs::directory_iterator(source_dir() / "tests/abi/defects"))
    if (entry.path().extension() != ".h") {
      EXPECT_TRUE(known.defects.contains(entry.path().stem().string())) << entry.path() << " is built and never loaded";
    }
}

}  // namespace
}  // namespace osiris::abi_tests
