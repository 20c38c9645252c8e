// The line between host and adapter, with a glass pane in it: everything that crosses passes through tables of the
// check's own, which lend the adapter hostile but lawful memory, look at what it hands over byte by byte, and can make
// the host slow, newer or unwilling. The host's own code (host/adapters) stands on the other side, as in osiris.
//
// Deliberate: a Boundary is never freed. A thread that an adapter keeps past destroy is then seen, not crashed.
#pragma once

#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "check/bench/lent_memory.h"

namespace osiris::check {

// How the host is, on this side of the line.
struct HostManner {
  Placement placement = Placement::kHeap;
  uint32_t growth = 0;             // bytes by which every struct of the host is longer than those of 1.0
  uint32_t abi = 0;                // what the host says it speaks; 0: what it does
  int32_t cancelled_number = 1;    // what is_cancelled answers for yes
  bool refuses_documents = false;  // deliver answers INVALID_STATE and keeps nothing
  std::string has_no_room_for;     // the document for which deliver answers EXHAUSTED; empty: none
  bool has_no_settings_json = false;
  int64_t grace_ns = 0;  // 0: the host's own
};

class Boundary {
 public:
  // `real` is the adapter's table. Lives for ever.
  static Boundary& make(const osiris_adapter_type& real, const HostManner& manner);

  // To be given to AdapterInstance in place of the adapter's own.
  const osiris_adapter_type& type() const { return shown_.table; }

  // What was wrong with what the adapter handed over: by the kind of rule, each with a sentence.
  //   table size reserved text absent limits late number
  std::vector<std::string> findings(std::string_view kind) const;
  void found(std::string_view kind, const std::string& what);
  // Host services that were called after destroy had returned.
  int calls_after_destroy() const { return after_destroy_; }
  // The names of secrets that were asked for, whether they were answered or not.
  std::vector<std::string> secrets_asked() const;
  // How often a service was called, by name.
  std::map<std::string, int> calls() const;
  // Whether something was written into memory that was lent.
  bool wrote_into_lent_memory() const { return wrote_; }
  // Whether `create` changed *out and failed, or was successful and did not.
  bool out_is_wrong() const { return out_is_wrong_; }

 private:
  struct Shown {  // the table is its first member: a slot finds its Boundary by it
    osiris_adapter_type table;
    Boundary* boundary;
  };
  struct Instance {  // what the host takes for the adapter's instance
    Boundary* boundary;
    osiris_adapter* real = nullptr;
    const osiris_host* host = nullptr;   // the real one
    const osiris_host* given = nullptr;  // what the adapter was given
    std::atomic<bool> destroyed{false};
  };
  friend struct Slots;
  friend struct Services;

  Boundary(const osiris_adapter_type& real, const HostManner& manner);
  void count(const char* service);
  void look(const char* what, osiris_str text, size_t limit);
  void look_at_size(const char* what, uint32_t size, size_t needed, size_t known);

  const osiris_adapter_type& real_;
  const HostManner manner_;
  Shown shown_{};
  LentMemory for_instances_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::string>, std::less<>> findings_;
  std::map<std::string, int> calls_;
  std::vector<std::string> secrets_asked_;
  std::atomic<int> after_destroy_{0};
  std::atomic<bool> wrote_{false}, out_is_wrong_{false};
};

}  // namespace osiris::check
