// A step that writes the rows of a SELECT to a table of the project.
#pragma once

#include "tests/drivers/supabase/steps.h"
#include "worker/drivers/supabase.writer/driver.h"

namespace osiris::worker::test {

class Write : public SupabaseStep {
 public:
  Write(const std::string& select, std::initializer_list<Json::Member> more, Way way = Way::kApi)
      : SupabaseStep(supabase_writer(), more, way) {
    add_input("rows", select);
  }
};

// So many rows: id from 1 on, and a name.
inline std::string numbered(int rows) {
  return "SELECT i::INTEGER AS id, 'name ' || i AS name FROM range(1, " + std::to_string(rows + 1) + ") t(i)";
}

}  // namespace osiris::worker::test
