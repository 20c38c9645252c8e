// What the programs and adapters ask of the machine they come to, and what protects them there, read from the files
// themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsSubsetOf;
using testing::Not;

fs::path from_environment(const char* name) {
  const char* value = getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set: run this through ctest";
  return value ? value : ".";
}

std::string readelf(const char* what, const fs::path& file) {
  SpawnOptions options;
  options.arguments = {"/usr/bin/readelf", "-W", what, file.string()};
  options.environment = {{"LC_ALL", "C"}};
  const auto output = run_command(options, 60'000);
  EXPECT_TRUE(output.ok() && output->exit.success()) << file;
  return output.ok() ? output->standard_output : "";
}

std::set<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

fs::path build_path(const char* file) { return from_environment("OSIRIS_BUILD_DIR") / file; }

// Programs and adapters that load the C library of the machine; the worker loads nothing.
std::vector<fs::path> dynamic_files() {
  return {build_path("bin/osiris"),
          build_path("bin/osiris-e2b-server"),
          build_path("bin/osiris-adapter-check"),
          build_path("lib/osiris/osiris-http"),
          build_path("lib/osiris/adapters/local.so"),
          build_path("lib/osiris/adapters/e2b.so")};
}
bool is_adapter(const fs::path& file) { return file.extension() == ".so"; }

// "2.34" -> {2, 34}.
std::vector<int> numbers(const std::string& version) {
  std::vector<int> parts;
  for (const std::string& part : split(version, '.')) parts.push_back(std::stoi(part));
  return parts;
}

std::vector<std::string> newer_than(const std::set<std::string>& versions, const std::string& limit) {
  std::vector<std::string> newer;
  for (const std::string& version : versions)
    if (numbers(version) > numbers(limit)) newer.push_back(version);
  return newer;
}

std::set<std::string> glibc_versions(const fs::path& file) {
  return matches(readelf("-V", file), R"(Name: GLIBC_([0-9.]+))");
}

// A new program or adapter is looked at as soon as it is installed.
class Installation : public testing::Test {
 protected:
  Installation() {
    std::string pattern = fs::temp_directory_path() / "osiris-installation-XXXXXX";
    prefix_ = mkdtemp(pattern.data());
    SpawnOptions options;
    options.arguments = {"/usr/bin/cmake", "--install", build_path("").string(), "--prefix", prefix_.string()};
    const auto output = run_command(options, 60'000);
    EXPECT_TRUE(output.ok() && output->exit.success()) << output->standard_error;
  }
  ~Installation() override { fs::remove_all(prefix_); }

  std::vector<fs::path> programs_and_libraries() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(prefix_)) {
      if (!entry.is_regular_file() || entry.is_symlink()) continue;
      std::string start(4, '\0');
      std::ifstream(entry.path(), std::ios::binary).read(start.data(), 4);
      if (start == "\177ELF") found.push_back(entry.path());
    }
    return found;
  }
  fs::path prefix_;
};

TEST_F(Installation, AsksForNoNewerCLibraryThanThePackagesDeclareAndForNoSharedCxxLibrary) {
  std::set<std::string> names;
  for (const fs::path& file : programs_and_libraries()) {
    names.insert(file.filename());
    EXPECT_EQ(newer_than(glibc_versions(file), "2.34"), std::vector<std::string>())
        << file << "; readelf --dyn-syms tells which function";
    EXPECT_THAT(readelf("-V", file), Not(HasSubstr("GLIBCXX_"))) << file;
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"osiris", "osiris-http", "osiris-e2b-server", "osiris-adapter-check",
                                            "osiris-worker", "local.so", "e2b.so"}));
  for (const char* package : {"package/osiris.control", "package/osiris-dev.control"}) {
    const auto control = read_file(build_path(package));
    ASSERT_TRUE(control.ok());
    EXPECT_THAT(matches(*control, R"(\nDepends:.*\blibc6 \(>= ([0-9.]+)\))"), testing::ElementsAre("2.34")) << package;
  }
}

TEST(Binaries, ANewerCLibraryWouldBeNoticed) {
  EXPECT_EQ(newer_than({"2.4", "2.34", "2.36", "2.100", "3.0"}, "2.34"),
            (std::vector<std::string>{"2.100", "2.36", "3.0"}));
}

TEST(Binaries, LoadNothingThatABareMachineLacks) {
  const std::set<std::string> everywhere = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2"};
  for (const fs::path& file : dynamic_files())
    EXPECT_THAT(matches(readelf("-d", file), R"(\(NEEDED\)\s+Shared library: \[([^\]]+)\])"), IsSubsetOf(everywhere))
        << file;
}

// libstdc++ is inside each of them, and none shows its own to the others: an exception or a type of one must not be
// taken for another's.
TEST(Binaries, NeitherAskForASharedCxxLibraryNorShowTheirOwn) {
  static const std::regex defined(R"(\s+(FUNC|OBJECT)\s+(GLOBAL|WEAK|UNIQUE)\s+DEFAULT\s+[0-9]+\s+(\S+))");
  for (const fs::path& file : dynamic_files()) {
    EXPECT_THAT(readelf("-V", file), Not(HasSubstr("GLIBCXX_"))) << file;
    const std::string symbols = readelf("--dyn-syms", file);
    for (std::sregex_iterator it(symbols.begin(), symbols.end(), defined), end; it != end; ++it) {
      const std::string name = (*it)[3];
      EXPECT_FALSE(name.starts_with("_ZNSt") || name.starts_with("_ZSt") || name.starts_with("__cxa_"))
          << file << " exports " << name;
    }
  }
}

TEST(Binaries, TheWorkerLoadsNothing) {
  const fs::path worker = build_path("lib/osiris/osiris-worker");
  EXPECT_THAT(readelf("-l", worker), Not(HasSubstr("INTERP")));
  EXPECT_THAT(readelf("-d", worker), Not(HasSubstr("(NEEDED)")));
  EXPECT_TRUE(glibc_versions(worker).empty());
  EXPECT_THAT(readelf("-d", worker), HasSubstr("(RELR)")) << "every start reads a table of all relocations";
}

// What a start pays for: pages of relocations that a program does not use are written before its first line runs.
TEST(Binaries, OnlyWhatSendsHasAnHttpClientAndTls) {
  const auto speaks = [](const fs::path& file) {
    const std::string bytes = read_file(file).operator*();
    return std::pair{bytes.find("curl_multi") != bytes.npos, bytes.find("tls13") != bytes.npos};
  };
  EXPECT_EQ(speaks(build_path("lib/osiris/osiris-http")), (std::pair{true, true})) << "the marks are no marks any more";
  for (const char* file : {"bin/osiris", "bin/osiris-adapter-check", "lib/osiris/adapters/local.so"})
    EXPECT_EQ(speaks(build_path(file)), (std::pair{false, false})) << file;
}

TEST(Binaries, AreBoundAtStartAndProtectedAfterwards) {
  std::vector<fs::path> all = dynamic_files();
  all.push_back(build_path("lib/osiris/osiris-worker"));
  for (const fs::path& file : all) {
    const std::string segments = readelf("-l", file), dynamic = readelf("-d", file);
    EXPECT_THAT(segments, HasSubstr("GNU_RELRO")) << file;
    EXPECT_THAT(dynamic, HasSubstr("BIND_NOW")) << file;
    EXPECT_THAT(segments, testing::ContainsRegex("GNU_STACK .* RW ")) << file << ": an executable stack";
    EXPECT_THAT(dynamic, Not(HasSubstr("TEXTREL"))) << file;
    EXPECT_TRUE(is_adapter(file) || std::regex_search(dynamic, std::regex("FLAGS_1.* PIE")))
        << file << " always lies at one address";
    EXPECT_THAT(dynamic, Not(HasSubstr("RPATH"))) << file;
    EXPECT_THAT(dynamic, Not(HasSubstr("RUNPATH"))) << file;
  }
}

// The compiler's hardening leaves its calls behind: a check of each guarded stack frame, and of each buffer whose size
// is known.
TEST(Binaries, AreCompiledWithStackProtectorAndFortifiedFunctions) {
  for (const fs::path& file : dynamic_files()) {
    const std::string symbols = readelf("--dyn-syms", file);
    EXPECT_THAT(symbols, HasSubstr("__stack_chk_fail")) << file;
    EXPECT_THAT(symbols, testing::ContainsRegex("__[a-z]+_chk@")) << file << ": no fortified function";
  }
}

}  // namespace
}  // namespace osiris
