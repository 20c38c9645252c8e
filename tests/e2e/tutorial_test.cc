// docs/tutorial.md as a reader follows it, from an empty directory.
#include <gtest/gtest.h>

#include "tests/e2e/page.h"

namespace osiris::e2e {
namespace {

TEST(Tutorial, CommandsPrintWhatThePageSays) {
  const Project project;
  std::filesystem::create_directories(project.dir() / "../empty");
  follow_page(project, "../empty", source_dir() / "docs/tutorial.md");
}

TEST(Page, HasItsBlocksWithLanguageFileAndPlace) {
  const auto blocks =
      page_blocks("# x\n```sh\na\n```\n\n```yaml\n# pipelines/p.yaml\nb: 1\n```\n```sql\n-- m/a.sql\n```\n");
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[0].language + blocks[0].text + blocks[0].file, "sha\n");
  EXPECT_EQ(blocks[1].file, "pipelines/p.yaml");
  EXPECT_EQ(blocks[1].text, "# pipelines/p.yaml\nb: 1\n");
  EXPECT_EQ(blocks[1].line, 6);
  EXPECT_EQ(blocks[2].file, "m/a.sql");
}

}  // namespace
}  // namespace osiris::e2e
