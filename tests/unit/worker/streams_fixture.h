// Steps that run as one statement, beside the same steps run one after the other: nothing but time and memory may
// differ.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/unit/worker/executor_fixture.h"

namespace osiris::worker {

// `Base`: ExecutorTest, or a fixture over it.
template <class Base>
class BothWays : public Base {
 protected:
  struct Outcome {
    bool streamed = false;            // the last step began before the first had ended
    std::vector<Json> told;           // the events of each step, in order
    std::vector<std::string> events;  // the same, without what differs from run to run
    std::map<std::string, std::string> errors;
    std::string written;
  };

  // What the last step writes: undone before a run, and looked at after it.
  virtual void clear() = 0;
  virtual std::string written() = 0;
  // Keys of events that may differ between the two ways.
  virtual std::vector<std::string> differing() const { return {"duration", "duration_ms", "sha256"}; }
  // Of each of the two.
  virtual void check(const Outcome&) {}

  void begin(const std::vector<Json>& steps) {
    clear();
    this->sink_.clear();
    this->outcomes_.clear();
    this->plan(steps);
    // Readers are asked for before what they read, so that they are there when it begins.
    for (auto asked = steps.rbegin(); asked != steps.rend(); ++asked) this->ask((*asked)["id"].as_string());
  }
  Outcome run(const std::vector<Json>& steps) {
    begin(steps);
    this->finish();
    return look(steps);
  }
  Outcome look(const std::vector<Json>& steps) {
    Outcome seen;
    for (const Json& one : steps) {
      const std::string id = one["id"].as_string();
      const RequestResult end = this->outcome(id);
      if (const auto* error = std::get_if<Error>(&end)) seen.errors[id] = error->message;
      for (Json event : this->sink_.events()) {
        if (event["step_id"].as_string() != id) continue;
        seen.told.push_back(event);
        for (const std::string& key : differing()) event.erase(key);
        seen.events.push_back(event.dump());
      }
    }
    seen.streamed = this->sink_.has_held();
    seen.written = written();
    return seen;
  }
  // Both ways; the second is stored because the first step says so.
  Outcome run_both(std::vector<Json> steps, bool streams = true) {
    const Outcome streamed = run(steps);
    EXPECT_EQ(streamed.streamed, streams);
    check(streamed);
    steps[0].set("materialize", true);
    const Outcome stored = run(steps);
    EXPECT_FALSE(stored.streamed);
    check(stored);
    EXPECT_EQ(streamed.errors, stored.errors);
    EXPECT_EQ(streamed.events, stored.events);
    EXPECT_TRUE(streamed.written == stored.written) << streamed.written.substr(0, 200) << "\n"
                                                    << stored.written.substr(0, 200);
    return streamed;
  }
};

class StreamsFixture : public BothWays<ExecutorTest> {
 protected:
  explicit StreamsFixture(std::vector<const Driver*> drivers) {
    more_drivers = [drivers = std::move(drivers)](std::string_view name) -> const Driver* {
      for (const Driver* driver : drivers)
        if (driver->name == name) return driver;
      return nullptr;
    };
  }

  static Json with_mode(Json made, const char* mode) {
    made.set("mode", mode);
    return made;
  }
  static Json query_step(const std::string& query, const std::string& from = "read") {
    return step("query", "duckdb.processor", {from}, Json::object({{"query", query}}));
  }

  // As begin(), and waits until its first step has read more than `rows`; false: it never did.
  [[nodiscard]] bool begin_and_read(const std::vector<Json>& steps, uint64_t rows) {
    begin(steps);
    return osiris::test::eventually([&] {
      const auto running = executor_->progress();
      return !running.empty() && running[0].rows > rows;
    });
  }
  // Cancelled once the first step has read more than `rows`: that step says so, the others did not begin.
  Outcome run_and_cancel(const std::vector<Json>& steps, uint64_t rows) {
    EXPECT_TRUE(begin_and_read(steps, rows));
    return cancel(steps);
  }
  Outcome cancel(const std::vector<Json>& steps) {
    executor_->cancel("the test says so");
    finish();
    const Outcome seen = look(steps);
    const std::string first = steps.front()["id"].as_string();
    EXPECT_EQ(seen.errors.count(first), 1u);
    if (seen.errors.count(first)) {
      EXPECT_NE(seen.errors.at(first).find("cancelled"), std::string::npos);
    }
    for (size_t i = 1; i < steps.size(); ++i)
      EXPECT_EQ(sink_.event_names(steps[i]["id"].as_string()), std::vector<std::string>{"step_skipped"});
    return seen;
  }
};

}  // namespace osiris::worker
