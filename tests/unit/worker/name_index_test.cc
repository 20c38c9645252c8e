// Columns by their names.
#include "worker/driver_api/name_index.h"

#include <gtest/gtest.h>

#include "worker/driver_api/file_columns.h"

namespace osiris::worker {
namespace {

TEST(NameIndex, FindsANameWhateverItsCase) {
  const NameIndex index(std::vector<std::string>{"id", "Word", "PRICE"});
  EXPECT_EQ(index.find("ID"), 0u);
  EXPECT_EQ(index.find("word"), 1u);
  EXPECT_EQ(index.find("PRICE"), 2u);
  EXPECT_TRUE(index.contains("Price"));
}

TEST(NameIndex, ANameThatIsNotThereHasNoPlace) {
  const NameIndex index(std::vector<std::string>{"id"});
  EXPECT_EQ(index.find("i"), std::nullopt);
  EXPECT_FALSE(index.contains(""));
  EXPECT_FALSE(NameIndex().contains("id"));
}

TEST(NameIndex, OfTwoThatDifferInCaseTheOneThatIsCalledJustSoIsMeant) {
  const NameIndex index(std::vector<std::string>{"Id", "ID", "id"});
  EXPECT_EQ(index.find("id"), 2u);
  EXPECT_EQ(index.find("ID"), 1u);
  EXPECT_EQ(index.find("iD"), 0u);
}

TEST(NameIndex, TakesTheNamesOfColumnsAndThenMore) {
  std::vector<FileColumn> columns(2);
  columns[0].name = "a";
  columns[1].name = "b";
  NameIndex index(columns, &FileColumn::name);
  index.add("c");
  EXPECT_EQ(index.find("B"), 1u);
  EXPECT_EQ(index.find("C"), 2u);
}

}  // namespace
}  // namespace osiris::worker
