// JSON text that is stepped over, piece by piece as it comes.
#include <gtest/gtest.h>

#include "worker/drivers/singer.extractor/json_cursor.h"

namespace osiris::worker::singer {
namespace {

bool is_value(std::string_view text) {
  JsonCursor cursor(text);
  Token token;
  return cursor.value(token) && cursor.at_end();
}

TEST(JsonCursor, TakesWhatIsJsonAndNothingElse) {
  for (const char* text : {"0", "-0", "1.5e-7", "\"\"", "\"a\\\"b\\u00e9\"", "[]", "{}", " [1, {\"a\" : null}] ",
                           "true", "{\"a\":{\"b\":[{}]}}"})
    EXPECT_TRUE(is_value(text)) << text;
  for (const char* text :
       {"",         "01",   "1.",    ".5",      "+1",    "1e",         "NaN", "Infinity", "-",   "\"a",
        "\"a\nb\"", "[1,]", "[1 2]", "{\"a\"}", "{a:1}", "{\"a\":1,}", "tru", "nul",      "1 2", "{\"a\":1"})
    EXPECT_FALSE(is_value(text)) << text;
  EXPECT_FALSE(is_value(std::string(100'000, '[')));
}

TEST(JsonCursor, TextIsWhatTheTokenStandsFor) {
  const auto text = [](std::string_view raw) {
    JsonCursor cursor(raw);
    Token token;
    std::string buffer;
    std::string_view found;
    return cursor.value(token) && text_of(token, buffer, found) ? std::string(found) : "none";
  };
  EXPECT_EQ(text(R"("plain")"), "plain");
  EXPECT_EQ(text(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(text(R"("\u00e9\ud83d\ude00")"), "é😀");
  for (const char* raw : {R"("\x")", R"("\u12")", R"("\ud83d")", R"("\ude00")", R"("\ud83dx\ude00")", "\"\xff\""})
    EXPECT_EQ(text(raw), "none") << raw;
}

}  // namespace
}  // namespace osiris::worker::singer
