#include "protocol/base/categories.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <set>

#include "protocol/base/file.h"

namespace osiris {
namespace {

TEST(ErrorCategories, AreThoseOfTheManual) {
  const auto manual = read_file(std::string(std::getenv("OSIRIS_SOURCE_DIR")) + "/docs/error-categories.md");
  ASSERT_TRUE(manual.ok());
  static const std::regex row(R"(\n\| `([a-z_.]+)` \| [^|]+ \|)");
  std::set<std::string> documented;
  for (std::sregex_iterator it(manual->begin(), manual->end(), row), end; it != end; ++it) documented.insert((*it)[1]);
  EXPECT_EQ(documented, std::set<std::string>(category::kAll.begin(), category::kAll.end()));
}

TEST(ErrorCategories, AreListedOnceEach) {
  EXPECT_EQ(std::set<std::string_view>(category::kAll.begin(), category::kAll.end()).size(), category::kAll.size());
  const auto header = read_file(std::string(std::getenv("OSIRIS_SOURCE_DIR")) + "/protocol/base/categories.h");
  ASSERT_TRUE(header.ok());
  static const std::regex constant(R"rx(inline constexpr char k\w+\[\] = "([a-z_.]+)";)rx");
  std::set<std::string> named;
  for (std::sregex_iterator it(header->begin(), header->end(), constant), end; it != end; ++it) named.insert((*it)[1]);
  EXPECT_EQ(named, std::set<std::string>(category::kAll.begin(), category::kAll.end()));
}

}  // namespace
}  // namespace osiris
