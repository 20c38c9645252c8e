// The include arrows of docs/architecture.md, as a test. Each row says which of our folders a folder may include and
// which third-party headers it may name; a new include that crosses an arrow fails here with the row to look at.
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

struct Row {
  std::string folder;                  // longest match wins
  std::vector<std::string> may;        // prefixes of our own includes
  std::vector<std::string> libraries;  // regexes over <...> includes beyond the standard and POSIX ones
  std::string why;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {"plugin_api/include/osiris/adapter.h", {}, {"stddef.h", "stdint.h"}, "the ABI header needs two C headers"},
      {"plugin_api/templates/c",
       {"osiris/", "json_scan.h", "text.h"},
       {},
       "a project of its own, with headers beside it"},
      {"plugin_api/templates/go",
       {"osiris/", "_cgo_export.h"},
       {},
       "a template stands on the header and what Go makes of it"},
      {"plugin_api", {"osiris/"}, {}, "the ABI stands alone"},
      {"protocol/base",
       {"protocol/base/"},
       {"nlohmann/.*", "openssl/.*", "immintrin\\.h"},
       "base is the bottom; it wraps JSON and SHA-256, and hashes by the processor's own words"},
      {"protocol/model", {"protocol/base/", "protocol/model/"}, {}, "model stands on base"},
      {"protocol/rpc", {"protocol/base/", "protocol/model/", "protocol/rpc/"}, {}, "rpc does no I/O"},
      {"protocol/archive",
       {"protocol/base/", "protocol/archive/"},
       {"archive.*", "zstd\\.h"},
       "the one archive format, for packages and artifacts"},
      {"protocol/http", {"protocol/base/", "protocol/http/"}, {"curl/.*"}, "http wraps libcurl"},
      {"plugins/sdk/abi",
       {"osiris/", "plugins/sdk/abi/", "protocol/base/", "protocol/model/", "protocol/rpc/"},
       {},
       "the host in C++ types"},
      {"plugins/sdk/channel",
       {"plugins/sdk/channel/", "protocol/base/", "protocol/model/", "protocol/rpc/", "protocol/http/"},
       {},
       "bytes to and from a worker; no ABI"},
      {"plugins/sdk/run",
       {"osiris/", "plugins/sdk/abi/", "plugins/sdk/channel/", "plugins/sdk/run/", "protocol/base/", "protocol/model/",
        "protocol/rpc/"},
       {},
       "one run over one channel"},
      {"plugins/sdk/package",
       {"osiris/", "plugins/sdk/abi/", "plugins/sdk/channel/", "plugins/sdk/package/", "protocol/base/",
        "protocol/model/", "protocol/rpc/", "protocol/archive/", "protocol/http/"},
       {"zstd\\.h"},
       "what travels to and from a worker"},
      {"plugins/sdk/fleet", {"osiris/", "plugins/sdk/", "protocol/"}, {}, "shards of one run on many machines"},
      {"plugins/sdk/place",
       {"osiris/", "plugins/sdk/", "protocol/"},
       {},
       "a worker's machine that is held for a run: the top of the sdk"},
      {"examples/adapters/ssh",
       {"osiris/", "adapter.h", "connection.h", "far_side.h", "options.h", "remote_shell.h", "worker_channel.h"},
       {},
       "a project of its own, from the installed sdk alone"},
      {"plugins/sdk/include", {"osiris/"}, {}, "the installed headers stand alone"},
      {"plugins/sdk/api", {"osiris/", "plugins/sdk/", "protocol/"}, {}, "the installed library's own code"},
      {"plugins/local", {"osiris/", "plugins/local/"}, {}, "an adapter like any author's: the installed sdk alone"},
      {"plugins/e2b/api",
       {"plugins/e2b/api/", "protocol/"},
       {},
       "E2B's API as any program would use it: no ABI, no sdk"},
      {"plugins/e2b",
       {"osiris/", "plugins/e2b/", "protocol/"},
       {},
       "E2B's API and a place for workers, as any author's: of the sdk the installed headers alone (decision 0195)"},
      {"host/compat", {"host/compat/", "protocol/base/"}, {}, "pure functions that the rest of the host calls"},
      {"host",
       {"osiris/", "host/", "protocol/base/", "protocol/model/"},
       {"boost/dll.*", "yaml-cpp/.*", "CLI/.*", "toml\\+\\+/.*", "sqlite3.h"},
       "the host cannot tell adapters apart: no rpc, no http"},
      {"host/http", {"host/http/", "protocol/base/", "protocol/http/"}, {}, "HTTP by a program of its own"},
      {"host/telemetry",
       {"host/telemetry/", "host/http/", "host/run/", "host/project/", "protocol/base/", "protocol/model/",
        "protocol/http/"},
       {},
       "what a collector is told: HTTP, and no adapter"},
      {"host/hooks",
       {"host/hooks/", "host/http/", "host/run/", "host/project/", "protocol/base/", "protocol/model/",
        "protocol/http/"},
       {},
       "what is called when a run has ended: HTTP, and no adapter"},
      {"check",
       {"osiris/", "check/", "host/adapters/", "host/installation/", "host/run/", "host/yaml/", "protocol/base/",
        "protocol/model/"},
       {"CLI/.*"},
       "a host that judges: it loads and proves by osiris's own code"},
      {"worker/driver_api",
       {"worker/driver_api/", "protocol/base/", "protocol/model/"},
       {"duckdb.*"},
       "what a driver sees"},
      {"servers/e2b",
       {"servers/e2b/", "protocol/base/"},
       {"boost/(asio|beast)/.*", "openssl/.*", "zlib\\.h"},
       "a stand-in for a service knows nothing of its clients"},
      {"worker",
       {"worker/", "protocol/base/", "protocol/model/", "protocol/archive/", "protocol/rpc/"},
       {"duckdb.*", "openssl/.*"},
       "the worker builds alone, without the ABI"},
  };
  return table;
}

// worker/drivers/X may include driver_api, base, model, itself and its own client library.
Row driver_row(const std::string& path) {
  const std::string folder = path.substr(0, path.find('/', std::string("worker/drivers/").size()));
  std::vector<std::string> may = {folder + "/", "worker/driver_api/", "protocol/base/", "protocol/model/"};
  if (folder.starts_with("worker/drivers/filesystem.csv_"))
    may.push_back("worker/drivers/csv/");  // what reading and writing share
  if (folder == "worker/drivers/web") may.push_back("protocol/http/");
  const bool is_of_supabase = folder.starts_with("worker/drivers/supabase");
  if (is_of_supabase || folder == "worker/drivers/graphql.extractor" ||
      folder == "worker/drivers/posthog.extractor") {  // and every other driver of a web API
    may.push_back("worker/drivers/web/");
    may.push_back("protocol/http/");
  }
  // A project is a PostgreSQL: what reads and writes that is not written twice (docs/decisions/0203).
  if (is_of_supabase)
    for (const char* more : {"supabase", "postgres", "db"}) may.push_back("worker/drivers/" + std::string(more) + "/");
  if (folder == "worker/drivers/supabase.extractor") may.push_back("worker/drivers/postgres.extractor/");
  if (folder == "worker/drivers/supabase.writer") may.push_back("worker/drivers/postgres.writer/");
  // What drivers of databases share, and below it what those of one database do.
  for (const std::string family : {"mysql", "postgres"}) {
    if (!folder.starts_with("worker/drivers/" + family)) continue;
    may.push_back("worker/drivers/" + family + "/");
    may.push_back("worker/drivers/db/");
  }
  static const std::regex of_files("worker/drivers/(filesystem\\..*|(duckdb|sqlite)\\.(extractor|writer))");
  if (std::regex_match(folder, of_files)) may.push_back("worker/drivers/files/");
  // Parts of a database's rows, whether it is a server or a file.
  if (folder == "worker/drivers/sqlite.extractor" || folder == "worker/drivers/duckdb.extractor")
    may.push_back("worker/drivers/db/");
  // Files behind https:// and s3://.
  static const std::regex of_anywhere("worker/drivers/filesystem\\.(csv|json|parquet)_(extractor|writer)");
  if (std::regex_match(folder, of_anywhere)) may.push_back("worker/drivers/remote/");
  if (folder == "worker/drivers/remote")
    for (const char* more : {"worker/drivers/files/", "worker/drivers/web/", "protocol/http/"}) may.push_back(more);
  static const std::regex of_programs("worker/drivers/(python|(python|exec)\\.processor|singer\\.extractor)");
  if (std::regex_match(folder, of_programs)) may.push_back("worker/drivers/program/");
  if (folder == "worker/drivers/python.processor" || folder == "worker/drivers/singer.extractor")
    may.push_back("worker/drivers/python/");
  if (folder == "worker/drivers/singer.extractor") may.push_back("worker/drivers/db/");  // rows as chunks
  return {folder, std::move(may), {".*"}, "a driver knows no other driver"};
}

const Row* row_for(const std::string& path) {
  const Row* best = nullptr;
  for (const Row& row : rows()) {
    const bool inside = path == row.folder || path.starts_with(row.folder + "/");
    if (inside && (!best || row.folder.size() > best->folder.size())) best = &row;
  }
  return best;
}

bool is_standard(const std::string& header) {
  static const std::regex c_and_posix(
      "(arpa|net|netinet|sys|linux|asm)/"
      ".*|(assert|ctype|dirent|dlfcn|elf|errno|fcntl|features|float|fnmatch|ftw|getopt|glob|grp|inttypes|"
      "langinfo|limits|link|locale|malloc|math|netdb|nss|poll|pthread|pty|pwd|regex|sched|semaphore|signal|spawn|"
      "stdarg|stddef|"
      "stdint|stdio|stdlib|string|strings|syslog|termios|time|ucontext|unistd|utime|wait|wchar)\\.h");
  return header.find('.') == std::string::npos || std::regex_match(header, c_and_posix);
}

std::vector<std::string> violations(const std::string& path, const std::string& text) {
  Row row;
  if (path.starts_with("worker/drivers/") && path.find('/', 15) != std::string::npos) {
    row = driver_row(path);
  } else if (const Row* found = row_for(path)) {
    row = *found;
  } else if (path.starts_with("tests/") || path.starts_with("bench/")) {
    return {};  // they may include everything
  } else {
    return {path + ": no row of the table speaks of this folder; add one, with its arrows and the reason"};
  }
  std::vector<std::string> found;
  static const std::regex include(R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])", std::regex::multiline);
  for (std::sregex_iterator it(text.begin(), text.end(), include), end; it != end; ++it) {
    const std::string header = (*it)[2];
    const bool quoted = (*it)[1] == "\"";
    bool allowed = false;
    for (const std::string& prefix : row.may) allowed |= header.starts_with(prefix);
    if (!quoted && !allowed) {
      if (row.folder == "plugin_api/include/osiris/adapter.h") {
        for (const std::string& library : row.libraries) allowed |= header == library;
      } else {
        allowed = is_standard(header);
        for (const std::string& library : row.libraries) allowed |= std::regex_match(header, std::regex(library));
      }
    }
    if (!allowed) found.push_back(path + " includes " + header + "; row \"" + row.folder + "\": " + row.why);
  }
  return found;
}

TEST(Layers, EveryIncludeFollowsItsArrow) {
  size_t files = 0;
  for (const SourceFile& file : source_files()) {
    ++files;
    for (const std::string& violation : violations(file.path, file.text)) ADD_FAILURE() << violation;
  }
  EXPECT_GT(files, 50u) << "the tree was not found";
}

TEST(Layers, AnUpwardIncludeIsReported) {
  EXPECT_EQ(violations("protocol/base/x.cc", "#include \"protocol/rpc/messages.h\"\n").size(), 1u);
  EXPECT_EQ(violations("host/run/x.cc", "#include \"protocol/http/transport.h\"\n").size(), 1u);
  EXPECT_EQ(violations("worker/x.cc", "#include <osiris/adapter.h>\n").size(), 1u);
  EXPECT_EQ(violations("worker/drivers/mock/x.cc", "#include \"worker/drivers/mysql.extractor/driver.h\"\n").size(),
            1u);
  EXPECT_EQ(violations("plugin_api/include/osiris/adapter.h", "#include <string.h>\n").size(), 1u);
  EXPECT_EQ(violations("protocol/rpc/x.cc", "#include <curl/curl.h>\n").size(), 1u);
}

TEST(Layers, AFolderWithoutARowIsReported) {
  EXPECT_EQ(violations("protocol/new/x.cc", "").size(), 1u);
  EXPECT_EQ(violations("tools/x.cc", "").size(), 1u);
  EXPECT_TRUE(violations("bench/x.cc", "#include \"host/run/session.h\"\n").empty());
}

TEST(Layers, ADownwardIncludeIsFine) {
  EXPECT_TRUE(violations("protocol/rpc/x.cc", "#include <vector>\n#include \"protocol/base/json.h\"\n").empty());
  EXPECT_TRUE(violations("worker/drivers/mysql.extractor/x.cc", "#include <mysql.h>\n").empty());
}

// "protocol/model/" of a path below it; empty: of another folder.
std::string protocol_folder(std::string_view header) {
  if (!header.starts_with("protocol/")) return "";
  const size_t end = header.find('/', std::string_view("protocol/").size());
  return end == std::string_view::npos ? "" : std::string(header.substr(0, end + 1));
}

// protocol/ is what two sides of a process boundary agree on; what one side needs lives with it.
TEST(Layers, EveryFolderOfProtocolHasTwoUsers) {
  static const std::regex include(R"(#include "(protocol/[^"]+)\")");
  std::map<std::string, std::set<std::string>> users;
  for (const SourceFile& file : source_files()) {
    if (const std::string own = protocol_folder(file.path); !own.empty()) users[own];
    const std::string side = file.path.substr(0, file.path.find('/'));
    if (side != "host" && side != "worker" && side != "plugins" && side != "servers") continue;
    for (std::sregex_iterator it(file.text.begin(), file.text.end(), include), end; it != end; ++it)
      users[protocol_folder((*it)[1].str())].insert(side);
  }
  EXPECT_GE(users.size(), 5u);
  for (const auto& [folder, sides] : users) {
    EXPECT_GE(sides.size(), 2u) << folder << " is used by one side alone: move it there, or say here why it stays";
  }
}

// A library wrapped in one place stays there.
TEST(Layers, WrappedLibrariesAreNamedInFewFiles) {
  const std::vector<std::tuple<std::string, std::string, size_t>> limits = {
      {"host/", "boost/dll", 1}, {"host/", "toml\\+\\+", 1}, {"host/", "yaml-cpp/", 2}, {"protocol/http/", "curl/", 2}};
  for (const auto& [folder, library, at_most] : limits) {
    size_t users = 0;
    const std::regex include("#include <" + library);
    for (const SourceFile& file : source_files())
      if (file.path.starts_with(folder) && std::regex_search(file.text, include)) ++users;
    EXPECT_GE(users, 1u) << library << " in " << folder << ": nothing was found";
    EXPECT_LE(users, at_most) << library << " in " << folder;
  }
}

}  // namespace
}  // namespace osiris::tidy
