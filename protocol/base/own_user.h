// User ids that no other user of this machine has, for programs of a pipeline's that root starts: with one they still
// reach every file, but no other process: not its memory, its environment, its descriptors, and no signal gets there.
//
// Deliberate: the program keeps the right to pass file permissions (CAP_DAC_OVERRIDE and its kin), because what it
// may read and write is what root's programs always could; and it can gain no privilege that it was not started with.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace osiris {

// A fresh one each time, from a range that neither distributions nor containers give away (0x70000000 and up). nullopt:
// this process is not root, lacks the privileges, or lives in a user namespace without such ids. [any thread]
std::optional<uid_t> spare_user();

// Becomes that user, for good; before exec, in a process with one thread. False, with errno: it did not.
bool become_user(uid_t user);

// Everything at and below `path` that belongs to `from` belongs to `to` and its group from now on. Links are not
// followed; what cannot be changed stays as it is.
void change_owner(const std::filesystem::path& path, uid_t from, uid_t to);

}  // namespace osiris
