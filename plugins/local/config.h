// The options of the adapter `local`.
#pragma once

#include <osiris/options.hpp>

#include "plugins/sdk/run/environment_options.h"

namespace osiris::local {

struct Config : sdk::EnvironmentOptions {
  bool install_deps = false;
  double grace_s = 0;
};

inline constexpr auto kRows = plugin::joined(
    sdk::environment_rows<Config>(),
    std::array{
        plugin::Bound<Config>{.type = OSIRIS_BOOL,
                              .name = "install-deps",
                              .target = &Config::install_deps,
                              .help = "Install what a step's requirements name, in an environment of its own",
                              .default_value = "false"},
        plugin::Bound<Config>{.type = OSIRIS_FLOAT,
                              .name = "grace",
                              .target = &Config::grace_s,
                              .help = "How long running steps may take to stop when the run is cancelled",
                              .value_name = "SECONDS",
                              .default_value = "0.7",
                              .minimum = "0",
                              .maximum = "600"},
    });

}  // namespace osiris::local
