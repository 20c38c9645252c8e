// What is known of an adapter before its cases run: who it is, and what it can do at all. Found out in a process of its
// own, as everything that touches the adapter is.
#pragma once

#include "check/bench/bench.h"

namespace osiris::check {

// In place of a case's id.
inline constexpr const char* kDescription = "description";
// Where the process leaves what it found, piece by piece: a crash loses only the rest.
inline constexpr const char* kDescriptionFile = "description.json";

// {"id","version","name","build","abi","problem"?,"runs"?, "missing": {"runs": why, "channel": why, ...}}: a key of
// "missing" says why cases that need it are skipped.
void describe(Bench& bench);

// The key in "missing" that stands for one need.
const char* need_name(unsigned need);

}  // namespace osiris::check
