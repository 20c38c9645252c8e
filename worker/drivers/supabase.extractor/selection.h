// `select` and `order` as PostgREST writes them, taken apart: "id,name:full_name,price::text", "created_at.desc,id".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::supabase {

struct SelectedColumn {
  std::string name;      // of the relation
  std::string column;    // of the table; "*": all of them
  std::string cast;      // "text"; empty: none
  bool is_plain = true;  // no path into JSON and no other table
};

// Where a text is split: not inside double quotes and parentheses.
std::vector<std::string> split_outside(std::string_view text, char separator);

std::vector<SelectedColumn> read_select(std::string_view select);

// `"a ""b"` without its quotes; other text as it is.
std::string unquoted(std::string_view name);

}  // namespace osiris::worker::supabase
