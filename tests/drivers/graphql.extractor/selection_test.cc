// What a query's text says of its columns.
#include "worker/drivers/graphql.extractor/selection.h"

#include <gtest/gtest.h>

#include "protocol/base/text.h"

namespace osiris::worker::graphql {
namespace {

std::string columns(const std::string& query, const std::string& path, bool flattens = true) {
  const auto data_path = web::JsonPath::parse(path);
  EXPECT_TRUE(data_path.ok());
  const auto text = read_query(query, *data_path, flattens);
  return text ? join(text->columns, " ") : "?";
}

TEST(GraphqlSelection, NamesTheLeavesBelowTheDataPath) {
  EXPECT_EQ(columns("{ plants { id bed { row column } } }", "data.plants"), "id bed.row bed.column");
  EXPECT_EQ(columns("{ plants { id bed { row column } } }", "data.plants", false), "id bed");
  EXPECT_EQ(columns("query P($n: Int = 3, $f: F = {a: 1}) @live { plants(first: $n, where: {x: {gt: 1}}) { nodes { id }"
                    " pageInfo { endCursor } } }",
                    "data.plants.nodes"),
            "id");
  EXPECT_EQ(columns("{ a { edges { node { id } } } }", "$.data.a.edges[*].node"), "id");
  EXPECT_EQ(columns("{ me { id } }", "data"), "me.id");
}

TEST(GraphqlSelection, KnowsAliasesFragmentsDirectivesTextsAndComments) {
  EXPECT_EQ(columns("{ p: plants { key: id, name @include(if: $x) } }", "data.p"), "key name");
  EXPECT_EQ(columns("query { plants { ...F ... on Tree { height } ... @skip(if: true) { age } } }\n"
                    "fragment F on Plant @x(y: \"}\") { id }",
                    "data.plants"),
            "id height age");
  EXPECT_EQ(
      columns("# { no }\n\xEF\xBB\xBF{ plants(q: \"a } \\\" {\", b: \"\"\"x \" } y\"\"\") { id } }", "data.plants"),
      "id");
  EXPECT_EQ(columns("{ plants { ...A } } fragment A on P { ...B id } fragment B on P { ...A }", "data.plants"), "id");
}

TEST(GraphqlSelection, SaysNothingOfWhatItCannotTell) {
  EXPECT_EQ(columns("{ plants { id } }", "data.trees"), "");
  EXPECT_EQ(columns("{ plants { id } }", "extensions.x"), "");
  for (const char* query :
       {"{ plants { id }", "{ plants(a: 1 { id } }", "plants", "{ \"x\" }", "{ a(b: \"x) { c } }", "{ , } }"})
    EXPECT_EQ(columns(query, "data.plants"), "?") << query;
  EXPECT_EQ(columns("", "data.plants"), "");
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "{ a ";
  EXPECT_EQ(columns(deep, "data"), "?");
}

}  // namespace
}  // namespace osiris::worker::graphql
