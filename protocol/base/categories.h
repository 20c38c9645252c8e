// What kind of thing went wrong, in words that programs may rely on: the values of Error::category. A category is
// assigned where the error is made; the code (error.h) says what to do, the category what it is about.
// docs/error-categories.md explains each to users, and a test compares the two.
#pragma once

#include <array>
#include <string_view>

namespace osiris::category {

inline constexpr char kConnectionFailed[] = "connection.failed";
inline constexpr char kConnectionTimeout[] = "connection.timeout";
inline constexpr char kConnectionAuthFailed[] = "connection.auth_failed";
inline constexpr char kConnectionNotFound[] = "connection.not_found";
inline constexpr char kConnectionInvalidConfig[] = "connection.invalid_config";
inline constexpr char kValidationFailed[] = "validation.failed";
inline constexpr char kConfigInvalid[] = "config.invalid";
inline constexpr char kExtractQueryFailed[] = "extract.query_failed";
inline constexpr char kExtractSchemaMismatch[] = "extract.schema_mismatch";
inline constexpr char kExtractPermissionDenied[] = "extract.permission_denied";
inline constexpr char kExtractNoData[] = "extract.no_data";
inline constexpr char kTransformFailed[] = "transform.failed";
inline constexpr char kTransformInvalidInput[] = "transform.invalid_input";
inline constexpr char kWriteFailed[] = "write.failed";
inline constexpr char kWriteDiskFull[] = "write.disk_full";
inline constexpr char kWritePermissionDenied[] = "write.permission_denied";
inline constexpr char kWritePathNotFound[] = "write.path_not_found";
inline constexpr char kRuntimeTimeout[] = "runtime.timeout";
inline constexpr char kRuntimeBudget[] = "runtime.budget";
inline constexpr char kRuntimeMemoryExceeded[] = "runtime.memory_exceeded";
inline constexpr char kRuntimeDependencyFailed[] = "runtime.dependency_failed";
inline constexpr char kSystemResourceUnavailable[] = "system.resource_unavailable";
inline constexpr char kSystemError[] = "system.error";

inline constexpr std::array<std::string_view, 23> kAll = {kConnectionFailed,
                                                          kConnectionTimeout,
                                                          kConnectionAuthFailed,
                                                          kConnectionNotFound,
                                                          kConnectionInvalidConfig,
                                                          kValidationFailed,
                                                          kConfigInvalid,
                                                          kExtractQueryFailed,
                                                          kExtractSchemaMismatch,
                                                          kExtractPermissionDenied,
                                                          kExtractNoData,
                                                          kTransformFailed,
                                                          kTransformInvalidInput,
                                                          kWriteFailed,
                                                          kWriteDiskFull,
                                                          kWritePermissionDenied,
                                                          kWritePathNotFound,
                                                          kRuntimeTimeout,
                                                          kRuntimeBudget,
                                                          kRuntimeMemoryExceeded,
                                                          kRuntimeDependencyFailed,
                                                          kSystemResourceUnavailable,
                                                          kSystemError};

}  // namespace osiris::category
