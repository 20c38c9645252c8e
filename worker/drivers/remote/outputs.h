// Where a writer's file goes: to its place on this machine, or made in the step's scratch directory and then, whole, to
// s3://.
#pragma once

#include <optional>
#include <string>

#include "protocol/base/sha256.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::remote {

// `target` is where the file is made. kInvalidArgument for addresses that are not written to.
Result<OutputFile> output_file(const StepContext& step, const std::string& path);

// Whether its place could be written to. Nothing is known of that of an address, and `validate` has no keys.
Status check_output(const OutputFile& file, bool create_dirs);
// Whether the step's connection says how to reach an address; of a file here nothing.
Status check_access(const StepContext& step, const OutputFile& file);

// The file is complete at its target: declares it (StepContext::add_output), or uploads it and says so by an event.
Status deliver(StepContext& step, const OutputFile& file, uint64_t rows,
               std::optional<FileDigest> digest = std::nullopt);

}  // namespace osiris::worker::remote
