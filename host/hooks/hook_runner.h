// Runs the hooks of a run that has ended: a command gets the document on its standard input, a webhook as the body of a
// POST. Each has its time; none can change what the run came to. docs/hooks.md.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "host/project/environment.h"
#include "host/project/hook.h"
#include "host/run/masking.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// The document of a hook: what `run --json` says of the run, with the event's name, the version of this form and the
// pipeline. Masked.
struct HookDocument {
  std::string text;   // JSON, with a line end
  std::string event;  // "on_success" or "on_failure"
  std::string run_id, pipeline, outcome;
};

class HookRunner {
 public:
  // All must outlive the object. Commands start in `directory`, with `environment` and `more` variables; `http_program`
  // calls webhooks (host/http/client.h).
  HookRunner(const Environment& environment, std::filesystem::path directory, std::filesystem::path http_program,
             Masking& masking, std::vector<std::pair<std::string, std::string>> more)
      : environment_(environment),
        directory_(std::move(directory)),
        http_program_(std::move(http_program)),
        masking_(masking),
        more_(std::move(more)) {}

  // An error says what failed, masked.
  Status run(const Hook& hook, const HookDocument& document);

 private:
  Status run_command_hook(const Hook& hook, const HookDocument& document);
  Status post(const Hook& hook, const HookDocument& document);
  Result<std::string> find_program(const std::string& name) const;
  Result<std::string> filled(const std::string& text);

  const Environment& environment_;
  const std::filesystem::path directory_, http_program_;
  Masking& masking_;
  const std::vector<std::pair<std::string, std::string>> more_;
};

}  // namespace osiris
