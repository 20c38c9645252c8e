// The options by which a user lends variables to the steps, the same for every adapter.
#pragma once

#include <osiris/options.hpp>

#include <array>

#include "plugins/sdk/run/lent_variables.h"

namespace osiris::sdk {

// `Config`: derives from EnvironmentOptions.
template <class Config>
constexpr std::array<plugin::Bound<Config>, 3> environment_rows() {
  return {{{.type = OSIRIS_PAIR,
            .name = "env",
            .target = &Config::pairs,
            .help = "A variable for the steps that start processes",
            .value_name = "NAME=VALUE",
            .flags = OSIRIS_REPEATED | OSIRIS_SENSITIVE},
           {.type = OSIRIS_PATH,
            .name = "env-from",
            .target = &Config::files,
            .help = "A file of NAME=VALUE lines with such variables",
            .value_name = "FILE",
            .flags = OSIRIS_REPEATED},
           {.type = OSIRIS_ENV,
            .name = "pass-env",
            .target = &Config::pass,
            .help = "A variable of your own environment to lend to such steps",
            .value_name = "NAME",
            .flags = OSIRIS_REPEATED}}};
}

}  // namespace osiris::sdk
