// osiris/sdk/service.hpp: a service that lends machines, as messages, events and files name it.
#pragma once

#include <string>
#include <vector>

namespace osiris::adapter_sdk {

struct ServiceDescription {
  std::string id;             // the adapter's: in names of files, events and categories ("e2b")
  std::string name;           // for people: "E2B"
  std::string noun, plural;   // what its machines are called: "sandbox", "sandboxes"
  std::string daemon;         // who answers for the files and processes of one: "envd"
  std::string option_prefix;  // of the options of EgressOptions, for hints: "--e2b-"
  // Addresses and ranges ("10.0.0.0/8") that no machine ever reaches, whatever its rules say.
  std::vector<std::string> denied_ranges;
};

}  // namespace osiris::adapter_sdk
