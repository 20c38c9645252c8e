// Whether a file that a run wrote is still what the run wrote.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "protocol/model/artifact.h"

namespace osiris {

// Why the file may not be shown as this run's: it is gone, or has another size or, up to `hash_bytes_max` of them,
// other bytes. Empty: it is as it was written.
std::string why_not_as_written(const Artifact& file, uint64_t hash_bytes_max = UINT64_MAX);

// The outputs in a session's artifacts.json; none where it has no such file: its run did not get so far.
std::vector<Artifact> recorded_outputs(const std::filesystem::path& session);

}  // namespace osiris
