// What cases about one stage share.
#pragma once

#include <string>

#include "check/bench/life.h"

namespace osiris::check {

// A status that says "stop" after a cancel.
inline bool says_stopped(const Status& status) {
  return !status.ok() && (status.error().code == Code::kCancelled || status.error().code == Code::kDeadline);
}

// The pipeline that a case is about where any will do: with steps where the adapter runs them, else without.
Pipeline any_pipeline(Bench& bench, const std::string& name = "run");

// Every file below `directory` with its bytes' hash; for comparisons.
std::string picture_of_directory(const std::filesystem::path& directory);

}  // namespace osiris::check
