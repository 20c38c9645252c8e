// `osiris-worker --install-requirements FILE --cache-dir DIRECTORY`: makes one environment ahead of the run that needs
// it, as a template build does. FILE: {"python": "python3", "requirements": ["pandas==2.0.0"]}. Events go to stdout,
// one line each, "osiris-event {...}", pip's own words to stderr. Where packages come from: PIP_* in its environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace osiris::worker::python {

inline constexpr std::string_view kEventPrefix = "osiris-event ";

// The process's exit status: 0, 1 when it could not be made, 2 for wrong arguments.
int install_requirements(const std::vector<std::string>& arguments);

}  // namespace osiris::worker::python
