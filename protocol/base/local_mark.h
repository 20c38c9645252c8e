// A mark by which a file is known as the very one that was written on this machine. A copy of it has another: in a
// container's image, in a backup, on a second machine, in a home directory that several machines mount. What such a
// copy says about processes is not about processes of here.
#pragma once

#include <string>

namespace osiris {

// Of the open file `fd`: made of this machine's id, its host name (a container has one of its own) and the file's
// inode. 32 hex digits. Empty where the file cannot be asked; an empty mark matches no file.
std::string local_mark(int fd);

}  // namespace osiris
