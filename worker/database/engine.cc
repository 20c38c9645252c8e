// Opening and guarding: the file system that asks who is calling, and the check of every plan. See engine.h.
#include "worker/database/engine.h"

#include <duckdb.hpp>
#include <duckdb/catalog/catalog.hpp>
#include <duckdb/catalog/catalog_entry/schema_catalog_entry.hpp>
#include <duckdb/catalog/catalog_entry/table_catalog_entry.hpp>
#include <duckdb/common/file_opener.hpp>
#include <duckdb/common/multi_file/multi_file_list.hpp>
#include <duckdb/common/virtual_file_system.hpp>
#include <duckdb/main/capi/capi_internal.hpp>
#include <duckdb/main/client_config.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/client_context_state.hpp>
#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/parser/parsed_data/drop_info.hpp>
#include <duckdb/planner/operator/logical_copy_to_file.hpp>
#include <duckdb/planner/operator/logical_create_index.hpp>
#include <duckdb/planner/operator/logical_create_table.hpp>
#include <duckdb/planner/operator/logical_delete.hpp>
#include <duckdb/planner/operator/logical_get.hpp>
#include <duckdb/planner/operator/logical_insert.hpp>
#include <duckdb/planner/operator/logical_merge_into.hpp>
#include <duckdb/planner/operator/logical_update.hpp>
#include <duckdb/storage/buffer_manager.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <thread>

#include "worker/database/access.h"
#include "worker/database/small_plan.h"
#include "worker/driver_api/batch_writer.h"

namespace osiris::worker {

std::shared_ptr<AccessState> AccessState::of(duckdb::ClientContext& context) {
  auto state = context.registered_state->Get<Holder>("osiris_access");
  return state ? state->state : nullptr;
}

void AccessState::give(duckdb::ClientContext& context, Access access) {
  auto state = std::make_shared<AccessState>();
  state->access = std::move(access);
  context.registered_state->Remove("osiris_access");
  context.registered_state->Insert("osiris_access", duckdb::make_shared_ptr<Holder>(std::move(state)));
}

bool AccessState::may_read(const std::string& database) const {
  if (database == "temp" || database == "system" || database == access.scratch_database) return true;
  return std::find(access.readable_databases.begin(), access.readable_databases.end(), database) !=
         access.readable_databases.end();
}

bool AccessState::may_write(const std::string& database) const {
  return database == "temp" || (!database.empty() && database == access.scratch_database) ||
         (!database.empty() && database == access.output_database);
}

namespace {

using duckdb::FileHandle;
using duckdb::FileOpener;
using duckdb::FileOpenFlags;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::OpenFileInfo;
using duckdb::optional_ptr;

bool has(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

class GuardFileSystem : public duckdb::VirtualFileSystem {
 public:
  // Before a statement runs: nothing spills before.
  void allow_spilling(std::string spill_dir) { spill_dir_ = std::move(spill_dir); }

  std::string GetName() const override { return "GuardFileSystem"; }

  bool DirectoryExists(const std::string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return VirtualFileSystem::DirectoryExists(path, opener);
  }
  void CreateDirectory(const std::string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    VirtualFileSystem::CreateDirectory(path, opener);
  }
  void CreateDirectoriesRecursive(const std::string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    VirtualFileSystem::CreateDirectoriesRecursive(path, opener);
  }
  void RemoveDirectory(const std::string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    VirtualFileSystem::RemoveDirectory(path, opener);
  }
  void MoveFile(const std::string& from, const std::string& to, optional_ptr<FileOpener> opener) override {
    check(from, opener);
    check(to, opener);
    VirtualFileSystem::MoveFile(from, to, opener);
  }
  bool FileExists(const std::string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return VirtualFileSystem::FileExists(path, opener);
  }
  bool IsPipe(const std::string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return VirtualFileSystem::IsPipe(path, opener);
  }
  void RemoveFile(const std::string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    VirtualFileSystem::RemoveFile(path, opener);
  }
  bool TryRemoveFile(const std::string& path, optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return VirtualFileSystem::TryRemoveFile(path, opener);
  }
  void RemoveFiles(const duckdb::vector<std::string>& paths, optional_ptr<FileOpener> opener) override {
    for (const std::string& path : paths) check(path, opener);
    VirtualFileSystem::RemoveFiles(paths, opener);
  }
  // Follows links, so it tells what exists. Asked without a connection it is the engine that names its own directory.
  std::string CanonicalizePath(const std::string& path, optional_ptr<FileOpener> opener) override {
    if (FileOpener::TryGetClientContext(opener)) check(path, opener);
    return VirtualFileSystem::CanonicalizePath(path, opener);
  }

 protected:
  duckdb::unique_ptr<FileHandle> OpenFileExtended(const OpenFileInfo& file, FileOpenFlags flags,
                                                  optional_ptr<FileOpener> opener) override {
    check(file.path, opener);
    return VirtualFileSystem::OpenFileExtended(file, flags, opener);
  }
  bool ListFilesExtended(const std::string& path, const std::function<void(OpenFileInfo& info)>& callback,
                         optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return VirtualFileSystem::ListFilesExtended(path, callback, opener);
  }
  duckdb::unique_ptr<duckdb::MultiFileList> GlobFilesExtended(const std::string& path,
                                                              const duckdb::FileGlobInput& input,
                                                              optional_ptr<FileOpener> opener) override {
    check(path, opener);
    return VirtualFileSystem::GlobFilesExtended(path, input, opener);
  }

 private:
  void check(const std::string& path, optional_ptr<FileOpener> opener) const {
    auto context = FileOpener::TryGetClientContext(opener);
    if (!context) {
      // The engine itself: spilling, and a probe of cgroup files for the number of cores.
      const bool is_spill = !spill_dir_.empty() && (path == spill_dir_ || path.starts_with(spill_dir_ + "/"));
      if (path.find("..") == std::string::npos &&
          (is_spill || path.starts_with("/proc/") || path.starts_with("/sys/fs/cgroup/")))
        return;
    } else if (const auto state = AccessState::of(*context)) {
      if (state->access.trusted) return;
      const Access& access = state->access;
      if (has(access.stream_files, path) || has(access.written_files, path)) return;
      if (!access.streams.empty() && path == kNoFile) return;
    }
    throw duckdb::PermissionException("a step's SQL cannot reach files (\"%s\")", path);
  }

  std::string spill_dir_;  // empty: none yet
};

// Table functions a confined statement may scan: those that compute from their arguments. Everything that looks at
// files, memory addresses, settings, logs or the catalog is out.
constexpr std::array<std::string_view, 13> kAllowedTableFunctions = {
    "seq_scan",           "range",          "generate_series", "unnest",  "repeat",
    "repeat_row",         "json_each",      "json_tree",       "summary", "pg_timezone_names",
    "icu_calendar_names", "test_all_types", "duckdb_keywords"};

void check_read(const AccessState& state, const duckdb::TableCatalogEntry& table) {
  const std::string& database = table.ParentCatalog().GetName();
  if (!state.may_read(database))
    throw duckdb::PermissionException("a step's SQL reads its inputs only, not table \"%s\"", table.name);
}

void check_write(const AccessState& state, const std::string& database) {
  if (!state.may_write(database))
    throw duckdb::PermissionException("a step's SQL can only change tables that it made itself");
}

[[noreturn]] void throw_refused(const LogicalOperator& op) {
  throw duckdb::PermissionException("a step's SQL cannot do this (%s)", duckdb::LogicalOperatorToString(op.type));
}

void check_operator(const AccessState& state, LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_GET: {
      auto& get = op.Cast<duckdb::LogicalGet>();
      if (const auto table = get.GetTable()) check_read(state, *table);
      if (has(state.access.streams, get.function.name)) break;
      const auto& allowed = kAllowedTableFunctions;
      if (std::find(allowed.begin(), allowed.end(), get.function.name) == allowed.end())
        throw duckdb::PermissionException("a step's SQL cannot use %s()", get.function.name);
      break;
    }
    case LogicalOperatorType::LOGICAL_INSERT:
      check_write(state, op.Cast<duckdb::LogicalInsert>().table.ParentCatalog().GetName());
      break;
    case LogicalOperatorType::LOGICAL_UPDATE:
      check_write(state, op.Cast<duckdb::LogicalUpdate>().table.ParentCatalog().GetName());
      break;
    case LogicalOperatorType::LOGICAL_DELETE:
      check_write(state, op.Cast<duckdb::LogicalDelete>().table.ParentCatalog().GetName());
      break;
    case LogicalOperatorType::LOGICAL_MERGE_INTO:
      check_write(state, op.Cast<duckdb::LogicalMergeInto>().table.ParentCatalog().GetName());
      break;
    case LogicalOperatorType::LOGICAL_CREATE_TABLE:
      check_write(state, op.Cast<duckdb::LogicalCreateTable>().schema.ParentCatalog().GetName());
      break;
    case LogicalOperatorType::LOGICAL_CREATE_INDEX:
      check_write(state, op.Cast<duckdb::LogicalCreateIndex>().table.ParentCatalog().GetName());
      break;
    case LogicalOperatorType::LOGICAL_COPY_TO_FILE: {
      const std::string& file = op.Cast<duckdb::LogicalCopyToFile>().file_path;
      if ((!state.access.streams.empty() && file == kNoFile) || has(state.access.written_files, file)) break;
      throw_refused(op);
    }
    case LogicalOperatorType::LOGICAL_LIMIT:
      // It would not read all of a stream, whose rows are counted.
      if (!state.access.streams.empty()) throw_refused(op);
      break;
    case LogicalOperatorType::LOGICAL_COPY_DATABASE:
    case LogicalOperatorType::LOGICAL_EXPORT:
    case LogicalOperatorType::LOGICAL_ATTACH:
    case LogicalOperatorType::LOGICAL_DETACH:
    case LogicalOperatorType::LOGICAL_LOAD:
    case LogicalOperatorType::LOGICAL_SET:
    case LogicalOperatorType::LOGICAL_RESET:
    case LogicalOperatorType::LOGICAL_PRAGMA:
    case LogicalOperatorType::LOGICAL_VACUUM:
    case LogicalOperatorType::LOGICAL_TRANSACTION:
    case LogicalOperatorType::LOGICAL_CREATE_SECRET:
    case LogicalOperatorType::LOGICAL_UPDATE_EXTENSIONS:
    case LogicalOperatorType::LOGICAL_EXTENSION_OPERATOR:
      throw_refused(op);
    default:
      break;
  }
  for (auto& child : op.children) check_operator(state, *child);
}

// An operator that holds many rows spills where they do not fit, and scanning beside it needs memory that the engine
// does not count: a stream that may not fit is stored first.
void check_holds_few_rows(const LogicalOperator& op) {
  switch (op.type) {
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
    case LogicalOperatorType::LOGICAL_WINDOW:
    case LogicalOperatorType::LOGICAL_ORDER_BY:
    case LogicalOperatorType::LOGICAL_DISTINCT:
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT:
      throw_refused(op);
    default:
      break;
  }
  for (const auto& child : op.children) check_holds_few_rows(*child);
}

struct GuardInfo : duckdb::OptimizerExtensionInfo {
  explicit GuardInfo(uint64_t count) : threads(static_cast<unsigned>(count)) {}
  EngineThreads threads;
};

// Called by the engine with the plan of every statement, on any connection, before it is optimised.
void check_plan(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<LogicalOperator>& plan) {
  const auto state = AccessState::of(input.context);
  if (!state) throw duckdb::PermissionException("a step's SQL cannot run other SQL");
  if (!state->access.trusted) check_operator(*state, *plan);
  if (state->access.stream_bytes > duckdb::BufferManager::GetBufferManager(input.context).GetMaxMemory() / 2)
    check_holds_few_rows(*plan);
  if (!is_small(*plan, input.context)) static_cast<GuardInfo&>(*input.info).threads.start(input.context);
}

// Table functions that act while they are bound, before there is a plan to check: they are taken out of the catalog.
// enable_logging() writes where it is told, arrow_scan() follows an address, json_execute_serialized_sql() opens a
// connection of its own.
constexpr std::array<const char*, 9> kRemovedTableFunctions = {
    "enable_logging", "disable_logging",  "truncate_duckdb_logs",
    "arrow_scan",     "arrow_scan_dumb",  "json_execute_serialized_sql",
    "checkpoint",     "force_checkpoint", "which_secret"};

// Tells any setting by its name: directories of the machine, limits, whatever a later version adds.
constexpr std::array<const char*, 1> kRemovedScalarFunctions = {"current_setting"};

void remove_functions(duckdb::DuckDB& database) {
  duckdb::Connection connection(database);
  connection.BeginTransaction();
  auto& system = duckdb::Catalog::GetSystemCatalog(*connection.context);
  const auto remove = [&](const char* name, duckdb::CatalogType type) {
    duckdb::DropInfo drop;
    drop.type = type;
    drop.schema = DEFAULT_SCHEMA;
    drop.name = name;
    drop.if_not_found = duckdb::OnEntryNotFound::THROW_EXCEPTION;
    drop.allow_drop_internal = true;
    system.DropEntry(*connection.context, drop);
  };
  for (const char* name : kRemovedTableFunctions) remove(name, duckdb::CatalogType::TABLE_FUNCTION_ENTRY);
  for (const char* name : kRemovedScalarFunctions) remove(name, duckdb::CatalogType::SCALAR_FUNCTION_ENTRY);
  connection.Commit();
}

Error open_error(const std::exception& failure) {
  return Error(Code::kInternal, "cannot open the run's database: " + duckdb::ErrorData(failure).Message());
}

}  // namespace

Result<duckdb_database> open_engine() {
  try {
    duckdb::DBConfig config;
    config.file_system = duckdb::make_uniq<GuardFileSystem>();
    config.options.maximum_threads = 1;         // the others: small_plan.h
    config.options.maximum_memory = 256 << 20;  // or the engine would look for one in /proc and /sys
    // Never: a checkpoint of an in-memory database writes nothing down, it compresses the rows just loaded. That takes
    // as long as loading them, and queries over compressed strings take four times as long (docs/decisions/0004).
    config.options.checkpoint_wal_size = std::numeric_limits<duckdb::idx_t>::max();
    config.SetOptionByName("autoinstall_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("autoload_known_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("allow_community_extensions", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("allow_persistent_secrets", duckdb::Value::BOOLEAN(false));
    config.SetOptionByName("duckdb_api", duckdb::Value("osiris-worker"));
    auto wrapper = std::make_unique<duckdb::DatabaseWrapper>();
    wrapper->database = duckdb::make_shared_ptr<duckdb::DuckDB>(":memory:", &config);
    remove_functions(*wrapper->database);
    return reinterpret_cast<duckdb_database>(wrapper.release());
  } catch (const std::exception& failure) {
    return open_error(failure);
  }
}

Status settle_engine(duckdb_database database, const EngineOptions& options) {
  try {
    auto& instance = *reinterpret_cast<duckdb::DatabaseWrapper*>(database)->database->instance;
    auto& config = duckdb::DBConfig::GetConfig(instance);
    static_cast<GuardFileSystem&>(*config.file_system).allow_spilling(options.spill_dir.string());
    config.options.temporary_directory = options.spill_dir.string();
    config.SetOptionByName("extension_directory", duckdb::Value((options.spill_dir / "extensions").string()));
    if (options.memory_limit_bytes)
      config.options.maximum_memory = options.memory_limit_bytes;
    else
      config.SetDefaultMaxMemory();
    auto& buffers = duckdb::BufferManager::GetBufferManager(instance);
    buffers.SetTemporaryDirectory(config.options.temporary_directory);
    buffers.SetMemoryLimit(config.options.maximum_memory);
    config.options.maximum_threads = options.threads ? options.threads : std::thread::hardware_concurrency();
    duckdb::OptimizerExtension guard;
    guard.pre_optimize_function = check_plan;
    guard.optimizer_info = duckdb::make_shared_ptr<GuardInfo>(config.options.maximum_threads);
    duckdb::OptimizerExtension::Register(config, std::move(guard));
    return {};
  } catch (const std::exception& failure) {
    return open_error(failure);
  }
}

std::string removed_function_in(std::string_view text) {
  const auto names = [&](const char* name) {
    return text.find("name " + std::string(name) + " ") != std::string_view::npos ||
           text.find("name \"" + std::string(name) + "\" ") != std::string_view::npos;
  };
  for (const char* name : kRemovedTableFunctions)
    if (names(name)) return name;
  for (const char* name : kRemovedScalarFunctions)
    if (names(name)) return name;
  return {};
}

uint64_t engine_spill_bytes(duckdb_database database) {
  if (!database) return 0;
  try {
    auto& instance = *reinterpret_cast<duckdb::DatabaseWrapper*>(database)->database->instance;
    return duckdb::BufferManager::GetBufferManager(instance).GetUsedSwap();
  } catch (const std::exception&) {
    return 0;
  }
}

void set_access(duckdb_connection connection, Access access) {
  AccessState::give(*reinterpret_cast<duckdb::Connection*>(connection)->context, std::move(access));
}

void measure_progress(duckdb_connection connection) {
  auto& config = duckdb::ClientConfig::GetConfig(*reinterpret_cast<duckdb::Connection*>(connection)->context);
  config.print_progress_bar = false;
  config.enable_progress_bar = true;
}

}  // namespace osiris::worker
