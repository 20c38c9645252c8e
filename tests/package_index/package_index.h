// A small Python package index (PEP 503, "simple") on loopback, with wheels made here: what `pip` is pointed at.
// Python's own http.server serves it, as a child that ends with this object.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "protocol/base/subprocess.h"

namespace osiris::test {

class PackageIndex {
 public:
  PackageIndex();
  ~PackageIndex();
  PackageIndex(const PackageIndex&) = delete;

  // A wheel "<name>-<version>-py3-none-any.whl" whose module (name with _ for -) is `code`.
  void add(const std::string& name, const std::string& version, const std::string& code,
           const std::vector<std::string>& requires_dist = {});
  // Starts to serve, or starts again; on another address of this machine than loopback where one is given.
  void start(const std::string& address = "127.0.0.1");
  // From now on nobody answers: what is installed now comes from a cache.
  void stop() { server_.reset(); }

  // For PIP_INDEX_URL. With `credentials` ("user:password") the URL holds them; the server does not ask.
  std::string url(const std::string& credentials = {}) const;
  int port() const { return port_; }

 private:
  std::filesystem::path directory_;
  std::unique_ptr<Subprocess> server_;
  std::string address_;
  int port_ = 0;
};

}  // namespace osiris::test
