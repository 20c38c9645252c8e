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

// A query of osiris.resources/1; its state directory is there.
ResourceQuery query_of(Bench& bench, Json filter = Json::object());
// The filter for what dead runs of this case have left.
Json leftovers_of(const Bench& bench, const std::string& dead_run_id);
// Gives back what a killed run of this case left, where the adapter can: a check leaves nothing behind. No judgement.
void release_leftovers(Bench& bench, const std::string& dead_run_id);

// Every file below `directory` with its bytes' hash; for comparisons.
std::string picture_of_directory(const std::filesystem::path& directory);

}  // namespace osiris::check
