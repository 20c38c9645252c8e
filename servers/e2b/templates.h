// Templates by id, alias and tag, each tag pointing at a build; a finished build owns a layer on disk.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "servers/e2b/api.h"
#include "servers/e2b/server_clock.h"

namespace osiris::e2b_server {

struct Shape {
  int64_t cpu_count = 2;
  int64_t memory_mb = 1024;
  int64_t disk_mb = 1024;
};

// What a sandbox needs to know of the build it starts from.
struct ImageSpec {
  std::string template_id;
  std::string alias;  // empty: none
  std::string build_id;
  std::filesystem::path layer;
  Shape shape;
  std::string start_cmd;
  std::string ready_cmd;
  std::string user = "user";
  std::string workdir;        // empty: the user's home
  Json env = Json::object();  // of RUN steps and the start command only
};

struct Build {
  std::string id;
  std::string status = "waiting";  // waiting, building, ready, error
  std::vector<std::string> tags;   // that will point here once it is ready
  ImageSpec image;
  Json log_entries = Json::array();
  Json reason;  // of an error
  int64_t created_ns = 0;
  int64_t finished_ns = 0;
};

struct Template {
  std::string id;
  std::vector<std::string> names;  // aliases
  bool is_public = false;
  bool is_snapshot = false;
  std::string snapshot_of;                  // sandbox id
  std::map<std::string, std::string> tags;  // tag -> build id
  std::map<std::string, Build> builds;
  int64_t created_ns = 0;
  int64_t updated_ns = 0;
  int64_t spawn_count = 0;
};

// [any thread]
class TemplateStore {
 public:
  TemplateStore(std::filesystem::path directory, const ServerClock& clock)
      : directory_(std::move(directory)), clock_(clock) {}

  // The public `base` template.
  Status add_base(unsigned id_base);

  // "id", "alias", "namespace/alias", each with ":tag". 404 otherwise.
  Api<ImageSpec> resolve(const std::string& reference) const;
  // The layer of a resolved image cannot vanish while `use` runs.
  Status with_layer(const ImageSpec& image, const std::function<Status(const std::filesystem::path&)>& use);

  // POST /v3/templates: a new build, of a new template or of the one that has the name.
  Api<Json> request_build(const Json& body);
  // Waiting -> building; 400 in any other state.
  Api<Build> begin_build(const std::string& template_id, const std::string& build_id);
  void log(const std::string& template_id, const std::string& build_id, std::string_view level,
           std::string_view message, const std::string& step);
  // `layer` is taken over. Tags now point here.
  Status finish_build(const std::string& template_id, const std::string& build_id, ImageSpec image,
                      const std::filesystem::path& layer);
  void fail_build(const std::string& template_id, const std::string& build_id, const std::string& message,
                  const std::string& step);
  // nullopt: unknown.
  std::optional<Build> find_build(const std::string& template_id, const std::string& build_id) const;

  // A snapshot is a template with one finished build.
  Api<Json> add_snapshot(const std::string& sandbox_id, const std::string& name, ImageSpec image,
                         const std::filesystem::path& layer);

  std::vector<Template> list() const;
  std::optional<Template> find(const std::string& reference) const;
  // False: unknown.
  bool remove(const std::string& reference);
  bool set_public(const std::string& reference, bool is_public);
  Api<Json> add_tags(const std::string& target, const std::vector<std::string>& tags);
  bool remove_tags(const std::string& name, const std::vector<std::string>& tags);
  void count_spawn(const std::string& template_id);

  std::filesystem::path layer_path(const std::string& build_id) const { return directory_ / build_id; }

 private:
  Template* find_locked(const std::string& reference);
  const Template* find_locked(const std::string& reference) const;
  Build* find_build_locked(const std::string& template_id, const std::string& build_id);

  const std::filesystem::path directory_;
  const ServerClock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable unused_;
  std::map<std::string, int> in_use_;  // build id -> copies under way
  std::map<std::string, Template> templates_;
};

// JSON as the REST API shows a template (GET /templates).
Json template_json(const Template& item);

}  // namespace osiris::e2b_server
