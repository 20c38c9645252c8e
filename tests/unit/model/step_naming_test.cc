#include "protocol/model/step_naming.h"

#include <gtest/gtest.h>

#include "protocol/base/sha256.h"

namespace osiris {
namespace {

TEST(StepNaming, ReplacesWhatSqlWouldNotTake) {
  EXPECT_EQ(relation_name("extract-movies"), "df_extract_movies");
  EXPECT_EQ(relation_name("get.users"), "df_get_users");
  EXPECT_EQ(relation_name("123m"), "df__123m");
  EXPECT_EQ(relation_name("žluť"), "df__lu_");
}

TEST(StepNaming, CollidingNamesGetTheHashOfTheirOwnId) {
  const auto names = relation_names({"extract-movies", "other", "extract.movies"});
  EXPECT_EQ(names[0].first, "df_extract_movies_" + sha256_hex("extract-movies").substr(0, 8));
  EXPECT_EQ(names[1].first, "df_other");
  EXPECT_EQ(names[2].first, "df_extract_movies_" + sha256_hex("extract.movies").substr(0, 8));
}

TEST(StepNaming, NamesThatDifferOnlyInCaseCollideToo) {
  EXPECT_NE(relation_names({"A", "a"})[0].first, "df_A");
  EXPECT_EQ(relation_names({"A", "b"})[0].first, "df_A");
}

TEST(StepNaming, SafeIdsBecomeFileNames) {
  for (const char* id : {"a", "calls.2025", "..x", "-", "Řeka 1"}) EXPECT_TRUE(is_safe_step_id(id)) << id;
  EXPECT_TRUE(is_safe_step_id(std::string(128, 'x')));
}

TEST(StepNaming, UnsafeIdsDoNot) {
  for (const char* id : {"", ".", "..", "a/b", "a\\b", "a\nb", "\x7f", "\xff"}) EXPECT_FALSE(is_safe_step_id(id)) << id;
  EXPECT_FALSE(is_safe_step_id(std::string(129, 'x')));
  EXPECT_FALSE(is_safe_step_id(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace osiris
