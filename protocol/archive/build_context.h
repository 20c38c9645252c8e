// A gzip-compressed tar of named files, the form in which E2B's template builder wants what COPY copies. Written only,
// never read: what a remote worker sends back is always a numbered archive (archive.h).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::archive {

struct NamedFile {
  std::string name;  // relative, in the archive
  std::filesystem::path source;
  unsigned mode = 0644;
};

// Same files, same bytes. Replaces `target`.
Status write_build_context(const std::filesystem::path& target, const std::vector<NamedFile>& files);

}  // namespace osiris::archive
