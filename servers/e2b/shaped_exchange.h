// An exchange seen through a bad network: round-trip time, bandwidth, and the faults of the plan. Also counts and keeps
// what the recorder wants.
#pragma once

#include <functional>
#include <vector>

#include "servers/e2b/fault_plan.h"
#include "servers/e2b/http.h"

namespace osiris::e2b_server {

class ShapedExchange final : public Exchange {
 public:
  // What a fault can do beyond this connection.
  struct Effects {
    std::function<void()> kill_sandbox;
    std::function<void(int signal)> kill_process;  // the newest process of the sandbox
    std::function<void(int64_t ms)> jump_clock;
    std::function<void(int port)> tell;  // the listener there; returns when it hangs up
    // Returns early when the server stops.
    std::function<void(std::chrono::microseconds)> sleep;
    // Called once, just before the client gets the last byte (or the cut): a client that has seen an answer finds its
    // record.
    std::function<void(const ShapedExchange&)> record;
    // Named in every answer (X-Request-Id) and in the record.
    std::string request_id;
  };
  ShapedExchange(Exchange& inner, std::chrono::milliseconds rtt, std::vector<FaultAction> faults, Effects effects);

  // Delays, and the faults that strike before the request is handled. False: it has been answered or cut.
  bool admit();
  // After the handler.
  void finish();

  const Request& request() const override { return inner_.request(); }
  Result<size_t> read_body(char* out, size_t capacity_bytes) override;
  void add_header(const std::string& name, const std::string& value) override { inner_.add_header(name, value); }
  void respond(int status, const Pairs& headers, std::string_view body) override;
  bool begin_stream(int status, const Pairs& headers, std::optional<uint64_t> length_bytes) override;
  bool write(std::string_view bytes) override;
  void end_stream() override;
  void abort() override;
  void cut(CutAt at, bool resets) override { inner_.cut(at, resets); }
  void set_event_time(std::chrono::steady_clock::time_point at) override { event_time_ = at; }
  Wake wait(int event_fd, std::chrono::milliseconds timeout) override { return inner_.wait(event_fd, timeout); }

  int status() const { return status_; }
  uint64_t request_bytes() const { return request_bytes_; }
  uint64_t response_bytes() const { return response_bytes_; }
  const std::string& request_head() const { return request_head_; }  // the first 2 MiB of the body
  bool was_cut() const { return cut_; }
  // Names of the faults that struck, or will after the last byte, for the record.
  std::vector<std::string> applied_faults() const;

 private:
  bool answer_status(const FaultAction& fault);
  bool is_due(const FaultAction& fault, uint64_t upcoming_bytes) const;
  bool send_part(std::string_view bytes);
  bool pass(std::string_view bytes);
  void sleep_ms(int64_t ms) const;
  void pace(size_t bytes) const;
  int64_t middle_of(const FaultAction& fault) const;
  void apply_effect(const FaultAction& fault);
  bool cut_before_answer();
  const FaultAction* planned_cut() const;
  bool cuts_head() const;
  void begin_cut();
  Pairs with_id(Pairs headers) const;
  void record_once();
  void delay_answer();

  Exchange& inner_;
  const std::chrono::milliseconds rtt_;
  std::vector<FaultAction> faults_;  // struck ones are removed
  const Effects effects_;
  std::optional<std::chrono::steady_clock::time_point> event_time_;
  int64_t bytes_per_s_ = 0;
  int status_ = 0;
  uint64_t request_bytes_ = 0;
  uint64_t response_bytes_ = 0;
  int64_t events_ = 0;
  std::string request_head_;
  bool cut_ = false;
  bool chunked_ = false;
  bool answered_ = false;
  bool recorded_ = false;
  std::optional<uint64_t> length_bytes_;  // of the answer, when it was announced
  std::vector<std::string> applied_;
};

}  // namespace osiris::e2b_server
