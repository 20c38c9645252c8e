#include "host/project/project.h"

#include <algorithm>
#include <charconv>

#include "host/project/section.h"
#include "host/yaml/node.h"
#include "protocol/base/categories.h"
#include "protocol/base/quantity.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr const char* kType = kConfigFinding;

void check_run_id_format(const std::vector<std::string>& format, Mark mark, Diagnostics& diagnostics) {
  static const std::vector<std::string> kKnown = {"incremental", "iso_ulid", "snowflake", "ulid", "uuidv4"};
  for (const std::string& token : format) {
    if (std::find(kKnown.begin(), kKnown.end(), token) == kKnown.end())
      diagnostics.error(kType, "Unsupported run_id_format token '" + token + "'. Supported: " + join(kKnown, ", "),
                        "ids.run_id_format", mark);
  }
  if (format.empty())
    diagnostics.error(kType, "ids.run_id_format must name at least one format", "ids.run_id_format", mark);
}

constexpr int kRetentionMost = 1'000'000;

struct RetentionField {
  const char* key;
  const char* variable;
  int* value;
};

std::vector<RetentionField> retention_fields(Retention& retention) {
  return {{"run_logs_days", "OSIRIS_RETENTION_RUN_LOGS_DAYS", &retention.run_logs_days},
          {"aiop_keep_runs_per_pipeline", "OSIRIS_RETENTION_AIOP_KEEP_RUNS_PER_PIPELINE",
           &retention.aiop_keep_runs_per_pipeline},
          {"annex_keep_days", "OSIRIS_RETENTION_ANNEX_KEEP_DAYS", &retention.annex_keep_days}};
}

void read_filesystem(Section filesystem, ProjectConfig& config, Diagnostics& diagnostics) {
  filesystem.read("base_path", config.base_path);
  Section profiles = filesystem.section("profiles");
  profiles.read("enabled", config.profiles_enabled);
  profiles.read("values", config.profile_values);
  profiles.read("default", config.profile_default);
  const auto& values = config.profile_values;
  if (config.profiles_enabled && std::find(values.begin(), values.end(), config.profile_default) == values.end()) {
    const YamlNode* written = profiles.take("default");
    diagnostics.error(
        kType,
        "profiles.default '" + config.profile_default + "' must be one of profiles.values: " + join(values, ", "),
        "filesystem.profiles.default", written ? written->mark : Mark{});
  }
  profiles.warn_unknown();
  for (auto [key, field] : {std::pair{"pipelines_dir", &config.pipelines_dir},
                            {"build_dir", &config.build_dir},
                            {"aiop_dir", &config.aiop_dir},
                            {"run_logs_dir", &config.run_logs_dir},
                            {"sessions_dir", &config.sessions_dir},
                            {"cache_dir", &config.cache_dir},
                            {"index_dir", &config.index_dir}})
    filesystem.read(key, *field);
  filesystem.take("mcp_logs_dir");

  Section naming = filesystem.section("naming");
  naming.read("manifest_dir", config.manifest_dir);
  naming.read("run_dir", config.run_dir);
  naming.read("aiop_run_dir", config.aiop_run_dir);
  naming.read("run_ts_format", config.run_ts_format);
  naming.read("manifest_short_len", config.manifest_short_len, 3, 16);
  naming.warn_unknown();

  Section artifacts = filesystem.section("artifacts");
  artifacts.read("plan", config.write_plan);
  artifacts.read("fingerprints", config.write_fingerprints);
  artifacts.read("run_summary", config.write_run_summary);
  for (const char* always_written : {"manifest", "cfg", "save_events_tail"}) artifacts.take(always_written);
  artifacts.warn_unknown();

  Section retention = filesystem.section("retention");
  for (const RetentionField& field : retention_fields(config.retention))
    retention.read(field.key, *field.value, 0, kRetentionMost);
  retention.read("max_bytes", config.retention.max_bytes);
  retention.warn_unknown();

  filesystem.warn_ignored("outputs");
  filesystem.warn_unknown();
}

void read_cache(Section cache, ProjectConfig& config) {
  std::optional<uint64_t> bytes;
  cache.read("max_bytes", bytes);
  config.cache_bytes_max = bytes.value_or(config.cache_bytes_max);
  cache.warn_unknown();
}

// Which options an adapter has is its own business (host/adapters/options.cc); that they stand in mappings is not.
void read_adapters(Section& root, ProjectConfig& config, Diagnostics& diagnostics) {
  const YamlNode* adapters = root.take("adapters");
  if (!adapters) return;
  const auto must_be_mapping = [&](const YamlNode& node, const std::string& location) {
    if (!node.is_mapping() && !node.is_null())
      diagnostics.error(kType, location + " must be a mapping, got " + std::string(node.python_type()), location,
                        node.mark);
  };
  must_be_mapping(*adapters, "adapters");
  for (const auto& member : adapters->members) {
    must_be_mapping(member.value, "adapters." + member.key);
    config.adapter_marks[member.key] = member.key_mark;
    for (const auto& option : member.value.members)
      config.adapter_marks[member.key + "." + option.key] = option.key_mark;
  }
  config.adapters = adapters->to_json();
}

void apply_environment(const Environment& environment, ProjectConfig& config, Diagnostics& diagnostics) {
  if (const auto profile = environment.get_filled("OSIRIS_PROFILE")) config.profile_default = *profile;
  if (const auto base = environment.get_filled("OSIRIS_FILESYSTEM_BASE")) config.base_path = *base;
  if (const auto format = environment.get_filled("OSIRIS_RUN_ID_FORMAT")) {
    config.run_id_format.clear();
    for (const std::string& token : split(*format, ','))
      if (!trim(token).empty()) config.run_id_format.emplace_back(trim(token));
    check_run_id_format(config.run_id_format, {}, diagnostics);
  }
  if (const auto text = environment.get_filled("OSIRIS_RETENTION_MAX_BYTES")) {
    const auto bytes = parse_byte_count(*text);
    if (bytes.ok())
      config.retention.max_bytes = static_cast<uint64_t>(*bytes);
    else
      diagnostics.error(kType,
                        "OSIRIS_RETENTION_MAX_BYTES must be a size, as 2GiB or a number of bytes, got '" + *text + "'",
                        "filesystem.retention.max_bytes", {});
  }
  for (const RetentionField& field : retention_fields(config.retention)) {
    const auto text = environment.get_filled(field.variable);
    if (!text) continue;
    int number = -1;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (failed == std::errc() && end == text->data() + text->size() && number >= 0 && number <= kRetentionMost)
      *field.value = number;
    else
      diagnostics.error(kType,
                        std::string(field.variable) + " must be a whole number from 0 to " +
                            std::to_string(kRetentionMost) + ", got '" + *text + "'",
                        "filesystem.retention." + std::string(field.key), {});
  }
}

}  // namespace

Project Project::load(const ProjectPlace& place, const Environment& environment, Diagnostics& diagnostics) {
  Project project;
  project.directory_ = fs::absolute(place.directory).lexically_normal();
  project.is_project_ = place.is_project;
  const fs::path file = project.directory_ / "osiris.yaml";
  std::error_code ignored;
  project.has_file_ = fs::exists(file, ignored);
  Diagnostics findings(file.string());
  if (project.has_file_) {
    const YamlNode document = parse_yaml_file(file.string(), findings);
    Section root(&document, "", findings);
    std::string version;  // there is one; what is written is only checked for its type
    root.read("version", version);
    read_filesystem(root.section("filesystem"), project.config_, findings);
    Section ids = root.section("ids");
    ids.read("run_id_format", project.config_.run_id_format);
    const YamlNode* format = ids.take("run_id_format");
    ids.take("manifest_hash_algo");
    ids.warn_unknown();
    check_run_id_format(project.config_.run_id_format, format ? format->mark : Mark{}, findings);
    root.read("report", project.config_.write_report);
    read_cache(root.section("cache"), project.config_);
    project.config_.telemetry = read_telemetry(root, findings);
    project.config_.hooks = read_hooks(document, findings, kConfigFinding);
    for (const char* read : {"on_success", "on_failure"}) root.take(read);
    read_adapters(root, project.config_, findings);
    root.warn_ignored("logging");
    for (const char* other : {"discovery", "llm", "pipeline", "validate", "validation", "aiop"}) root.take(other);
    root.warn_unknown();
  }
  apply_environment(environment, project.config_, findings);
  diagnostics.append(findings);
  const fs::path base = project.config_.base_path;
  project.base_ = (base.empty()         ? fs::absolute(place.base)
                   : base.is_absolute() ? base
                                        : project.directory_ / base)
                      .lexically_normal();
  return project;
}

Mark Project::adapter_mark(const std::string& adapter, const std::string& key) const {
  for (const std::string& name : {adapter + "." + key, adapter})
    if (const auto found = config_.adapter_marks.find(name); found != config_.adapter_marks.end()) return found->second;
  return {};
}

std::string Project::profile_or_default(std::string_view requested) const {
  if (!requested.empty()) return std::string(requested);
  return config_.profiles_enabled ? config_.profile_default : std::string();
}

fs::path Project::build_root(std::string_view profile) const {
  const fs::path root = base_ / config_.build_dir / "pipelines";
  const std::string slug = slugify(profile);
  return slug.empty() ? root : root / slug;
}

fs::path Project::manifest_dir(const NameTokens& tokens) const {
  return build_root(tokens.profile) / render_name(config_.manifest_dir, tokens);
}

fs::path Project::run_logs_root() const { return base_ / config_.run_logs_dir; }

fs::path Project::run_dir(const NameTokens& tokens) const {
  const std::string slug = slugify(tokens.profile);
  const fs::path root = slug.empty() ? run_logs_root() : run_logs_root() / slug;
  return root / render_name(config_.run_dir, tokens);
}

fs::path Project::aiop_root() const { return base_ / config_.aiop_dir; }

fs::path Project::aiop_dir(const NameTokens& tokens) const {
  const std::string slug = slugify(tokens.profile);
  fs::path root = aiop_root();
  if (!slug.empty()) root /= slug;
  return root / slugify(tokens.pipeline_slug) / (tokens.manifest_short + "-" + tokens.manifest_hash) /
         render_name(config_.aiop_run_dir, tokens);
}

fs::path Project::index_dir() const { return base_ / config_.index_dir; }
fs::path Project::sessions_dir() const { return base_ / config_.sessions_dir; }
fs::path Project::cache_dir() const { return base_ / config_.cache_dir; }
fs::path Project::state_dir(std::string_view profile) const { return base_ / ".osiris/state" / slugify(profile); }

Error of_own_files(Error error) {
  if (error.category != category::kWritePermissionDenied || error.code != Code::kInvalidArgument) return error;
  error.code = Code::kUnavailable;
  error.hint =
      "osiris keeps its builds, sessions and indexes there: let this user write there, or set filesystem.base_path in "
      "osiris.yaml.";
  return error;
}

}  // namespace osiris
