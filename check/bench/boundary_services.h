// The host services that a Boundary gives to an adapter; for boundary.cc.
#pragma once

#include "check/bench/boundary.h"

namespace osiris::check {

struct Services {
  using Instance = Boundary::Instance;
  // `abi`: 0: the real host's.
  static osiris_host table(Instance* instance, uint32_t abi);

  static void fail(const osiris_host* host, const osiris_error* error) noexcept;
  static void log(const osiris_host* host, const osiris_log* line) noexcept;
  static void emit_event(const osiris_host* host, const osiris_event* event) noexcept;
  static void emit_metric(const osiris_host* host, const osiris_metric* metric) noexcept;
  static void progress(const osiris_host* host, const osiris_progress* progress) noexcept;
  static int32_t is_cancelled(const osiris_host* host) noexcept;
  static osiris_status with_secret(const osiris_host* host, osiris_str name, void (*use)(void*, osiris_str) noexcept,
                                   void* user) noexcept;
  static osiris_status deliver(const osiris_host* host, const char* name, osiris_str json) noexcept;
  static const void* extension(const osiris_host* host, const char* id) noexcept;

  static Boundary& of(const osiris_host* host) { return *static_cast<Instance*>(host->context)->boundary; }
  // The real host, or nullptr where there is none to ask any more. Looks at what is the same in every service.
  static const osiris_host* real(const osiris_host* host, const char* service);
};

}  // namespace osiris::check
