// Today's header against the ABI that was written down: types in depth by abidiff, offsets and constants by layout.c,
// the exact types of functions and the macros by slots.cc. None of them sees everything: abidiff no constants, layout.c
// no parameters, neither of them noexcept; together they notice every edit of the second half of this file.
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

// Do layout.c and slots.cc compile against the headers in `include`, and do their programs succeed?
bool layout_holds(const fs::path& include, const fs::path& work) {
  const fs::path layout = source_dir() / "tests/abi/layout";
  const auto holds = [&](const char* compiler, const char* standard, const char* source) {
    const std::string program = (work / "layout").string();
    return run({compiler, standard, "-I", include.string(), (layout / source).string(), "-o", program})
               .exit.success() &&
           run({program}).exit.success();
  };
  return holds("gcc", "-std=c11", "layout.c") && holds("g++", "-std=c++17", "slots.cc");
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
  std::string header = "adapter.h";
};

const Edit kEdits[] = {
    // Fields
    {"SwapTwoFields", "  osiris_str message;     /* one sentence", "  osiris_str hint_first; osiris_str message; /*"},
    {"ExchangeTheNamesOfTwoFields", "library_path;  /* of this", "manifest_path_; /* of this"},
    {"InsertAField", "  osiris_str step_id;      /* absent", "  uint64_t extra; osiris_str step_id; /* absent"},
    {"AppendAField", "  int64_t grace_ns; ", "  int64_t grace_ns; uint64_t later; "},
    {"RemoveAField", "  osiris_str settings_json;", "  /* gone */"},
    {"RenameAField", "compiled_dir;", "compile_dir;"},
    {"WidenAField", "int64_t time_unix_ns;    /* 0: the host", "double time_unix_ns; /* 0: the host"},
    {"NarrowACount", "size_t secret_count;", "uint32_t secret_count;"},
    {"MakeALevelUnsigned", "int32_t level; ", "uint32_t level; "},
    {"DropAConst", "const osiris_adapter_type* const* adapters;", "osiris_adapter_type* const* adapters;"},
    {"DropAnInnerConst", "const osiris_option* const* options;", "const osiris_option** options;"},
    {"MakeSecretsAnArray", "const osiris_secret* const* secrets;", "const osiris_secret* secrets;"},
    {"PackAStruct", "} osiris_event;", "} __attribute__((packed)) osiris_event;"},
    {"AlignAStruct", "} osiris_error;", "} __attribute__((aligned(16))) osiris_error;"},
    {"AlignARequest", "} osiris_request;", "} __attribute__((aligned(16))) osiris_request;"},
    // Slots
    {"DropConstOfAParameter", "osiris_status (*validate)(osiris_adapter*, const osiris_request*)",
     "osiris_status (*validate)(osiris_adapter*, osiris_request*)"},
    {"ChangeAParameter", "(*log)(const osiris_host*, const osiris_log*)", "(*log)(const osiris_host*, osiris_log*)"},
    {"ExchangeParameters", "(*create)(const osiris_adapter_type*, const osiris_host*,",
     "(*create)(const osiris_host*, const osiris_adapter_type*,"},
    {"DropAParameter", "(*configure)(osiris_adapter*, const osiris_setting*, size_t n)",
     "(*configure)(osiris_adapter*, const osiris_setting*)"},
    {"ChangeAReturnType", "void (*cancel)(osiris_adapter*)", "osiris_status (*cancel)(osiris_adapter*)"},
    {"DropConstOfAReturnType", "const void* (*extension)(const osiris_adapter_type*",
     "void* (*extension)(const osiris_adapter_type*"},
    {"WidenAnAnswer", "int32_t (*is_cancelled)", "int64_t (*is_cancelled)"},
    {"RenameASlot", "void (*destroy)(osiris_adapter*)", "void (*destroy_)(osiris_adapter*)"},
    {"DropNoexceptOfFail", "(*fail)(const osiris_host*, const osiris_error*) OSIRIS_NOEXCEPT",
     "(*fail)(const osiris_host*, const osiris_error*)"},
    {"DropNoexceptOfCollect", "(*collect)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT",
     "(*collect)(osiris_adapter*, const osiris_request*)"},
    {"DropNoexceptOfUse", "(*use)(void* user, osiris_str value) OSIRIS_NOEXCEPT",
     "(*use)(void* user, osiris_str value)"},
    {"DropNoexceptOfTheEntry", "OSIRIS_ADAPTER_MAIN(const osiris_host_info*) OSIRIS_NOEXCEPT",
     "OSIRIS_ADAPTER_MAIN(const osiris_host_info*)"},
    {"DropEveryNoexcept", "#define OSIRIS_NOEXCEPT noexcept", "#define OSIRIS_NOEXCEPT"},
    {"ChangeACallingConvention", "void (*fail)(", "void (__attribute__((ms_abi)) * fail)("},
    {"ChangeTheEntrysParameter", "OSIRIS_ADAPTER_MAIN(const osiris_host_info*)",
     "OSIRIS_ADAPTER_MAIN(osiris_host_info*)"},
    {"DropExternC", "extern \"C\" {", "namespace {}; inline namespace osiris_cxx {"},
    {"DropTheExport", "__attribute__((visibility(\"default\")))", "__attribute__((visibility(\"hidden\")))"},
    // Constants
    {"RenumberACode", "OSIRIS_UNAVAILABLE = 9,", "OSIRIS_UNAVAILABLE = 12,"},
    {"SwapFlagBits", "OSIRIS_DEPRECATED = 4,", "OSIRIS_DEPRECATED = 8,"},
    {"RenumberAnOptionType", "OSIRIS_BYTES = 6,", "OSIRIS_BYTES = 16,"},
    {"RenumberALevel", "OSIRIS_WARN = 30", "OSIRIS_WARN = 25"},
    {"RenumberAKind", "OSIRIS_COUNTER = 1", "OSIRIS_COUNTER = 2"},
    {"ChangeTheStatusType", "typedef int32_t osiris_status;", "typedef uint32_t osiris_status;"},
    {"ChangeTheVersion", "OSIRIS_ABI_VERSION OSIRIS_ABI(1, 0)", "OSIRIS_ABI_VERSION OSIRIS_ABI(1, 1)"},
    {"ChangeHowVersionsAreMade", "((major) * 65536u + (minor))", "((major) * 256u + (minor))"},
    {"DropTheDataModel", "typedef char osiris_needs_lp64", "typedef short osiris_needs_lp64"},
    {"RenameTheEntry", "#define OSIRIS_ADAPTER_MAIN osiris_adapter_main_v1", "#define OSIRIS_ADAPTER_MAIN osiris_main"},
    // Macros
    {"HasIsAlwaysTrue", "<= (p)->size)\n#else", "<= (p)->size || true)\n#else"},
    {"HasIsAlwaysTrueInC", "#define OSIRIS_HAS(p, field) ((size_t)", "#define OSIRIS_HAS(p, field) (1 || (size_t)"},
    {"HasIsStrictInC", "((size_t)((const char*)(&(p)->field + 1) - (const char*)(p)) <= (p)->size)",
     "((size_t)((const char*)(&(p)->field + 1) - (const char*)(p)) < (p)->size)"},
    {"HasIsOneOff", "reinterpret_cast<const char*>(p)) <= (p)->size)",
     "reinterpret_cast<const char*>(p)) <= (p)->size + 1)"},
    {"CanIgnoresNull", "(OSIRIS_HAS(p, slot) && (p)->slot)", "(OSIRIS_HAS(p, slot))"},
    {"CanIgnoresTheSize", "(OSIRIS_HAS(p, slot) && (p)->slot)", "((p)->slot)"},
    {"StrCountsTheTerminator", "sizeof(\"\" literal) - 1}", "sizeof(\"\" literal)}"},
    // Extensions
    {"ChangeAnExtension", "osiris_status (*release)(osiris_adapter*, const osiris_resource_query*)",
     "osiris_status (*release)(osiris_adapter*)", "ext/resources.h"},
    {"ChangeAnExtensionsId", "OSIRIS_RESOURCES_V1 \"osiris.resources/1\"", "OSIRIS_RESOURCES_V1 \"osiris.resources/2\"",
     "ext/resources.h"},
    {"ExchangeFieldsOfAQuery", "  osiris_str filter_json;   /* of list: an object, or absent */\n",
     "  osiris_str filter_json_later;\n", "ext/resources.h"},
    {"DropNoexceptOfList", "(*list)(osiris_adapter*, const osiris_resource_query*) OSIRIS_NOEXCEPT",
     "(*list)(osiris_adapter*, const osiris_resource_query*)", "ext/resources.h"},
    {"ChangeTheExplanation", "osiris_status (*explain)(", "void (*explain)(", "ext/explain.h"},
};

bool is_noticed(const Edit& edit) {
  const TemporaryDirectory work;
  const fs::path include = work.path() / "include";
  fs::copy(source_dir() / "plugin_api/include", include, fs::copy_options::recursive);
  const fs::path header = include / "osiris" / edit.header;
  std::string text = *read_file(header);
  const size_t at = text.find(edit.from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "the header no longer has: " << edit.from;
    return false;
  }
  if (!write_file_atomically(header, text.replace(at, edit.from.size(), edit.to)).ok()) return false;
  return !layout_holds(include, work.path()) || !difference(include, work.path()).empty();
}

// The frozen copy and its hash notice every edit of the header, comments included; these three notice it by what it
// means, and say which line it broke.
TEST(HarmfulEdits, AreAllNoticed) {
  std::vector<std::string> missed;
  for (const Edit& edit : kEdits)
    if (!is_noticed(edit)) missed.push_back(edit.name);
  std::printf("abi: harmful edits of the header: %zu of %zu noticed\n", std::size(kEdits) - missed.size(),
              std::size(kEdits));
  EXPECT_EQ(missed, std::vector<std::string>{});
}

// What changes nothing for a binary is let through, or the checks would be turned off soon.
TEST(HarmlessEdits, AreLetThrough) {
  for (const Edit& edit : {Edit{"AComment", "/* frozen */", "/* frozen for ever */"},
                           Edit{"AParameterName", "osiris_adapter** out", "osiris_adapter** made"}})
    EXPECT_FALSE(is_noticed(edit)) << edit.name;
}

}  // namespace
}  // namespace osiris::abi_tests
