// What a connection needs to know of the step that asks for it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "worker/drivers/db/deadline.h"

namespace osiris::worker::db {

struct CallContext {
  std::string step_id;
  std::filesystem::path scratch_dir;                 // a CA given as text is put here for the library to read
  Deadline* deadline = nullptr;                      // outlives the call
  std::function<void(const std::string&)> echo;      // is told each statement; may be empty
  std::function<void(const std::string&)> log = {};  // takes a line for the run's log; may be empty
};

}  // namespace osiris::worker::db
