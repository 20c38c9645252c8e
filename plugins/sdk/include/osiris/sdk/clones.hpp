// osiris/sdk/clones.hpp: a service that makes machines of a machine, with its files, and says what a machine really is.
// Derive a Place from Clones too: where many machines are wanted, one gets the worker and the others are made of it.
// Before that nothing of a run has been in it, and no process of osiris's runs there.
//
// As with Place, functions are called from any thread and report failure by throwing plugin::Failure.
#pragma once

#include <osiris/sdk/place.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace osiris::adapter_sdk {

// What a machine is, beside what was asked for.
struct Verdict {
  std::string wrong;                // "its egress rules are ..."; empty: what the service says of it is as wanted
  std::vector<std::string> untold;  // of what the service says nothing ("its egress rules")
};

class Clones {
 public:
  virtual ~Clones() = default;

  // In one call.
  virtual size_t clones_max() const = 0;
  // `count` machines of this one, each with lease_s to live; for each a machine, or why there is none. Not to be
  // repeated after a failure: what may have been made is looked for by the machine's metadata.
  virtual std::vector<std::variant<Machine, plugin::Failure>> clone(const std::string& id, size_t count,
                                                                    int64_t lease_s, const CallLimits& limits) = 0;
  // Of clone(): the service makes no clones at all.
  virtual bool is_clone_unsupported(const plugin::Failure& failure) const = 0;

  // Asks what a machine is: its egress rules, its lease, and that it ends with its lease and is not kept asleep.
  virtual Verdict verify(const std::string& id, const MachineSpec& wanted, const CallLimits& limits) = 0;
};

}  // namespace osiris::adapter_sdk
