// Words of the worker as a person reads them who asked a query.
#include "host/inspection/query_error.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(QueryError, SpeaksOfQueriesAndNotOfSteps) {
  struct Row {
    const char *message, *hint, *said, *hinted;
  };
  for (const Row& row :
       {Row{"DuckDB transformation failed: the SQL failed: there is no table df_totl",
            "Did you mean df_total? This step reads df_total, df_save; name further steps in `needs`.",
            "there is no table df_totl", "Did you mean df_total? there are df_total, df_save"},
        Row{"DuckDB transformation failed: a step's SQL cannot use COPY",
            "A step may SELECT from its inputs and CREATE.", "a query cannot use COPY",
            "It reads its relations and nothing else: there are df_total, df_save"},
        Row{"DuckDB transformation failed: the SQL was refused: a step's SQL cannot reach files (\"in.csv\")",
            "A step may SELECT from its inputs.", "a query cannot reach files (\"in.csv\")",
            "It reads its relations and nothing else: there are df_total, df_save"},
        Row{"DuckDB transformation failed: the SQL failed: Binder Error: x", "", "Binder Error: x",
            "there are df_total, df_save"},
        Row{"x", "A step's inputs cannot be changed: SELECT the rows as they should be.", "x",
            "The relations cannot be changed: SELECT the rows as they should be."},
        Row{"the SQL gives no rows", "End it with a SELECT; the last statement's rows are the step's output.",
            "the SQL gives no rows", "End it with a SELECT."}}) {
    const Error error = query_error(row.message, row.hint, "df_total, df_save");
    EXPECT_EQ(error.message, row.said);
    EXPECT_EQ(error.hint, row.hinted);
  }
}

}  // namespace
}  // namespace osiris
