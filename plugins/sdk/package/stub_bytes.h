// The bytes of stub/unpack.c as built: a static x86-64 program.
#pragma once

#include <cstddef>

namespace osiris::sdk {

extern const char* const kStubBytes;
extern const size_t kStubSize;

}  // namespace osiris::sdk
