#include "bench/rows.h"

#include <algorithm>
#include <cstdio>

namespace osiris::bench {
namespace {

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

void Rows::add(const std::string& name, const std::function<std::vector<Row>()>& measure) {
  names_.push_back(name);
  if (wanted_.empty() || has(wanted_, name)) print(measure());
}

int Rows::finish() const {
  std::string unknown, known;
  for (const std::string& name : wanted_)
    if (!has(names_, name)) unknown += (unknown.empty() ? "" : ", ") + name;
  if (unknown.empty()) return 0;
  for (const std::string& name : names_) known += (known.empty() ? "" : ", ") + name;
  std::fprintf(stderr, "osiris-bench: no row is named %s; there are %s\n", unknown.c_str(), known.c_str());
  return 2;
}

}  // namespace osiris::bench
