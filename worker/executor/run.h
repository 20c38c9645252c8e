// What all steps of one run share. Made by prepare, constant afterwards.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/json.h"
#include "protocol/base/redact.h"
#include "protocol/base/wipe.h"
#include "protocol/model/plan.h"
#include "worker/database/database.h"
#include "worker/driver_api/driver.h"
#include "worker/executor/path_map.h"
#include "worker/log.h"
#include "worker/records/record_sink.h"

namespace osiris::worker {

// Its secrets are wiped with it.
struct Run {
  std::string run_id, pipeline_id;
  std::string worker_version;
  std::filesystem::path session_dir;
  PathMap paths;
  Json connections = Json::object();  // reference -> PlanConnection
  Json secrets = Json::object();      // {"connection/mysql.shop/password": value}
  Json env = Json::object();
  Json settings = Json::object();
  bool allow_mock = false;
  unsigned threads = 1;   // steps that compute at the same time, at most; at least 1
  unsigned parallel = 1;  // steps that wait (Driver::waits) at the same time, at most; at least 1
  std::shared_ptr<Database> database;
  std::shared_ptr<const Redactor> redactor;
  std::function<const Driver*(std::string_view name)> find_driver;
  // JSON pointers into a step's config, `resolved_connection` included, that hold secrets; separated by blanks.
  std::function<std::string_view(std::string_view component)> secret_pointers;

  Run() = default;
  Run(Run&&) = default;
  Run& operator=(Run&&) = default;
  ~Run() {
    wipe(secrets);
    wipe(env);
  }

  std::filesystem::path worker_dir() const { return session_dir / ".worker"; }
  std::filesystem::path artifacts_dir(std::string_view step_id) const { return session_dir / "artifacts" / step_id; }
};

}  // namespace osiris::worker
