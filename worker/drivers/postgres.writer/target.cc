#include "worker/drivers/postgres.writer/target.h"

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::postgres {
namespace {

Error refused(const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "PostgreSQL write failed: " + what, hint, category::kWriteFailed);
}

// A domain is written as the type it is of; the server checks its rules.
constexpr char kColumns[] =
    "WITH RECURSIVE base(attnum, type, modifier) AS ("
    "  SELECT attnum, atttypid, atttypmod FROM pg_catalog.pg_attribute WHERE attrelid = $1::oid "
    "  UNION ALL SELECT attnum, typbasetype, typtypmod FROM base JOIN pg_catalog.pg_type t ON t.oid = type "
    "  WHERE t.typtype = 'd') "
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), t.oid, b.modifier, "
    "  t.typtype = 'e' OR t.typname = 'citext', "
    "  a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> '' OR a.attidentity = 'a' "
    "FROM pg_catalog.pg_attribute a JOIN base b ON b.attnum = a.attnum JOIN pg_catalog.pg_type t ON t.oid = b.type "
    "WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND t.typtype <> 'd' ORDER BY a.attnum";

constexpr char kUniqueKeys[] =
    "SELECT i.indexrelid, a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a "
    "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) "
    "WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL "
    "ORDER BY i.indexrelid";

// One row for each thing that knows the table by its number and would keep the old one, or go with it.
constexpr char kObstacles[] =
    "SELECT 'it is a partition, has partitions or inherits' FROM pg_catalog.pg_inherits "
    "  WHERE inhrelid = $1::oid OR inhparent = $1::oid "
    "UNION ALL SELECT 'it is partitioned' FROM pg_catalog.pg_class WHERE oid = $1::oid AND relkind <> 'r' "
    "UNION ALL SELECT 'it is stored in a way of its own' FROM pg_catalog.pg_class WHERE oid = $1::oid "
    "  AND (relpersistence <> 'p' OR reloptions IS NOT NULL OR reltablespace <> 0 OR reloftype <> 0) "
    "UNION ALL SELECT 'view ' || r.ev_class::regclass || ' depends on it' FROM pg_catalog.pg_depend d "
    "  JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND r.oid = d.objid "
    "  WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $1::oid AND r.ev_class <> $1::oid "
    "UNION ALL SELECT 'it has the rule ' || rulename FROM pg_catalog.pg_rewrite WHERE ev_class = $1::oid "
    "UNION ALL SELECT 'constraint ' || conname || ' of ' || conrelid::regclass || ' refers to other rows by it' "
    "  FROM pg_catalog.pg_constraint WHERE contype = 'f' AND (conrelid = $1::oid OR confrelid = $1::oid) "
    "UNION ALL SELECT 'it has the trigger ' || tgname FROM pg_catalog.pg_trigger "
    "  WHERE tgrelid = $1::oid AND NOT tgisinternal "
    "UNION ALL SELECT 'it has policies' FROM pg_catalog.pg_class WHERE oid = $1::oid AND relrowsecurity "
    "UNION ALL SELECT 'it owns the sequence ' || objid::regclass FROM pg_catalog.pg_depend "
    "  WHERE refclassid = 'pg_catalog.pg_class'::regclass AND refobjid = $1::oid AND deptype IN ('a', 'i') "
    "  AND classid = 'pg_catalog.pg_class'::regclass "
    "  AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = objid AND c.relkind = 'S') "
    "UNION ALL SELECT 'it is published' FROM pg_catalog.pg_publication_rel WHERE prrelid = $1::oid "
    "UNION ALL SELECT 'function ' || p.oid::regprocedure || ' uses its type' FROM pg_catalog.pg_proc p "
    "  JOIN pg_catalog.pg_class c ON c.oid = $1::oid "
    "  WHERE p.prorettype = c.reltype OR c.reltype = ANY (p.proargtypes) "
    "LIMIT 1";

constexpr char kKept[] =
    "SELECT 1, format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, "
    "  pg_catalog.pg_get_constraintdef(oid)) FROM pg_catalog.pg_constraint "
    "  WHERE conrelid = $1::oid AND contype IN ('p', 'u', 'x') "
    "UNION ALL SELECT 2, pg_catalog.pg_get_indexdef(indexrelid) FROM pg_catalog.pg_index i WHERE indrelid = $1::oid "
    "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = "
    "$1::oid) "
    "UNION ALL SELECT 3, format('GRANT %s ON TABLE %s TO %s%s', a.privilege_type, c.oid::regclass, "
    "  CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END, "
    "  CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) "
    "  FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a WHERE c.oid = $1::oid AND a.grantee <> c.relowner "
    "UNION ALL SELECT 4, format('COMMENT ON TABLE %s IS %L', $1::oid::regclass, "
    "  pg_catalog.obj_description($1::oid, 'pg_class')) "
    "  WHERE pg_catalog.obj_description($1::oid, 'pg_class') IS NOT NULL ORDER BY 1";

Status read_columns(Connection& connection, Target& target) {
  OSIRIS_ASSIGN(const Answer columns, connection.ask(kColumns, {target.oid}));
  for (size_t row = 0; row < columns.rows(); ++row) {
    TargetColumn column;
    column.name = columns.text(row, 0);
    column.type_name = columns.text(row, 1);
    column.type = static_cast<Oid>(std::stoul(columns.text(row, 2)));
    column.modifier = std::stoi(columns.text(row, 3));
    column.takes_text = columns.text(row, 4) == "t";
    column.is_required = columns.text(row, 5) == "t";
    column.is_generated = columns.text(row, 6) == "t";
    target.columns.push_back(std::move(column));
  }
  OSIRIS_ASSIGN(const Answer keys, connection.ask(kUniqueKeys, {target.oid}));
  for (size_t row = 0; row < keys.rows(); ++row) {
    if (row == 0 || keys.text(row, 0) != keys.text(row - 1, 0)) target.unique_keys.emplace_back();
    target.unique_keys.back().push_back(keys.text(row, 1));
  }
  return {};
}

}  // namespace

std::string Target::quoted() const { return sql::quote_identifier(schema) + "." + sql::quote_identifier(table); }

std::vector<std::string> Target::column_names() const {
  std::vector<std::string> names;
  for (const TargetColumn& column : columns) names.push_back(column.name);
  return names;
}

Result<Target> look_up(Connection& connection, const std::string& table) {
  Target target;
  target.table = table;
  OSIRIS_ASSIGN(const Answer here, connection.ask("SELECT pg_catalog.current_schema()"));
  if (here.is_null(0, 0))
    return refused("the search_path names no schema that exists", "set 'schema' of the step or its connection");
  target.schema = here.text(0, 0);
  OSIRIS_ASSIGN(
      const Answer found,
      connection.ask("SELECT c.oid, n.nspname, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
                     "ON n.oid = c.relnamespace WHERE c.oid = pg_catalog.to_regclass($1)",
                     {sql::quote_identifier(table)}));
  if (found.rows() == 0) return target;
  target.oid = found.text(0, 0);
  target.schema = found.text(0, 1);
  target.exists = true;
  if (const std::string kind = found.text(0, 2); kind != "r" && kind != "p" && kind != "f")
    return refused(target.shown() + " is no table", "name a table; a view is not written to");
  OSIRIS_TRY(read_columns(connection, target));
  return target;
}

Result<std::string> obstacle_to_swap(Connection& connection, const Target& target) {
  OSIRIS_ASSIGN(const Answer obstacle, connection.ask(kObstacles, {target.oid}));
  return obstacle.rows() == 0 ? std::string() : obstacle.text(0, 0);
}

Result<std::vector<std::string>> kept_by_swap(Connection& connection, const Target& target) {
  OSIRIS_ASSIGN(const Answer kept, connection.ask(kKept, {target.oid}));
  std::vector<std::string> statements;
  for (size_t row = 0; row < kept.rows(); ++row) statements.push_back(kept.text(row, 1));
  return statements;
}

}  // namespace osiris::worker::postgres
