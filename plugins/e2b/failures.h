// Errors of this adapter's as what an adapter throws, and back.
#pragma once

#include <osiris/adapter.hpp>

#include <exception>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/base/error_detail.h"

namespace osiris::e2b {

inline plugin::Failure to_failure(const Error& error) {
  return {static_cast<osiris_status>(error.code), error.message, error.hint, detail_text(error)};
}
inline Error to_error(const plugin::Failure& failure) {
  return error_with_detail(static_cast<Code>(failure.code()), failure.message(), failure.hint(), failure.detail_json());
}

inline void check_or_throw(const Status& status) {
  if (!status) throw to_failure(status.error());
}
template <class T>
T value_or_throw(Result<T> result) {
  if (!result) throw to_failure(result.error());
  return *std::move(result);
}

// What `call` throws as an error.
template <class Call>
Status status_of(Call call) {
  try {
    call();
    return {};
  } catch (const plugin::Failure& failure) {
    return to_error(failure);
  }
}

}  // namespace osiris::e2b
