// The rows of a run that are at hand, as relations of SQL: what was kept of its steps, and the files that its writers
// wrote, while those are as they were.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/cache/run_rows.h"
#include "host/components/registry.h"
#include "host/inspection/look_plan.h"
#include "host/inspection/recorded_run.h"

namespace osiris {

struct KeptRelation {
  std::string step_id;
  std::string name;                // "df_total"
  std::optional<KeptEntry> entry;  // nullopt: it is a file
  Artifact file;
  Json config;  // of the writer that wrote the file
};

struct MissingRelation {
  std::string step_id, name;
  std::string why;  // a clause: "the files it reads are the copy"
};

struct KeptRelations {
  std::vector<KeptRelation> there;  // in the order of the pipeline
  std::vector<MissingRelation> missing;
  std::vector<std::string> damaged;
};
KeptRelations kept_relations(const Project& project, const ComponentRegistry& registry, const RunRecord& record,
                             const Clock& clock);

// Whether the text holds the name as a word, in either case: as a relation, in a comment or by chance.
bool mentions(std::string_view sql, std::string_view name);

// SHOW TABLES and its kind, which the gate of steps' SQL refuses: a step has no catalogue. The SQL that answers it.
bool asks_for_relations(std::string_view sql);
std::string list_of(const KeptRelations& relations);

// Adds those that `sql` may read, all where it names none. Returns their steps. kInvalidArgument for a file that is not
// what it was any more.
Result<std::vector<std::string>> add_relations(const KeptRelations& relations, std::string_view sql, LookPlan& plan);

}  // namespace osiris
