// Libraries with one sin each that must not be loaded, and what the refusal says. One row per sentence of the header's
// rules and of the negotiation table of docs/plugin-abi.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "host/adapters/library_file.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/base/subprocess.h"
#include "tests/abi/support.h"

namespace osiris::abi_tests {
namespace {

using ::testing::HasSubstr;

struct Row {
  std::string sin;
  std::string id;
  std::vector<std::string> words;  // each must stand in message or hint
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.sin; }

class RefusedLibrary : public ::testing::TestWithParam<Row> {};

TEST_P(RefusedLibrary, SaysWhatIsWrongWithIt) {
  const Row& row = GetParam();
  const auto loaded = load(defect(row.sin), row.id);
  ASSERT_FALSE(loaded.ok()) << row.sin << " was loaded";
  const std::string said = loaded.error().message + "\n" + loaded.error().hint;
  EXPECT_THAT(said, HasSubstr(row.sin + ".so")) << "the file is not named";
  EXPECT_FALSE(loaded.error().hint.empty()) << "no remedy is named";
  for (const std::string& word : row.words) EXPECT_THAT(said, HasSubstr(word));
}

const Row kRows[] = {
    {"not_an_adapter", "defect", {"not an osiris adapter"}},
    {"only_next_major", "defect", {"built for adapter ABI 2; this osiris speaks 1.x"}},
    {"needs_newer_host",
     "defect",
     {"needs adapter ABI 1.9", "this osiris speaks 1.0", "upgrade osiris", "at least 1.9"}},
    {"other_major", "defect", {"built for adapter ABI 2.0; this osiris speaks 1.0", "upgrade osiris"}},
    {"older_than_floor", "defect", {"built for adapter ABI 0.9; this osiris speaks 1.0", "upgrade the adapter"}},
    {"module_null", "defect", {"osiris_adapter_main_v1 returned NULL"}},
    {"module_size_zero", "defect", {"size is 0"}},
    {"module_size_short", "defect", {"module: size is 16, the 1.0 fields need 24"}},
    {"no_adapters", "defect", {"module: holds no adapter"}},
    {"size_zero", "defect", {"adapter: size is 0; the adapter must set it"}},
    {"size_short", "defect", {"adapter: size is 136, the 1.0 fields need 160"}},
    {"size_lying", "defect", {"adapter: size is 2147483647, which no version has"}},
    {"id_with_hyphen", "my-cloud", {"adapter 'my-cloud': the id is not [a-z][a-z0-9]*", "claim one flag"}},
    {"id_reserved", "run", {"adapter 'run': the id is reserved"}},
    {"null_slot", "defect", {"adapter 'defect': collect is NULL; it is mandatory"}},
    {"string_without_data", "defect", {"name has a length of 5 and no data"}},
    {"string_not_utf8", "defect", {"name is not UTF-8"}},
    {"options_null", "defect", {"options is NULL but has a count of 3"}},
    {"option_size_zero", "defect", {"option 0: size is 0"}},
    {"option_name_upper", "defect", {"option 0 'Patience': the name is not [a-z][a-z0-9-]*"}},
    {"duplicate_option", "defect", {"option 1 'patience': the name is used twice"}},
    {"choice_without_choices", "defect", {"option 0 'patience': is a choice without choices"}},
    {"required_with_default", "defect", {"option 0 'patience': is required and has a default"}},
    {"default_not_canonical", "defect", {"default_value '15m' is not canonical; write '900'"}},
    {"two_of_one_id", "defect", {"two adapters are called 'defect'"}},
    {"undefined_symbol", "defect", {"undefined symbol: osiris_tests_nobody_has_this"}},
};
INSTANTIATE_TEST_SUITE_P(Zoo, RefusedLibrary, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.sin; });

class LibraryFile : public ::testing::Test {
 protected:
  // A good library in a private directory.
  void SetUp() override {
    library_ = directory_.path() / "good.so";
    std::filesystem::copy_file(defect("newer_minor"), library_);
    ASSERT_EQ(chmod(directory_.path().c_str(), 0755), 0);
    ASSERT_EQ(chmod(library_.c_str(), 0644), 0);
  }
  TemporaryDirectory directory_;
  std::filesystem::path library_;
};

TEST_F(LibraryFile, LoadsWhereNobodyElseCanWrite) { EXPECT_TRUE(load(library_, "defect").ok()); }

TEST_F(LibraryFile, IsRefusedWhenEverybodyCanWriteIt) {
  ASSERT_EQ(chmod(library_.c_str(), 0666), 0);
  const auto loaded = load(library_, "defect");
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, HasSubstr("good.so can be written by everybody"));
  EXPECT_THAT(loaded.error().hint, HasSubstr("chmod o-w"));
}

TEST_F(LibraryFile, IsRefusedInADirectoryEverybodyCanWrite) {
  for (const mode_t mode : {0777u, 01777u}) {
    ASSERT_EQ(chmod(directory_.path().c_str(), mode), 0);
    const auto loaded = load(library_, "defect");
    ASSERT_FALSE(loaded.ok());
    EXPECT_THAT(loaded.error().message,
                HasSubstr("directory " + directory_.path().string() + " can be written by everybody"));
  }
}

TEST_F(LibraryFile, IsRefusedBelowADirectoryWhereEverybodyCanRename) {
  const auto inner = directory_.path() / "inner";
  std::filesystem::create_directory(inner);
  std::filesystem::copy_file(library_, inner / "good.so");
  ASSERT_EQ(chmod(directory_.path().c_str(), 0777), 0);
  EXPECT_FALSE(load(inner / "good.so", "defect").ok());
  ASSERT_EQ(chmod(directory_.path().c_str(), 01777), 0);
  EXPECT_TRUE(load(inner / "good.so", "defect").ok()) << "a sticky directory above is fine: /tmp is one";
}

TEST_F(LibraryFile, IsJudgedWhereALinkLeads) {
  const auto link_dir = directory_.path() / "links";
  std::filesystem::create_directory(link_dir);
  std::filesystem::create_symlink(library_, link_dir / "link.so");
  EXPECT_TRUE(load(link_dir / "link.so", "defect").ok());
  ASSERT_EQ(chmod(library_.c_str(), 0646), 0);
  EXPECT_FALSE(load(link_dir / "link.so", "defect").ok());
}

TEST_F(LibraryFile, MustBeTheOneItsManifestNames) {
  AdapterManifest manifest = manifest_for(library_, "defect");
  manifest.sha256 = sha256_file(library_)->sha256;
  EXPECT_TRUE(load_adapter(manifest).ok());
  manifest.sha256 = std::string(64, '0');
  const auto loaded = load_adapter(manifest);
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, HasSubstr("expected " + std::string(64, '0')));
}

// Bytes that this process has read, as the kernel counts them; what is mapped is not among them.
uint64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string word;
  uint64_t value = 0;
  while (io >> word >> value)
    if (word == "rchar:") return value;
  return 0;
}

TEST_F(LibraryFile, IsNotReadThroughForAHashThatItsManifestDoesNotName) {
  constexpr uint64_t kSize = uint64_t{8} << 20;  // far more than what is read of its headers
  std::filesystem::resize_file(library_, kSize);
  AdapterManifest manifest = manifest_for(library_, "defect");
  const uint64_t before = bytes_read();
  ASSERT_TRUE(load_adapter(manifest).ok());
  EXPECT_LT(bytes_read() - before, kSize / 2);
}

TEST_F(LibraryFile, MustHoldTheAdapterItsManifestNames) {
  const auto loaded = load(library_, "other");
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, HasSubstr("holds the adapter defect, not 'other'"));
}

TEST_F(LibraryFile, MustBeWhatItsManifestSays) {
  AdapterManifest manifest = manifest_for(build_dir() / "plugins/frozen.so", "frozen");
  manifest.secrets.clear();
  EXPECT_THAT(load_adapter(manifest).error().message,
              HasSubstr("may ask for the secret FROZEN_TOKEN, which needs.secrets"));
  manifest.secrets = {"FROZEN_TOKEN"};
  EXPECT_TRUE(load_adapter(manifest).ok());
  manifest.version = "1.2.0";
  EXPECT_THAT(load_adapter(manifest).error().message,
              HasSubstr("the library is version 1.0.0, the manifest says 1.2.0"));
}

TEST_F(LibraryFile, SaysWhatItIsWithoutBeingLoaded) {
  const auto info = library_info(build_dir() / "plugins/frozen.so");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->name + " " + info->version + " " + info->build, "frozen 1.0.0 of the day");
  EXPECT_FALSE(library_info(library_)) << "it says nothing of itself";
  EXPECT_FALSE(library_info(directory_.path() / "gone.so"));
  const auto loaded = load(build_dir() / "plugins/cmini.so", "cmini");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(describe_adapter(*loaded)["build"].as_string(), "gcc or clang");
}

TEST_F(LibraryFile, MustBeALibrary) {
  const auto text = directory_.path() / "text.so";
  ASSERT_TRUE(
      write_file_atomically(text, "#!/bin/sh\necho I am not a library, however long I get to be read as one\n").ok());
  auto loaded = load(text, "defect");
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, HasSubstr("cannot load the adapter library"));
  EXPECT_THAT(loaded.error().message, HasSubstr("invalid ELF header"));
  ASSERT_TRUE(write_file_atomically(directory_.path() / "empty.so", "").ok());
  loaded = load(directory_.path() / "empty.so", "defect");
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, HasSubstr("file too short"));
}

TEST_F(LibraryFile, ThatWasCutOffIsRefusedAtEveryLength) {
  const std::string whole = *read_file(library_);
  const auto cut = directory_.path() / "cut.so";
  for (size_t bytes = 64; bytes < whole.size(); bytes += 1000) {
    ASSERT_TRUE(write_file_atomically(cut, whole.substr(0, bytes)).ok());
    const auto loaded = load(cut, "defect");
    ASSERT_FALSE(loaded.ok()) << bytes;
    EXPECT_THAT(loaded.error().message, HasSubstr("was cut off")) << bytes;
  }
}

TEST_F(LibraryFile, ForAnotherMachineSaysSo) {
  std::string whole = *read_file(library_);
  whole[18] = static_cast<char>(183);  // e_machine: aarch64
  ASSERT_TRUE(write_file_atomically(directory_.path() / "arm.so", whole).ok());
  const auto loaded = load(directory_.path() / "arm.so", "defect");
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, HasSubstr("it is for aarch64; this machine is x86_64"));
}

TEST_F(LibraryFile, OfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "giving a file to another user takes root";
  ASSERT_EQ(chown(library_.c_str(), 1234, 1234), 0);
  const auto loaded = load(library_, "defect");
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, HasSubstr("belongs to another user (uid 1234)"));
  ASSERT_EQ(chown(library_.c_str(), 0, 0), 0);
  ASSERT_EQ(chown(directory_.path().c_str(), 1234, 1234), 0);
  EXPECT_FALSE(load(library_, "defect").ok()) << "who owns the directory can put another file there";
}

TEST_F(LibraryFile, ThatFindsItsDependenciesWhereEverybodyWritesIsRefused) {
  const auto open_place = directory_.path() / "open";
  std::filesystem::create_directory(open_place);
  const auto source = directory_.path() / "empty.c", made = directory_.path() / "runpath.so";
  ASSERT_TRUE(write_file_atomically(source, "int osiris_tests_nothing;\n").ok());
  const auto link = [&](const std::string& runpath) {
    SpawnOptions options;
    options.arguments = {"/usr/bin/gcc",  "-shared", "-fPIC",      "-Wl,--enable-new-dtags,-rpath," + runpath,
                         source.string(), "-o",      made.string()};
    options.environment = {{"PATH", "/usr/bin:/bin"}};
    const auto output = run_command(options, 60'000);
    EXPECT_TRUE(output.ok() && output->exit.success());
    const auto loaded = load(made, "defect");
    return loaded.ok() ? "" : loaded.error().message;
  };
  EXPECT_THAT(link(open_place.string()), HasSubstr("not an osiris adapter")) << "nobody else writes there";
  ASSERT_EQ(chmod(open_place.c_str(), 01777), 0);
  EXPECT_THAT(link(open_place.string()), HasSubstr("where everybody can put files"));
  EXPECT_THAT(link("$ORIGIN/open"), HasSubstr("where everybody can put files"));
  EXPECT_THAT(link("lib"), HasSubstr("depends on where osiris is started"));
}

TEST_F(LibraryFile, MustExist) {
  const auto loaded = load(directory_.path() / "gone.so", "defect");
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, Code::kNotFound);
}

// The twins of the refusals: what only looks like a sin.
TEST(AcceptedLibrary, FromANewerMinorOfTheSameMajor) {
  const auto loaded = load(defect("newer_minor"), "defect");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->abi, OSIRIS_ABI(1, 7));
}

TEST(AcceptedLibrary, WhoseTablesEndWhereMemoryEnds) {
  const auto loaded = load(defect("page_end"), "defect");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(option_specs(*loaded->type).size(), 1u);
  Recorder recorder;
  TemporaryDirectory directory;
  const Life life = run_life(*loaded->type, recorder, request_in(directory.path()), {{"patience", "x"}});
  EXPECT_TRUE(life.collected.ok());
  EXPECT_THAT(recorder.misbehaviours(), ::testing::IsEmpty());
}

TEST(AcceptedLibrary, IsLoadedOnceAndStaysLoaded) {
  const auto first = load(defect("newer_minor"), "defect");
  const auto second = load(defect("newer_minor"), "defect");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->type, second->type);
}

}  // namespace
}  // namespace osiris::abi_tests
