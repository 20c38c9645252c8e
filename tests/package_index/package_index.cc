#include "tests/package_index/package_index.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace osiris::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPython = "/usr/bin/python3";

// Directory, distribution, version, module code, then what it requires.
constexpr const char* kMakeWheel = R"py(
import os, sys, zipfile
root, name, version, code, requires = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
module = name.replace("-", "_")
info = f"{module}-{version}.dist-info"
files = {
    f"{module}/__init__.py": code,
    f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {r}\n" for r in requires),
    f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: osiris-tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}
files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
page = os.path.join(root, "simple", name)
os.makedirs(page, exist_ok=True)
wheel = f"{module}-{version}-py3-none-any.whl"
with zipfile.ZipFile(os.path.join(page, wheel), "w") as archive:
    for path, text in files.items():
        archive.writestr(path, text)
with open(os.path.join(page, "index.html"), "a") as index:
    index.write(f'<a href="{wheel}">{wheel}</a>\n')
)py";

}  // namespace

PackageIndex::PackageIndex() {
  std::string pattern = fs::temp_directory_path() / "osiris-index-XXXXXX";
  directory_ = mkdtemp(pattern.data());
  fs::create_directories(directory_ / "simple");
}

PackageIndex::~PackageIndex() {
  stop();
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void PackageIndex::add(const std::string& name, const std::string& version, const std::string& code,
                       const std::vector<std::string>& requires_dist) {
  SpawnOptions options;
  options.arguments = {kPython, "-I", "-c", kMakeWheel, directory_.string(), name, version, code};
  options.arguments.insert(options.arguments.end(), requires_dist.begin(), requires_dist.end());
  const auto made = run_command(options, 60'000);
  ASSERT_TRUE(made.ok() && made->exit.success()) << (made.ok() ? made->standard_error : made.error().message);
}

void PackageIndex::start(const std::string& address) {
  address_ = address;
  SpawnOptions options;
  options.arguments = {kPython, "-I", "-u", "-m", "http.server", "--bind", address, "--directory", directory_.string(),
                       "0"};
  options.standard_input = options.standard_error = SpawnOptions::Stream::kNull;
  auto server = Subprocess::spawn(options);
  ASSERT_TRUE(server.ok()) << server.error().message;
  server_ = std::make_unique<Subprocess>(*std::move(server));
  // "Serving HTTP on 127.0.0.1 port 40123 (http://127.0.0.1:40123/) ..."
  std::string said;
  while (said.find('\n') == std::string::npos) {
    pollfd ready{server_->stdout_fd(), POLLIN, 0};
    ASSERT_GT(::poll(&ready, 1, 60'000), 0) << "the package index does not start";
    char block[512];
    const ssize_t got = ::read(server_->stdout_fd(), block, sizeof block);
    ASSERT_GT(got, 0) << "the package index ended: " << said;
    said.append(block, static_cast<size_t>(got));
  }
  const size_t at = said.find("port ");
  ASSERT_NE(at, std::string::npos) << said;
  port_ = std::atoi(said.c_str() + at + 5);
}

std::string PackageIndex::url(const std::string& credentials) const {
  return "http://" + (credentials.empty() ? "" : credentials + "@") + address_ + ":" + std::to_string(port_) +
         "/simple";
}

}  // namespace osiris::test
