// What travels to and from a remote worker: the run package it unpacks before a run, and the archive of what
// the run wrote that it packs after it. Formats: docs/run-package.md, protocol/archive.
#pragma once

#include <filesystem>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/model/artifact.h"
#include "protocol/rpc/params.h"

namespace osiris::worker {

// Puts every member where `package` says, checked by size and hash, and removes the archive. Nothing is left half done:
// a file appears at its place by a rename, and an error leaves the run unstarted. kNotFound: a file said to be present
// is not, or is another one.
Status unpack_package(const rpc::Package& package);

// Packs `artifacts` and every file below session_dir/artifacts into the archive `path`. The files must not change
// meanwhile.
Result<rpc::Packed> pack_artifacts(const std::filesystem::path& path, const std::filesystem::path& session_dir,
                                   const std::vector<Artifact>& artifacts);

}  // namespace osiris::worker
