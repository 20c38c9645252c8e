#include "servers/e2b/templates.h"

#include <algorithm>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "servers/e2b/layer.h"

namespace osiris::e2b_server {
namespace {

constexpr const char* kBaseId = "rki5dems9wqfm4r03t7g";
constexpr int64_t kCpuMax = 32;
constexpr int64_t kCpuTierMax = 8;
constexpr int64_t kMemoryMinMb = 128;
constexpr int64_t kMemoryTierMaxMb = 8192;
constexpr int64_t kFreeDiskMaxMb = 2147483647;
constexpr int64_t kBuildsAtOnceMax = 20;

// Lower case, trimmed, without "namespace/" and ":tag".
std::pair<std::string, std::string> name_and_tag(const std::string& reference) {
  std::string text = ascii_lower(trim(reference));
  std::string tag = "default";
  const size_t colon = text.rfind(':');
  if (colon != std::string::npos) {
    tag = text.substr(colon + 1);
    text.resize(colon);
  }
  const size_t slash = text.rfind('/');
  return {slash == std::string::npos ? text : text.substr(slash + 1), tag};
}

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos;
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= 128 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string_view::npos;
}

std::optional<ApiError> check_shape(const Shape& shape) {
  const int64_t cpu = shape.cpu_count;
  if (cpu < 1 || cpu > kCpuMax || (cpu != 1 && cpu % 2 != 0))
    return ApiError{400, "CPU count must be 1 or an even number up to 32", {}};
  if (cpu > kCpuTierMax) return ApiError{400, "CPU count cannot be greater than 8 for your tier", {}};
  if (shape.memory_mb < kMemoryMinMb || shape.memory_mb % 2 != 0)
    return ApiError{400, "Memory must be an even number of MB, at least 128", {}};
  if (shape.memory_mb > kMemoryTierMaxMb)
    return ApiError{400, "Memory cannot be greater than 8192 MB for your tier", {}};
  return std::nullopt;
}

Json strings(const std::vector<std::string>& items) {
  Json out = Json::array();
  for (const std::string& item : items) out.push_back(item);
  return out;
}

std::string not_found(const std::string& reference) { return "template '" + reference + "' not found"; }

}  // namespace

Status TemplateStore::add_base(unsigned id_base) {
  Template base;
  base.id = kBaseId;
  base.names = {"base"};
  base.is_public = true;
  base.created_ns = base.updated_ns = clock_.unix_ns();
  Build build;
  build.id = "00000000-0000-4000-8000-000000000000";
  build.status = "ready";
  build.image = {base.id, "base", build.id, layer_path(build.id), {2, 512, 1024}, {}, {}, "user", {}, Json::object()};
  build.created_ns = build.finished_ns = base.created_ns;
  OSIRIS_TRY(make_directories(directory_));
  OSIRIS_TRY(make_base_layer(build.image.layer, id_base));
  base.tags["default"] = build.id;
  base.builds[build.id] = build;
  std::lock_guard lock(mutex_);
  templates_[base.id] = base;
  return {};
}

const Template* TemplateStore::find_locked(const std::string& reference) const {
  const std::string name = name_and_tag(reference).first;
  const auto by_id = templates_.find(name);
  if (by_id != templates_.end()) return &by_id->second;
  for (const auto& [id, item] : templates_)
    if (std::find(item.names.begin(), item.names.end(), name) != item.names.end()) return &item;
  return nullptr;
}

Template* TemplateStore::find_locked(const std::string& reference) {
  return const_cast<Template*>(std::as_const(*this).find_locked(reference));
}

Build* TemplateStore::find_build_locked(const std::string& template_id, const std::string& build_id) {
  Template* item = find_locked(template_id);
  if (!item) return nullptr;
  const auto found = item->builds.find(build_id);
  return found == item->builds.end() ? nullptr : &found->second;
}

Api<ImageSpec> TemplateStore::resolve(const std::string& reference) const {
  const auto [name, wanted_tag] = name_and_tag(reference);
  if (!is_identifier(name) || !is_tag(wanted_tag)) return ApiError{400, "Invalid template '" + reference + "'", {}};
  std::lock_guard lock(mutex_);
  const Template* item = find_locked(reference);
  if (!item) return ApiError{404, not_found(reference), {}};
  const auto tag = item->tags.find(wanted_tag);
  if (tag == item->tags.end()) return ApiError{404, not_found(reference), {}};
  const Build& build = item->builds.at(tag->second);
  ImageSpec image = build.image;
  image.alias = item->names.empty() ? "" : item->names.front();
  return image;
}

Status TemplateStore::with_layer(const ImageSpec& image,
                                 const std::function<Status(const std::filesystem::path&)>& use) {
  {
    std::lock_guard lock(mutex_);
    ++in_use_[image.build_id];
  }
  const Status status = use(image.layer);
  std::lock_guard lock(mutex_);
  if (--in_use_[image.build_id] == 0) in_use_.erase(image.build_id);
  unused_.notify_all();
  return status;
}

Api<Json> TemplateStore::request_build(const Json& body) {
  const std::string reference = body["name"].as_string_or(body["alias"].as_string());
  const auto [name, tag] = name_and_tag(reference);
  if (!is_identifier(name)) return ApiError{400, "Invalid template name '" + reference + "'", {}};
  Build build;
  build.id = new_uuid();
  build.tags = {tag};
  for (const Json& extra : body["tags"].items()) build.tags.push_back(extra.as_string());
  for (const std::string& each : build.tags)
    if (!is_tag(each)) return ApiError{400, "Invalid tag '" + each + "'", {}};
  const Json& free_disk = body["minFreeDiskMb"];
  if (!free_disk.is_null() && (!free_disk.is_int() || free_disk.as_int(-1) < 0 || free_disk.as_int() > kFreeDiskMaxMb))
    return ApiError{400, "validation error: property \"minFreeDiskMb\" must be an integer from 0 to 2147483647", {}};
  build.image.shape.cpu_count = body["cpuCount"].as_int(2);
  build.image.shape.memory_mb = body["memoryMB"].as_int(1024);
  build.image.shape.disk_mb = std::max(build.image.shape.disk_mb, body["minFreeDiskMb"].as_int());
  build.created_ns = clock_.unix_ns();
  if (auto wrong = check_shape(build.image.shape)) return *wrong;

  std::lock_guard lock(mutex_);
  Template* item = find_locked(name);
  if (item && item->id == kBaseId) return ApiError{403, "Alias '" + name + "' is already taken", {}};
  if (!item) {
    Template fresh;
    fresh.id = new_template_id();
    fresh.names = {name};
    fresh.created_ns = build.created_ns;
    item = &(templates_[fresh.id] = fresh);
  }
  item->updated_ns = build.created_ns;
  build.image.template_id = item->id;
  build.image.build_id = build.id;
  item->builds[build.id] = build;
  return Json::object({{"templateID", item->id},
                       {"buildID", build.id},
                       {"public", item->is_public},
                       {"names", strings(item->names)},
                       {"tags", strings(build.tags)},
                       {"aliases", strings(item->names)}});
}

Api<Build> TemplateStore::begin_build(const std::string& template_id, const std::string& build_id) {
  std::lock_guard lock(mutex_);
  Build* build = find_build_locked(template_id, build_id);
  if (!build) return ApiError{404, "Build '" + build_id + "' of template '" + template_id + "' not found", {}};
  if (build->status != "waiting") return ApiError{400, "build is not in waiting state", {}};
  int64_t building = 0;
  for (const auto& [id, item] : templates_)
    building += std::count_if(item.builds.begin(), item.builds.end(),
                              [](const auto& entry) { return entry.second.status == "building"; });
  if (building >= kBuildsAtOnceMax)
    return ApiError{429, "you have reached the maximum number of concurrent template builds (20)", {}};
  build->status = "building";
  return *build;
}

void TemplateStore::log(const std::string& template_id, const std::string& build_id, std::string_view level,
                        std::string_view message, const std::string& step) {
  std::lock_guard lock(mutex_);
  Build* build = find_build_locked(template_id, build_id);
  if (!build) return;
  Json entry = Json::object(
      {{"timestamp", format_iso8601_micros(clock_.unix_ns(), true)}, {"message", message}, {"level", level}});
  if (!step.empty()) entry.set("step", step);
  build->log_entries.push_back(std::move(entry));
}

Status TemplateStore::finish_build(const std::string& template_id, const std::string& build_id, ImageSpec image,
                                   const std::filesystem::path& layer) {
  std::error_code error;
  std::filesystem::rename(layer, layer_path(build_id), error);
  if (error) return Error(Code::kInternal, "keeping the layer: " + error.message());
  image.layer = layer_path(build_id);
  std::lock_guard lock(mutex_);
  Build* build = find_build_locked(template_id, build_id);
  if (!build) return remove_layer(image.layer);
  image.template_id = build->image.template_id;
  image.build_id = build_id;
  image.shape = build->image.shape;
  build->image = std::move(image);
  build->status = "ready";
  build->finished_ns = clock_.unix_ns();
  Template* item = find_locked(template_id);
  item->updated_ns = build->finished_ns;
  for (const std::string& tag : build->tags) item->tags[tag] = build_id;
  // The first build of a template answers to its bare name too.
  item->tags.emplace("default", build_id);
  return {};
}

void TemplateStore::fail_build(const std::string& template_id, const std::string& build_id, const std::string& message,
                               const std::string& step) {
  log(template_id, build_id, "error", message, step);
  std::lock_guard lock(mutex_);
  Build* build = find_build_locked(template_id, build_id);
  if (!build) return;
  build->status = "error";
  build->finished_ns = clock_.unix_ns();
  build->reason = Json::object({{"message", message}, {"step", step}, {"logEntries", Json::array()}});
}

std::optional<Build> TemplateStore::find_build(const std::string& template_id, const std::string& build_id) const {
  std::lock_guard lock(mutex_);
  const Template* item = find_locked(template_id);
  if (!item || !item->builds.count(build_id)) return std::nullopt;
  return item->builds.at(build_id);
}

Api<Json> TemplateStore::add_snapshot(const std::string& sandbox_id, const std::string& name, ImageSpec image,
                                      const std::filesystem::path& layer) {
  const auto [wanted, tag] = name_and_tag(name);
  if (!name.empty() && !is_identifier(wanted)) return ApiError{400, "Invalid snapshot name '" + name + "'", {}};
  Template item;
  item.id = new_template_id();
  if (!name.empty()) item.names = {wanted};
  item.is_snapshot = true;
  item.snapshot_of = sandbox_id;
  item.created_ns = item.updated_ns = clock_.unix_ns();
  Build build;
  build.id = image.build_id = new_uuid();
  build.status = "ready";
  build.created_ns = build.finished_ns = item.created_ns;
  image.template_id = item.id;
  image.layer = layer_path(build.id);
  std::error_code error;
  std::filesystem::rename(layer, image.layer, error);
  if (error) return ApiError{500, "keeping the snapshot: " + error.message(), {}};
  build.image = std::move(image);
  item.tags["default"] = build.id;
  std::lock_guard lock(mutex_);
  if (!name.empty())
    if (Template* existing = find_locked(wanted); existing && existing->id != kBaseId) {
      existing->builds[build.id] = build;
      existing->tags[tag] = build.id;
      return Json::object({{"snapshotID", existing->id + ":" + tag}, {"names", Json::array({wanted + ":" + tag})}});
    }
  item.builds[build.id] = build;
  templates_[item.id] = item;
  return Json::object({{"snapshotID", item.id + ":default"},
                       {"names", name.empty() ? Json::array() : Json::array({wanted + ":" + tag})}});
}

std::vector<Template> TemplateStore::list() const {
  std::lock_guard lock(mutex_);
  std::vector<Template> out;
  for (const auto& [id, item] : templates_) out.push_back(item);
  return out;
}

std::optional<Template> TemplateStore::find(const std::string& reference) const {
  std::lock_guard lock(mutex_);
  const Template* item = find_locked(reference);
  return item ? std::optional(*item) : std::nullopt;
}

bool TemplateStore::remove(const std::string& reference) {
  std::unique_lock lock(mutex_);
  Template* item = find_locked(reference);
  if (!item || item->id == kBaseId) return false;
  std::vector<std::string> builds;
  for (const auto& [id, build] : item->builds) builds.push_back(id);
  templates_.erase(item->id);
  for (const std::string& id : builds) {
    unused_.wait(lock, [&] { return in_use_.count(id) == 0; });
    // A leftover is seen by the tests that look for them.
    [[maybe_unused]] const Status removed = remove_layer(layer_path(id));
  }
  return true;
}

bool TemplateStore::set_public(const std::string& reference, bool is_public) {
  std::lock_guard lock(mutex_);
  Template* item = find_locked(reference);
  if (item) item->is_public = is_public;
  return item != nullptr;
}

Api<Json> TemplateStore::add_tags(const std::string& target, const std::vector<std::string>& tags) {
  std::lock_guard lock(mutex_);
  Template* item = find_locked(target);
  const auto source = item ? item->tags.find(name_and_tag(target).second) : decltype(item->tags.end()){};
  if (!item || source == item->tags.end()) return ApiError{404, not_found(target), {}};
  const std::string build_id = source->second;
  for (const std::string& tag : tags)
    if (!is_tag(tag)) return ApiError{400, "Invalid tag '" + tag + "'", {}};
  for (const std::string& tag : tags) item->tags[tag] = build_id;
  return Json::object({{"tags", strings(tags)}, {"buildID", build_id}});
}

bool TemplateStore::remove_tags(const std::string& name, const std::vector<std::string>& tags) {
  std::lock_guard lock(mutex_);
  Template* item = find_locked(name);
  if (!item) return false;
  for (const std::string& tag : tags) item->tags.erase(tag);
  return true;
}

void TemplateStore::count_spawn(const std::string& template_id) {
  std::lock_guard lock(mutex_);
  if (Template* item = find_locked(template_id)) ++item->spawn_count;
}

Json template_json(const Template& item) {
  const Build* newest = nullptr;
  for (const auto& [id, build] : item.builds)
    if (!newest || build.created_ns > newest->created_ns) newest = &build;
  const Shape shape = newest ? newest->image.shape : Shape{};
  return Json::object({{"templateID", item.id},
                       {"buildID", newest ? newest->id : ""},
                       {"cpuCount", shape.cpu_count},
                       {"memoryMB", shape.memory_mb},
                       {"diskSizeMB", shape.disk_mb},
                       {"public", item.is_public},
                       {"aliases", strings(item.names)},
                       {"names", strings(item.names)},
                       {"createdAt", format_iso8601_micros(item.created_ns, true)},
                       {"updatedAt", format_iso8601_micros(item.updated_ns, true)},
                       {"createdBy", nullptr},
                       {"lastSpawnedAt", nullptr},
                       {"spawnCount", item.spawn_count},
                       {"buildCount", static_cast<int64_t>(item.builds.size())},
                       {"envdVersion", "0.6.13"},
                       {"buildStatus", newest ? newest->status : "waiting"}});
}

}  // namespace osiris::e2b_server
