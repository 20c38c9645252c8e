// The header is a C header: it compiles, and lays out the same, as C99 to C17 and C++17 and C++20, with gcc and clang,
// without a warning; twice in one file; and after the macros that other people's headers define.
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "tests/abi/support.h"

namespace osiris::abi_tests {
namespace {

struct Cell {
  std::string compiler, standard, language;
};

std::vector<Cell> matrix() {
  std::vector<Cell> cells;
  for (const char* compiler : {"gcc", "clang"})
    for (const char* standard : {"c99", "c11", "c17"}) cells.push_back({compiler, standard, "c"});
  for (const char* compiler : {"g++", "clang++"})
    for (const char* standard : {"c++17", "c++20"}) cells.push_back({compiler, standard, "c++"});
  return cells;
}

// The compiler's words; empty if it was content.
std::string complaints(const Cell& cell, const std::filesystem::path& source, std::vector<std::string> extra = {}) {
  SpawnOptions options;
  options.arguments = {"/usr/bin/env",
                       cell.compiler,
                       "-std=" + cell.standard,
                       "-x",
                       cell.language,
                       "-Wall",
                       "-Wextra",
                       "-Wpedantic",
                       "-Wpadded",
                       "-Werror",
                       "-fsyntax-only",
                       "-I",
                       (source_dir() / "plugin_api/include").string()};
  options.arguments.insert(options.arguments.end(), extra.begin(), extra.end());
  options.arguments.push_back(source.string());
  options.environment = {{"PATH", getenv("PATH")}, {"LC_ALL", "C"}};
  const auto output = run_command(options, 60'000);
  if (!output.ok()) return output.error().message;
  return output->exit.success() ? "" : output->exit.describe() + "\n" + output->standard_error;
}

class CompileMatrix : public ::testing::TestWithParam<Cell> {
 protected:
  std::string complaints_about(const std::string& text, std::vector<std::string> extra = {}) {
    const auto source = directory_.path() / "source.txt";
    EXPECT_TRUE(write_file_atomically(source, text).ok());
    return complaints(GetParam(), source, std::move(extra));
  }
  TemporaryDirectory directory_;
};

TEST_P(CompileMatrix, TakesTheHeaderAlone) {
  EXPECT_EQ(complaints_about("#include <osiris/adapter.h>\nint main(void) { return 0; }\n"), "");
}

TEST_P(CompileMatrix, TakesEveryExtensionHeaderAlone) {
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "plugin_api/include/osiris/ext"))
    EXPECT_EQ(complaints_about("#include <osiris/ext/" + entry.path().filename().string() +
                               ">\nint main(void) { return 0; }\n"),
              "");
}

TEST_P(CompileMatrix, TakesTheHeaderTwice) {
  EXPECT_EQ(
      complaints_about("#include <osiris/adapter.h>\n#include <osiris/adapter.h>\nint main(void) { return 0; }\n"), "");
}

TEST_P(CompileMatrix, TakesTheHeaderAfterOtherPeoplesMacros) {
  EXPECT_EQ(
      complaints_about("#define min(a, b) ((a) < (b) ? (a) : (b))\n#define max(a, b) ((a) > (b) ? (a) : (b))\n"
                       "#define interface struct\n#define ERROR 0\n#define near\n#define far\n#define small char\n"
                       "#include <osiris/adapter.h>\nint main(void) { return 0; }\n"),
      "");
}

TEST_P(CompileMatrix, LaysEveryFieldOutWhereItWasFrozen) {
  if (GetParam().standard == "c99")
    return;  // no _Static_assert before C11; the layout is the compiler's, not the standard's
  EXPECT_EQ(complaints(GetParam(), source_dir() / "tests/abi/layout/layout.c", {"-Wno-padded"}), "");
}

TEST_P(CompileMatrix, RejectsAHeaderWithPadding) {
  EXPECT_NE(complaints_about("#include <stdint.h>\nstruct holes { uint32_t a; void *b; };\nint main(void) { return "
                             "sizeof(struct holes) == 0; }\n"),
            "")
      << "-Wpadded does not bite, so the other cells prove nothing";
}

INSTANTIATE_TEST_SUITE_P(All, CompileMatrix, ::testing::ValuesIn(matrix()), [](const auto& row) {
  std::string name = row.param.compiler + "_" + row.param.standard;
  for (char& c : name)
    if (c == '+') c = 'p';
  return name;
});

// A function that may throw is no slot from C++17 on.
TEST(NoexceptSlots, DoNotTakeAThrowingFunction) {
  TemporaryDirectory directory;
  const auto source = directory.path() / "source.txt";
  const std::string text =
      "#include <osiris/adapter.h>\nosiris_status run(osiris_adapter *, const osiris_request *)%;\n"
      "void fill(osiris_adapter_type &type) { type.execute = run; }\n";
  for (const char* compiler : {"g++", "clang++"}) {
    ASSERT_TRUE(write_file_atomically(source, std::string(text).replace(text.find('%'), 1, " noexcept")).ok());
    EXPECT_EQ(complaints({compiler, "c++17", "c++"}, source), "");
    ASSERT_TRUE(write_file_atomically(source, std::string(text).replace(text.find('%'), 1, "")).ok());
    EXPECT_NE(complaints({compiler, "c++17", "c++"}, source), "");
  }
}

}  // namespace
}  // namespace osiris::abi_tests
