#include "host/display/graph.h"

#include <gmock/gmock.h>

namespace osiris {
namespace {

using testing::HasSubstr;
using testing::Not;

// An id may hold what each language takes for its own.
const std::vector<GraphStep> kHostile = {{"a\"]; <b>&#\\\x1b[2J", "x.y", {}}, {"c", "x.z", {"a\"]; <b>&#\\\x1b[2J"}}};

TEST(Graph, NamesAreTextInEveryForm) {
  EXPECT_EQ(graph_as_mermaid(kHostile),
            "flowchart TD\n  s0[\"a#quot;]; #lt;b#gt;#amp;#35;\\?[2J<br/><small>x.y</small>\"]\n"
            "  s1[\"c<br/><small>x.z</small>\"]\n  s0 --> s1\n");
  EXPECT_THAT(graph_as_dot("p\"", kHostile), HasSubstr("digraph \"p\\\"\" {"));
  EXPECT_THAT(graph_as_dot("p", kHostile), HasSubstr("\"a\\\"]; <b>&#\\\\?[2J\" -> \"c\";"));
  const std::string svg = graph_as_svg("<p>", kHostile);
  EXPECT_THAT(svg, HasSubstr("<title>&lt;p&gt;</title>"));
  EXPECT_THAT(svg, HasSubstr("a&quot;]; &lt;b&gt;&amp;#"));
  EXPECT_THAT(svg, Not(HasSubstr("<b>")));
  EXPECT_THAT(svg, Not(HasSubstr("\x1b")));
}

TEST(Graph, AStepStandsBelowWhatItNeeds) {
  const std::string svg =
      graph_as_svg("p", {{"a", "c", {}}, {"b", "c", {}}, {"d", "c", {"a"}}, {"e", "c", {"b", "d"}}});
  for (const char* box : {R"(x="24" y="24")", R"(x="276" y="24")", R"(x="24" y="132")", R"(x="24" y="240")"})
    EXPECT_THAT(svg, HasSubstr(box));
  EXPECT_THAT(svg, HasSubstr(R"(viewBox="0 0 520 316")"));
}

}  // namespace
}  // namespace osiris
