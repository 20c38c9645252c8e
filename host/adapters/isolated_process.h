// The process of an isolated adapter: `osiris` itself, started by IsolatedAdapter with this word, and messages on its
// standard input and output. It loads the one library, tells what its table says, and makes the calls that are asked
// for, one at a time; what the adapter asks of its host goes back. It ends when its input does.
#pragma once

#include <string_view>

namespace osiris {

inline constexpr std::string_view kIsolatedAdapterWord = "--isolated-adapter-process";

// The exit status.
int run_isolated_adapter();

}  // namespace osiris
