// Errors as values.
#include "protocol/base/error.h"

#include <gtest/gtest.h>

#include "protocol/base/json.h"

namespace osiris {
namespace {

TEST(Errors, WithinAContextKeepAllButTheMessage) {
  Error error(Code::kNotFound, "it is not there", "look again", "write.path_not_found");
  error.detail = Json::object({{"path", "/x"}});
  const Error within = error.within("step a");
  EXPECT_EQ(within.message, "step a: it is not there");
  EXPECT_EQ(within.code, error.code);
  EXPECT_EQ(within.hint, error.hint);
  EXPECT_EQ(within.category, error.category);
  EXPECT_EQ(within.detail, error.detail);
}

}  // namespace
}  // namespace osiris
