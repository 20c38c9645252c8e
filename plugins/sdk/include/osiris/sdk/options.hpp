// osiris/sdk/options.hpp: what every adapter that runs the worker lets its user choose.
#pragma once

#include <osiris/options.hpp>

#include <array>
#include <string>
#include <vector>

namespace osiris::adapter_sdk {

// Variables that a user lends to the steps. Their values are treated as secrets.
struct EnvironmentOptions {
  std::vector<std::string> pass;   // names of the user's own
  std::vector<std::string> files;  // absolute paths of files of NAME=VALUE lines
  std::vector<std::string> pairs;  // NAME=VALUE; wins over the two above
};

// The names of the variables that are lent, sorted and each once. Reads the files. Throws plugin::Failure for one that
// cannot be read, or is no list of variables.
std::vector<std::string> lent_variable_names(const EnvironmentOptions& options);

// Derive your configuration from it.
struct WorkerOptions : EnvironmentOptions {
  bool install_deps = false;
  double grace_s = 0;
};

// --<adapter>-env, -env-from and -pass-env. `Config` derives from EnvironmentOptions.
template <class Config>
constexpr std::array<plugin::Bound<Config>, 3> environment_rows() {
  using Row = plugin::Bound<Config>;
  Row env{OSIRIS_PAIR, "env", &Config::pairs, "A variable for the steps that start processes", "NAME=VALUE"};
  env.flags = OSIRIS_REPEATED | OSIRIS_SENSITIVE;
  Row from{OSIRIS_PATH, "env-from", &Config::files, "A file of NAME=VALUE lines with such variables", "FILE"};
  from.flags = OSIRIS_REPEATED;
  Row pass{OSIRIS_ENV, "pass-env", &Config::pass, "A variable of your own environment to lend to such steps", "NAME"};
  pass.flags = OSIRIS_REPEATED;
  return {env, from, pass};
}

// The three above, -install-deps and -grace. `Config` derives from WorkerOptions.
template <class Config>
constexpr std::array<plugin::Bound<Config>, 5> worker_rows() {
  using Row = plugin::Bound<Config>;
  Row install{OSIRIS_BOOL, "install-deps", &Config::install_deps,
              "Install what a step's requirements name, in an environment of its own"};
  install.default_value = "false";
  Row grace{OSIRIS_FLOAT, "grace", &Config::grace_s,
            "How long running steps may take to stop when the run is cancelled", "SECONDS"};
  grace.default_value = "0.7";
  grace.minimum = "0";
  grace.maximum = "600";
  return plugin::joined(environment_rows<Config>(), std::array<Row, 2>{install, grace});
}

}  // namespace osiris::adapter_sdk
