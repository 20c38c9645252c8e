#include "plugins/e2b/run_inputs.h"

#include "plugins/e2b/failures.h"

namespace osiris::e2b {

RunInputs read_inputs(const plugin::Request& request) {
  RunInputs inputs;
  inputs.plan = value_or_throw(plan_from_json(value_or_throw(parse_json(request.manifest_json))));
  if (!request.settings_json.empty()) inputs.settings = value_or_throw(parse_json(request.settings_json));
  inputs.session_dir = request.session_dir;
  inputs.worker_path = request.worker_path;
  inputs.worker_sha256 = request.worker_sha256;
  return inputs;
}

}  // namespace osiris::e2b
