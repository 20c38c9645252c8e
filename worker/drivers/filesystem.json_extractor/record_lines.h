// The records as lines of a file of ours, for DuckDB's reader: one a line, its values as they are or as text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"
#include "worker/drivers/filesystem.json_extractor/record.h"

namespace osiris::worker::json_in {

enum class Form {
  kAsIs,
  kText,  // strings as they are, everything else its JSON as a string
  kJson,  // everything its JSON as a string
};
using Forms = std::unordered_map<std::string, Form>;  // by key

class RecordLines {
 public:
  // `only`: members whose key has no form are left out; otherwise they stay as they are.
  RecordLines(std::filesystem::path file, Forms forms, bool only)
      : path_(std::move(file)), forms_(std::move(forms)), only_(only) {}

  Status open();
  Status add(std::string_view record, const std::vector<Member>& members);
  Status close();

  const std::filesystem::path& path() const { return path_; }
  size_t longest() const { return longest_; }

 private:
  void append_flat(std::string_view text);
  void append_quoted(std::string_view text);

  const std::filesystem::path path_;
  const Forms forms_;
  const bool only_;
  FileDescriptor file_;
  std::string buffer_;
  size_t longest_ = 0;
};

}  // namespace osiris::worker::json_in
