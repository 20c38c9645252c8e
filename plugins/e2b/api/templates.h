// Templates: a sandbox's shape (CPUs, memory) and what is in it before it starts are properties of its template, so
// what the user asks for is built once, named by its content, and found again next time.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plugins/e2b/api/control_plane.h"

namespace osiris::e2b {

// One step of a build (E2B's RUN, COPY, ENV, ...).
struct BuildStep {
  std::string type;
  std::vector<std::string> arguments;
  std::filesystem::path context;  // COPY: the .tar.gz that holds what is copied
  std::string files_hash;         // COPY: 64 hex digits that name its content
};

struct TemplateSpec {
  std::string from_template;  // one of the two
  std::string from_image;
  std::optional<int64_t> cpu_count;
  std::optional<int64_t> memory_mb;
  std::optional<int64_t> min_free_disk_mb;  // once the steps have run
  std::vector<BuildStep> steps;

  // "osiris-<16 hex>": the same spec has the same name on any machine.
  std::string name() const;
  // The same with "-<8 hex>" of the user who builds it: for services where a name belongs to the first team that takes
  // it.
  std::string name_of(std::string_view owner) const;
};

struct BuiltTemplate {
  std::string template_id;
  std::string name;
  bool built_now = false;
  uint64_t bytes_uploaded = 0;
};

struct BuildOptions {
  int64_t timeout_ms = 900'000;
  std::function<bool(http::Milliseconds)> sleep;  // false: cancelled
  // A line of the build's log; false when it is nothing for people to read.
  std::function<bool(const std::string& name, const std::string& line)> log;
  const std::atomic<bool>* cancelled = nullptr;
  // Asked before a build is begun; may be empty. An error: it is not.
  std::function<Status()> may_build;
  bool force = false;  // build even if the name exists: an earlier build may have failed half way
  std::string owner;   // for a name of one's own where the common one is another team's
  http::Milliseconds retry_budget{30'000};
};

// Finds the template by its name, or builds it and waits until it is ready. A name that belongs to another team is left
// for one of the owner's own.
Result<BuiltTemplate> ensure_template(ApiClient& api, const TemplateSpec& spec, const BuildOptions& options);

struct ListedTemplate {
  std::string template_id;
  std::string name;
  int64_t cpu_count = 0, memory_mb = 0;
  std::string created_at;
};
// The account's templates whose name says that osiris built them.
Result<std::vector<ListedTemplate>> list_templates(ApiClient& api);
// Of the account, by id or by name; nullopt: none is called so.
Result<std::optional<ListedTemplate>> find_listed_template(ApiClient& api, const std::string& called);
// Gone already is success.
Status delete_template(ApiClient& api, const std::string& template_id);
// nullopt: no template of that name is visible to this account.
Result<std::optional<std::string>> find_template(ApiClient& api, const std::string& name,
                                                 const std::atomic<bool>* cancelled);

}  // namespace osiris::e2b
