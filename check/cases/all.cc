#include "check/case.h"

namespace osiris::check {

const std::vector<Case>& all_cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> joined;
    for (auto* group :
         {file_cases, manifest_cases, load_cases, table_cases, extension_cases, life_cases, configure_cases,
          validate_cases, prepare_cases, borrow_cases, service_cases, process_cases, run_cases, output_cases,
          cancel_cases, secret_cases, channel_cases, resource_cases, explain_cases})
      for (Case& one : group()) joined.push_back(std::move(one));
    return joined;
  }();
  return all;
}

}  // namespace osiris::check
