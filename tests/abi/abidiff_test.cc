// Today's header against the ABI that was written down: types in depth by abidiff, offsets and constants by layout.c.
// abidiff alone cannot see constants (the fields are integers, not enums), layout.c alone cannot see parameters and
// const; together they notice every edit of the second half of this file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "tests/abi/support.h"

namespace osiris::abi_tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

CommandOutput run(std::vector<std::string> arguments) {
  SpawnOptions options;
  options.arguments = std::move(arguments);
  options.arguments.insert(options.arguments.begin(), "/usr/bin/env");
  options.environment = {{"PATH", getenv("PATH")}, {"LC_ALL", "C"}, {"TMPDIR", fs::temp_directory_path().string()}};
  auto output = run_command(options, 100'000);
  EXPECT_TRUE(output.ok()) << output.error().message;
  return output.ok() ? *std::move(output) : CommandOutput{};
}

fs::path baseline() { return source_dir() / "tests/abi/baseline/adapter-1.0.abi"; }

// abidiff's report of the headers in `include` against the baseline; empty if there is none.
std::string difference(const fs::path& include, const fs::path& work) {
  const auto dump =
      run({"sh", (source_dir() / "tests/abi/dump_abi.sh").string(), include.string(), (work / "now.abi").string()});
  if (!dump.exit.success()) return "does not compile: " + dump.standard_error;
  const auto diff = run({"abidiff", "--harmless", baseline().string(), (work / "now.abi").string()});
  return diff.exit.success() ? "" : diff.standard_output + diff.standard_error + diff.exit.describe();
}

bool layout_holds(const fs::path& include) {
  return run({"gcc", "-std=c11", "-fsyntax-only", "-I", include.string(),
              (source_dir() / "tests/abi/layout/layout.c").string()})
      .exit.success();
}

TEST(AbiBaseline, IsTodaysHeader) {
  const TemporaryDirectory work;
  EXPECT_EQ(difference(source_dir() / "plugin_api/include", work.path()), "")
      << "if this change is meant: tests/abi/dump_abi.sh plugin_api/include tests/abi/baseline/adapter-1.0.abi, "
         "layout.c, docs/abi/CHANGES.md";
}

// A stripped probe, or one that hides its types behind void *, compares equal to anything.
TEST(AbiBaseline, KnowsEveryType) {
  const auto text = read_file(baseline());
  ASSERT_TRUE(text.ok());
  for (const char* type :
       {"osiris_host", "osiris_adapter_type", "osiris_module", "osiris_request", "osiris_option", "osiris_error",
        "osiris_event", "osiris_metric", "osiris_setting", "osiris_str", "osiris_resources", "osiris_explain"})
    EXPECT_THAT(*text, HasSubstr("<class-decl name='" + std::string(type) + "' size-in-bits=")) << type;
}

TEST(AbiBaseline, IsComparedWithoutSuppressions) {
  for (const auto& entry : fs::recursive_directory_iterator(source_dir() / "tests/abi"))
    EXPECT_NE(entry.path().extension(), ".abignore") << entry.path();
}

struct Edit {
  std::string name, from, to;
  bool in_resources = false;
};
void PrintTo(const Edit& edit, std::ostream* out) { *out << edit.name; }

class HarmfulEdit : public ::testing::TestWithParam<Edit> {};

TEST_P(HarmfulEdit, IsNoticed) {
  const Edit& edit = GetParam();
  const TemporaryDirectory work;
  const fs::path include = work.path() / "include";
  fs::copy(source_dir() / "plugin_api/include", include, fs::copy_options::recursive);
  const fs::path header = include / (edit.in_resources ? "osiris/ext/resources.h" : "osiris/adapter.h");
  std::string text = *read_file(header);
  const size_t at = text.find(edit.from);
  ASSERT_NE(at, std::string::npos) << "the header no longer has: " << edit.from;
  ASSERT_TRUE(write_file_atomically(header, text.replace(at, edit.from.size(), edit.to)).ok());
  EXPECT_TRUE(!layout_holds(include) || !difference(include, work.path()).empty())
      << "neither layout.c nor abidiff saw it";
}

const Edit kEdits[] = {
    {"SwapTwoFields", "osiris_str hint;  ", "osiris_str hint_; "},
    {"InsertAField", "  osiris_str step_id;      /* absent", "  uint64_t extra; osiris_str step_id; /* absent"},
    {"AppendAField", "  int64_t deadline_unix_ns;    /* 0: none */", "  int64_t deadline_unix_ns; uint64_t later;"},
    {"RemoveAField", "  osiris_str settings_json;", "  /* gone */"},
    {"RenameAField", "compiled_dir;", "compile_dir;"},
    {"WidenAField", "int64_t time_unix_ns;    /* 0: the host", "double time_unix_ns; /* 0: the host"},
    {"DropConst", "osiris_status (*validate)(osiris_adapter*, const osiris_request*)",
     "osiris_status (*validate)(osiris_adapter*, osiris_request*)"},
    {"ChangeAParameter", "int32_t level, osiris_str message", "int64_t level, osiris_str message"},
    {"ChangeAReturnType", "void (*cancel)(osiris_adapter*)", "osiris_status (*cancel)(osiris_adapter*)"},
    {"ReorderSlots", "void (*destroy)(osiris_adapter*)", "void (*destroy_)(osiris_adapter*)"},
    {"RenumberACode", "OSIRIS_UNAVAILABLE = 9,", "OSIRIS_UNAVAILABLE = 12,"},
    {"SwapFlagBits", "OSIRIS_DEPRECATED = 4,", "OSIRIS_DEPRECATED = 8,"},
    {"RenumberAnOptionType", "OSIRIS_BYTES = 6,", "OSIRIS_BYTES = 16,"},
    {"ChangeTheStatusType", "typedef int32_t osiris_status;", "typedef uint32_t osiris_status;"},
    {"ChangeTheVersion", "OSIRIS_ABI_VERSION OSIRIS_ABI(1, 0)", "OSIRIS_ABI_VERSION OSIRIS_ABI(1, 1)"},
    {"ChangeAnExtension", "osiris_str kind, osiris_str id)", "osiris_str kind)", true},
};
INSTANTIATE_TEST_SUITE_P(All, HarmfulEdit, ::testing::ValuesIn(kEdits), [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace osiris::abi_tests
