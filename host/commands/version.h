// Which osiris this is. The worker must have the same version.
#pragma once

#include <string>
#include <string_view>

namespace osiris {

struct CommandContext;

inline constexpr std::string_view kVersion = OSIRIS_VERSION;
// The commit it was built from: 40 hex digits, with "-dirty" when files differed from it; "unknown" outside a
// repository (cmake/commit.cmake).
extern const std::string_view kCommit;
// The release that the commit is: "v1.2.0"; empty for any other commit, and where files differed from it.
extern const std::string_view kTag;

// What `osiris --version` prints, as text or, with --json, as one document (docs/cli.md): version, commit, tag, the
// adapter ABI, the engine, and the worker that a run would start, with its hash, its build id and how it is linked.
std::string version_text(const CommandContext& context);

}  // namespace osiris
