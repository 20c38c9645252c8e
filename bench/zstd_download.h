// The baseline of "artifacts back": the same files, each a GET from the same server, piped through zstd -1 on both
// ends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2b_server/testing/http_client.h"

namespace osiris::bench {

struct DownloadedFile {
  std::string remote_path;  // in the sandbox
  std::filesystem::path to;
};

// Fetches them one after another. Three threads keep every stage of the pipe busy: GET, compress at level 1, decompress
// and write. Returns the bytes written; dies with a message when something fails.
uint64_t download_through_zstd(const e2b_server::SandboxHandle& sandbox, const std::vector<DownloadedFile>& files);

}  // namespace osiris::bench
