// A session of a test's own, for tests that run steps in real workers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/worker/worker_process.h"

namespace osiris::worker::test {

class WorkerTest : public ::testing::Test {
 protected:
  // Prepares a run of these steps and asks for all of them.
  void run(WorkerProcess& worker, Json::Array steps, Json params = {}) {
    std::vector<std::string> ids;
    for (const Json& step : steps) ids.push_back(step["id"].as_string());
    if (params.is_null()) params = session_.prepare_params(std::move(steps));
    worker.request("prepare", "prepare", std::move(params));
    for (const std::string& id : ids) worker.request(id, "execute_step", Json::object({{"step_id", id}}));
  }
  Json prepare_with(Json::Array steps, std::string_view key, Json value) const {
    Json params = session_.prepare_params(std::move(steps));
    params.set(key, std::move(value));
    return params;
  }
  std::vector<std::string> files_left() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(session_.directory()))
      names.push_back(entry.path().lexically_relative(session_.directory()));
    return names;
  }

  Session session_;
};

}  // namespace osiris::worker::test
