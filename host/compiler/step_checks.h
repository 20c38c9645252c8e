// `checks:` of a step: what must hold of its rows (protocol/model/data_check.h). Here only their form is judged;
// whether the columns are there is asked of the worker (host/run/plan_check.h).
#pragma once

#include <string>
#include <vector>

#include "host/compiler/oml_document.h"

namespace osiris {

// checks: [{not_null: id}, {row_count: {min: 1}, severity: warn}, ...].
void read_checks(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);

// What only the whole pipeline tells: a step that writes has no rows to check, and a relationship needs a step that has
// some.
void look_at_checked_steps(const OmlDocument& document, Diagnostics& diagnostics);

}  // namespace osiris
