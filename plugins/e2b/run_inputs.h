// What of a request this adapter looks at, read once.
#pragma once

#include <osiris/adapter.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/plan.h"

namespace osiris::e2b {

struct RunInputs {
  Plan plan;
  Json settings;  // "settings_json"
  std::filesystem::path session_dir, worker_path;
  std::string worker_sha256;

  const std::vector<PlanStep>& steps() const { return plan.steps; }
  // Where this adapter may write in the session.
  std::filesystem::path adapter_dir() const { return session_dir / "adapter"; }
};

// Throws plugin::Failure for a document that cannot be read.
RunInputs read_inputs(const plugin::Request& request);

}  // namespace osiris::e2b
