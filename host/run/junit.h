// A run as JUnit's XML, the form in which build servers take results: a test case for each step. The attributes are
// those that Jenkins, GitLab and GitHub's reporters read: name, classname, time, failure with message and type,
// skipped.
#pragma once

#include <string>

#include "host/run/report.h"
#include "host/yaml/diagnostic.h"

namespace osiris {

// Masked. A run that failed beside its steps has a case of its own, "(run)".
std::string junit_document(const RunReport& report, const Masking& masking);

// Of a pipeline that does not compile: a case that fails, for each error. `pipeline` is the file as it was named.
std::string junit_document(const std::string& pipeline, const Diagnostics& findings, const Masking& masking);

}  // namespace osiris
