#include "protocol/base/error_detail.h"

#include <gtest/gtest.h>

#include "protocol/base/json.h"

namespace osiris {
namespace {

TEST(ErrorDetail, WhatLeavesALibraryComesBackAsItWas) {
  Error error(Code::kUnavailable, "cannot create a sandbox", "try again", "e2b.NetworkError");
  error.detail = Json::object({{"class", "NetworkError"}, {"http_status", 502}});
  const std::string text = detail_text(error);
  EXPECT_EQ((*parse_json(text))["category"].as_string(), "e2b.NetworkError");
  const Error back = error_with_detail(error.code, error.message, error.hint, text);
  EXPECT_EQ(back.code, error.code);
  EXPECT_EQ(back.message, error.message);
  EXPECT_EQ(back.hint, error.hint);
  EXPECT_EQ(back.category, error.category);
  EXPECT_EQ(back.detail.dump(), error.detail.dump());
}

TEST(ErrorDetail, AnErrorWithoutOneHasNoText) {
  EXPECT_EQ(detail_text(Error(Code::kInternal, "m")), "");
  const Error back = error_with_detail(Code::kInternal, "m", "", "");
  EXPECT_TRUE(back.detail.is_null());
  EXPECT_EQ(back.category, "");
}

TEST(ErrorDetail, ATextThatIsNoObjectSaysNothing) {
  for (const char* text : {"{", "[1]", "\"x\"", "no"}) {
    const Error back = error_with_detail(Code::kNotFound, "m", "h", text);
    EXPECT_EQ(back.message, "m") << text;
    EXPECT_TRUE(back.detail.is_null()) << text;
  }
}

}  // namespace
}  // namespace osiris
