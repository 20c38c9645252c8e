// What travels to a remote worker: the run package that it unpacks before a run. Formats: docs/run-package.md,
// protocol/archive. What travels back: artifact_packer.h.
#pragma once

#include "protocol/base/error.h"
#include "protocol/rpc/params.h"

namespace osiris::worker {

// Puts every member where `package` says, checked by size and hash, and removes the archive. Nothing is left half done:
// a file appears at its place by a rename, and an error leaves the run unstarted. kNotFound: a file said to be present
// is not, or is another one.
Status unpack_package(const rpc::Package& package);

}  // namespace osiris::worker
