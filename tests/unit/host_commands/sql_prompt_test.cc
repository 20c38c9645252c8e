// Where a statement that is typed ends.
#include "host/commands/sql_prompt.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(SqlPrompt, AStatementEndsAtASemicolonOfItsCode) {
  EXPECT_EQ(end_of_statement("SELECT 1"), std::nullopt);
  EXPECT_EQ(end_of_statement("SELECT 1;"), 9u);
  EXPECT_EQ(end_of_statement("SELECT 1; SELECT 2;"), 9u);
  for (const char* open :
       {"SELECT ';", "SELECT \";", "SELECT $$;", "SELECT $x$ ; $$", "-- ;", "/* ; ", "SELECT 'it''s ;"})
    EXPECT_EQ(end_of_statement(open), std::nullopt) << open;
  const std::string sql = "SELECT ';' -- ;\n FROM \"a;b\" /* ; */;";
  EXPECT_EQ(end_of_statement(sql), sql.size());
}

}  // namespace
}  // namespace osiris
