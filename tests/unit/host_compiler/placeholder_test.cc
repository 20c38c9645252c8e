#include "host/compiler/placeholder.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(Placeholders, AreNamesBetweenBraces) {
  const std::string text = "a ${params.09azAZ_-.x} b";
  const auto found = find_placeholder(text, 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "09azAZ_-.x");
  EXPECT_EQ(text.substr(found->start, found->end - found->start), "${params.09azAZ_-.x}");
  EXPECT_FALSE(find_placeholder(text, found->end));
  EXPECT_FALSE(find_placeholder(text, found->start + 1));
}

TEST(Placeholders, OtherTextsAreNone) {
  for (const char* text :
       {"${params.", "${params.x", "${params.x y}", "${params.}", "${params.x/}", "${param.x}", "$params.x", ""})
    EXPECT_FALSE(find_placeholder(text, 0)) << text;
  EXPECT_EQ(find_placeholder("${params. ${params.x}", 0)->name, "x");
}

}  // namespace
}  // namespace osiris
