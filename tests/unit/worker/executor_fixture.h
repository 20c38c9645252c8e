// An executor whose drivers are the test's own: `produce`, `consume`, `fail`, `wait` at a gate, ...
// (executor_fixture.cc).
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "worker/executor/executor.h"

namespace osiris::worker {

// Where test drivers meet: a step waits at a gate until the test, or another step, opens it.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_waiters(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};
extern std::unique_ptr<Gate> gate;       // of the running test
extern std::atomic<int> attempts;        // of `fail_twice` and `wrong_input`
extern std::atomic<int> most_computing;  // steps of `compute` at once

class KeepingSink : public RecordSink {
 public:
  void emit(rpc::Record record) override {
    const std::lock_guard lock(mutex_);
    records_.push_back(std::move(record));
  }
  std::vector<Json> events() {
    const std::lock_guard lock(mutex_);
    std::vector<Json> list;
    for (const auto& record : records_) {
      if (const auto* event = std::get_if<rpc::Event>(&record)) list.push_back(event->data);
    }
    return list;
  }
  std::vector<std::string> event_names(std::string_view step_id) {
    std::vector<std::string> names;
    for (const Json& event : events()) {
      if (event["step_id"].as_string() == step_id) names.push_back(event["event"].as_string());
    }
    return names;
  }
  Json event(std::string_view name) {
    for (const Json& event : events()) {
      if (event["event"].as_string() == name) return event;
    }
    return {};
  }
  // Whether a record was kept for a while before it was sent: only those have their time already.
  bool has_held() {
    const std::lock_guard lock(mutex_);
    return std::any_of(records_.begin(), records_.end(), [](const rpc::Record& record) {
      const auto* event = std::get_if<rpc::Event>(&record);
      return event && event->time_ns != 0;
    });
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    records_.clear();
  }
  Json metric(std::string_view name) {
    const std::lock_guard lock(mutex_);
    for (const auto& record : records_) {
      const auto* metric = std::get_if<rpc::Metric>(&record);
      if (metric && metric->data["metric"].as_string() == name) return metric->data;
    }
    return {};
  }

 private:
  std::mutex mutex_;
  std::vector<rpc::Record> records_;
};

// A step as a plan has it; its needs are its inputs.
Json step(const std::string& id, const std::string& driver, const std::vector<std::string>& needs = {},
          Json cfg = Json::object());

class ExecutorTest : public ::testing::Test {
 protected:
  ExecutorTest() {
    gate = std::make_unique<Gate>();
    attempts = 0;
    char name[] = "/tmp/osiris-executor-XXXXXX";
    directory_ = ::mkdtemp(name);
    std::filesystem::create_directories(directory_ / "work");
  }
  ~ExecutorTest() override {
    executor_.reset();
    std::filesystem::remove_all(directory_);
  }

  // A run of these steps, with the test drivers and two connections: @db.shop, and @db.lost, whose secret is missing.
  void plan(const std::vector<Json>& steps);
  // Where a driver is none of the test's; set before plan().
  std::function<const Driver*(std::string_view name)> more_drivers;
  // The fields of "@<family>.<alias>", secrets included; before plan().
  void add_connection(const std::string& family, const std::string& alias, Json fields) {
    more_connections_.set("@" + family + "." + alias,
                          Json::object({{"family", family}, {"alias", alias}, {"fields", std::move(fields)}}));
  }
  static Json parse(std::string_view text) { return *parse_json(text); }

  void ask(const std::string& id) {
    executor_->execute(id, [this, id](RequestResult outcome) {
      const std::lock_guard lock(mutex_);
      outcomes_[id] = std::move(outcome);
      order_.push_back(id);
      changed_.notify_all();
    });
  }
  void ask_all(const std::vector<std::string>& ids) {
    for (const std::string& id : ids) ask(id);
  }
  RequestResult outcome(const std::string& id) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return outcomes_.contains(id); });
    return outcomes_[id];
  }
  Json result(const std::string& id) {
    const RequestResult end = outcome(id);
    const Json* json = std::get_if<Json>(&end);
    EXPECT_NE(json, nullptr) << id << ": " << std::get<Error>(end).message;
    return json ? *json : Json();
  }
  Error error(const std::string& id) {
    const RequestResult end = outcome(id);
    const auto* failure = std::get_if<Error>(&end);
    EXPECT_NE(failure, nullptr) << id << " succeeded";
    return failure ? *failure : Error();
  }
  Json finish() {
    std::promise<RequestResult> promise;
    executor_->finish([&](RequestResult outcome) { promise.set_value(std::move(outcome)); });
    return std::get<Json>(promise.get_future().get());
  }
  std::string cleaned_config(const std::string& id) {
    return *read_file(directory_ / "session/artifacts" / id / "cleaned_config.json");
  }

  // All that was logged so far.
  std::string logged() const {
    const auto text = read_file("/proc/self/fd/" + std::to_string(log_file_.get()));
    return text.ok() ? *text : std::string();
  }

  std::filesystem::path directory_;
  Json more_connections_ = Json::object();
  Json settings_ = Json::object();   // of the run
  uint64_t memory_limit_bytes_ = 0;  // 0: the engine's own
  KeepingSink sink_;
  FileDescriptor log_file_{::memfd_create("log", MFD_CLOEXEC)};
  Log log_{log_file_.get()};
  const Clock* clock_ = &system_clock();
  std::unique_ptr<Executor> executor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, RequestResult> outcomes_;
  std::vector<std::string> order_;
};

}  // namespace osiris::worker
