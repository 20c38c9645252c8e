// A session in a directory of its own, written line by line as osiris writes it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "host/pages/run_history.h"

namespace osiris {

class SessionFiles {
 public:
  SessionFiles();
  ~SessionFiles();
  SessionFiles(const SessionFiles&) = delete;

  const std::filesystem::path& directory() const { return directory_; }
  void write(const std::filesystem::path& file, std::string_view text) const;
  // `second` after the run's first; `fields` is the inside of a JSON object and may be empty.
  void event(double second, std::string_view name, std::string_view fields = "");
  void metric(double second, std::string_view name, double value, std::string_view fields = "");
  // A run of this session that ended with `status`.
  RunRecord record(const std::string& status = "success") const;
  // Writes what was said and reads it back; fails the test when it cannot be read.
  RunHistory history(const std::string& status = "success");

 private:
  std::filesystem::path directory_;
  std::string events_, metrics_;
};

}  // namespace osiris
