// Every library the programs are linked with has its row in THIRD_PARTY.md, in the section of the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <regex>

#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"

namespace osiris::tidy {
namespace {

namespace fs = std::filesystem;

fs::path from_environment(const char* name) {
  const char* value = getenv(name);
  EXPECT_NE(value, nullptr) << name << " is not set: run this through ctest";
  return value ? value : ".";
}

std::string text_of(const fs::path& file) {
  const auto text = read_file(file);
  EXPECT_TRUE(text.ok()) << file;
  return text.ok() ? *text : "";
}

// How THIRD_PARTY.md calls a library; empty: it needs no row (a sanitizer's, never shipped).
std::string row_of(const std::string& library) {
  static const std::map<std::string, std::string> rows = {{"archive", "| libarchive |"},
                                                          {"bz2", "| bzip2 |"},
                                                          {"c", "GNU C Library"},
                                                          {"crypto", "| OpenSSL 3 |"},
                                                          {"curl", "| libcurl |"},
                                                          {"duckdb_static", "| DuckDB "},
                                                          {"gcc_s", "GCC runtime"},
                                                          {"ld-linux-x86-64", "GNU C Library"},
                                                          {"lzma", "| liblzma "},
                                                          {"m", "GNU C Library"},
                                                          {"mariadb", "| MariaDB Connector/C |"},
                                                          {"minizip", "| zlib, minizip |"},
                                                          {"nghttp2", "| nghttp2 |"},
                                                          {"sqlite3", "| SQLite |"},
                                                          {"ssl", "| OpenSSL 3 |"},
                                                          {"stdc++", "GCC runtime"},
                                                          {"yaml-cpp", "| yaml-cpp |"},
                                                          {"z", "zlib"},
                                                          {"zstd", "| Zstandard |"},
                                                          {"asan", ""},
                                                          {"ubsan", ""},
                                                          {"tsan", ""},
                                                          {"dl", ""},
                                                          {"osiris-adapter-sdk", ""},  // ours; what is in it is below
                                                          {"pgcommon_shlib", "| libpq (PostgreSQL) |"},
                                                          {"pgport_shlib", "| libpq (PostgreSQL) |"},
                                                          {"pq", "| libpq (PostgreSQL) |"},
                                                          {"pthread", ""}};
  const auto row = rows.find(library);
  return row == rows.end() ? "a row for " + library : row->second;
}

// "libyaml-cpp.so.0.7" -> "yaml-cpp".
std::string library_of(std::string name) {
  if (name.starts_with("lib")) name.erase(0, 3);
  return name.substr(0, std::min(name.find(".so"), name.find(".a")));
}

// The libraries that a section of THIRD_PARTY.md does not name.
std::vector<std::string> missed_in(const std::string& section, std::vector<std::string> libraries) {
  std::erase_if(libraries,
                [&](const std::string& library) { return section.find(row_of(library)) != std::string::npos; });
  return libraries;
}

void expect_rows(const std::vector<std::string>& libraries, const std::string& section, const std::string& program) {
  EXPECT_FALSE(libraries.empty()) << program << " is linked with nothing?";
  for (const std::string& library : missed_in(section, libraries))
    ADD_FAILURE() << program << " is linked with " << library << ", but its section of THIRD_PARTY.md has no '"
                  << row_of(library) << "'";
}

class ThirdParty : public testing::Test {
 protected:
  void SetUp() override {
    const std::string text = text_of(from_environment("OSIRIS_SOURCE_DIR") / "THIRD_PARTY.md");
    const size_t worker = text.find("## In osiris-worker"), host = text.find("## In osiris and"),
                 end = text.find("## Relinking");
    ASSERT_TRUE(worker < host && host < end && end != std::string::npos);
    worker_ = text.substr(worker, host - worker);
    host_ = text.substr(host, end - host);
  }
  std::string worker_, host_;
};

// What a program is linked with, by the build's own link line; our libraries left out.
std::vector<std::string> linked_with(const std::string& program) {
  std::vector<std::string> libraries;
  bool inside = false;
  for (const std::string& line : split(text_of(from_environment("OSIRIS_BUILD_DIR") / "build.ninja"), '\n')) {
    if (line.starts_with("build "))
      inside = line.starts_with("build " + program + ":") || line.starts_with("build " + program + " ");
    const bool links =
        line.find("LINK_LIBRARIES =") != std::string::npos || line.find("/bundle.sh") != std::string::npos;
    if (!inside || !links) continue;
    for (const std::string& word : split(line.substr(line.find('=') + 1), ' ')) {
      const std::string file = fs::path(word).filename().string();
      if (word.starts_with("-l"))
        libraries.push_back(word.substr(2));
      else if (!file.starts_with("libosiris_") && (file.ends_with(".a") || file.find(".so") != std::string::npos))
        libraries.push_back(library_of(file));
    }
  }
  return libraries;
}

constexpr std::array kShipped = {"bin/osiris",
                                 "lib/osiris/osiris-http",
                                 "bin/osiris-e2b-server",
                                 "bin/osiris-adapter-check",
                                 "lib/osiris/adapters/local.so",
                                 "lib/osiris/adapters/e2b.so"};

TEST_F(ThirdParty, NamesWhatOsirisAndTheAdaptersAreMadeOf) {
  for (const char* program : kShipped) expect_rows(linked_with(program), host_, program);
  EXPECT_THAT(linked_with("lib/osiris/adapters/e2b.so"),
              testing::IsSupersetOf({"curl", "nghttp2", "ssl", "crypto", "zstd"}))
      << "the link line was not found";
  const std::vector<std::string> sdk = linked_with("lib/libosiris-adapter-sdk.a");
  expect_rows(sdk, host_, "the installed SDK");
  EXPECT_THAT(sdk, testing::IsSupersetOf({"archive", "crypto", "zstd"})) << "its link line was not found";
}

TEST_F(ThirdParty, NamesWhatOsirisAndTheAdaptersLoad) {
  const fs::path build = from_environment("OSIRIS_BUILD_DIR");
  static const std::regex needed(R"(\(NEEDED\)\s+Shared library: \[([^\]]+)\])");
  for (const char* program : kShipped) {
    SpawnOptions options;
    options.arguments = {"/usr/bin/readelf", "-d", (build / program).string()};
    options.environment = {{"LC_ALL", "C"}};
    const auto output = run_command(options, 30'000);
    ASSERT_TRUE(output.ok() && output->exit.success()) << program;
    std::vector<std::string> libraries;
    const std::string& text = output->standard_output;
    for (std::sregex_iterator it(text.begin(), text.end(), needed), end; it != end; ++it)
      libraries.push_back(library_of((*it)[1]));
    expect_rows(libraries, host_, program);
  }
}

TEST_F(ThirdParty, NamesWhatTheWorkerIsMadeOf) {
  std::vector<std::string> libraries = linked_with("lib/osiris/osiris-worker");
  libraries.insert(libraries.end(), {"c", "stdc++"});
  EXPECT_GE(libraries.size(), 8u) << "the link line was not found";
  expect_rows(libraries, worker_, "osiris-worker");
}

TEST_F(ThirdParty, ALibraryWithoutARowIsMissed) {
  EXPECT_THAT(missed_in(host_, {"ssl", "a-new-one", "curl"}), testing::ElementsAre("a-new-one"));
  std::string section = host_;
  const size_t row = section.find("| libcurl |");
  ASSERT_NE(row, std::string::npos);
  section.erase(row, section.find('\n', row) - row);
  EXPECT_THAT(missed_in(section, {"ssl", "curl"}), testing::ElementsAre("curl"));
}

}  // namespace
}  // namespace osiris::tidy
