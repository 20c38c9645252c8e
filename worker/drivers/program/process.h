// Runs one program to its end: its lines as they come, and its end, with everything it started, as soon as the caller
// wants it. It runs below a supervisor (worker/supervisor.h) where there is one: then children that left its session
// die with it as well, even when this process is killed.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/subprocess.h"

namespace osiris::worker::program {

using Variables = std::vector<std::pair<std::string, std::string>>;

struct ProcessRequest {
  std::vector<std::string> arguments;  // [0]: an absolute path
  Variables environment;               // the whole of it
  std::filesystem::path working_directory;
  std::string supervisor;     // a program that understands --supervise; empty: none
  std::optional<uid_t> user;  // the user it runs as, where there is a supervisor; nullopt: as this process
  std::function<void(std::string_view line)> on_output, on_error;
  // Takes what it writes to stdout as it comes, in place of on_output; may be empty.
  std::function<void(std::string_view bytes)> on_output_bytes;
  std::function<bool()> is_cancelled;
};

// Its stdin is empty. kCancelled once is_cancelled() says so.
Result<ExitStatus> run_process(const ProcessRequest& request);

}  // namespace osiris::worker::program
