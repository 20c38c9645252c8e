#include "worker/drivers/remote/upload.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/side_by_side.h"
#include "protocol/base/text.h"
#include "protocol/base/xml.h"
#include "worker/drivers/remote/answers.h"
#include "worker/drivers/remote/listing.h"
#include "worker/drivers/remote/signature.h"
#include "worker/drivers/remote/store.h"
#include "worker/drivers/web/client.h"

namespace osiris::worker::remote {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kPartBytesMin = 8 * kMiB;  // S3 wants 5 MiB of all but the last
constexpr uint64_t kPartsMax = 10'000;
constexpr uint64_t kObjectBytesMax = uint64_t{5} << 40;
constexpr uint64_t kHeldBytes = 24 * kMiB;
constexpr int kAbortsMax = 5;

// For what follows a failure or a cancel: soon, and whatever the step's fate is.
web::ClientOptions settling_options() {
  web::ClientOptions options = client_options();
  options.timeout_ms = 5'000;
  options.retry_after_max_ms = 2'000;
  options.outlives_cancel = true;
  return options;
}

std::string quoted(const std::string& tag) { return "\"" + tag + "\""; }

class Upload : public StagedUpload {
 public:
  Upload(StepContext& step, std::shared_ptr<web::Client> client, S3Access access, const Location& location,
         const std::filesystem::path& file, uint64_t bytes, PartPlan plan)
      : step_(step),
        access_(std::move(access)),
        shown_(location.shown),
        url_(bucket_url(access_, location.bucket) + "/" + encoded_path(location.key)),
        path_(file),
        file_(FileDescriptor::open(file, O_RDONLY)),
        bytes_(bytes),
        plan_(plan),
        client_(std::move(client)) {}

  Result<Uploaded> run() {
    if (!file_.is_open()) return errno_error(errno, "cannot open", path_);
    Status status = plan_.parts == 1 ? put_whole() : put_parts();
    if (!status.ok()) status = settle(status.error());
    if (!status.ok()) return status.error();
    return Uploaded{etag_, bytes_, plan_.parts == 1 ? 0 : plan_.parts};
  }

  // What a set of objects does with each: all but the last request.
  Status stage() {
    if (!file_.is_open()) return errno_error(errno, "cannot open", path_);
    is_of_a_set_ = true;
    const Status status = send_parts();
    file_ = FileDescriptor();
    return status.ok() ? Status() : settle(status.error());
  }
  Result<Uploaded> complete() override {
    Status status = step_.is_cancelled() ? Status(step_cancelled()) : complete_parts();
    if (!status.ok()) status = settle(status.error());
    if (!status.ok()) return status.error();
    return Uploaded{etag_, bytes_, plan_.parts};
  }
  Status abort() override {
    web::Client client(step_, settling_options());
    return abort(client);
  }

 private:
  // The service's answer to a request that may be repeated; `expected` is the tag that it shall have, or empty.
  Result<http::Response> send(web::Client& client, const std::string& method, const Query& query, std::string body = {},
                              const std::string& expected = {}) {
    http::Request request;
    request.method = method;
    request.url = url_ + encoded_query(query);
    request.label = shown_;
    request.idempotent = true;
    request.body = std::move(body);
    if (!request.body.empty() || method == "PUT") request.headers.add("Content-MD5", base64(md5(request.body)));
    sign(request, access_, amazon_time(system_clock().unix_ns() / 1'000'000'000));
    return client.exchange(std::move(request),
                           [&](const http::Request& asked, const http::Response& answer) -> web::Verdict {
                             web::Verdict verdict = judge(Doing::kWrites, shown_, asked, answer);
                             if (!verdict.status.ok() || expected.empty()) return verdict;
                             const std::string etag = strong_etag(answer);
                             if (!is_of_content(etag) || !tells_content(answer) || etag == expected) return {};
                             return {not_what_was_sent(etag), true};
                           });
  }

  Error not_what_was_sent(const std::string& etag) const {
    return Error(Code::kStepFailed, shown_ + ": the server holds other bytes than were sent (ETag " + etag + ")",
                 "run again; if it lasts, something between here and the service changes what is sent",
                 category::kWriteFailed);
  }

  Result<std::string> piece(uint64_t at, uint64_t size) const try {
    std::string bytes(size, '\0');
    for (uint64_t done = 0; done < size;) {
      const ssize_t got = ::pread(file_.get(), bytes.data() + done, size - done, static_cast<off_t>(at + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error(errno, "cannot read", path_);
      if (got == 0) return Error(Code::kInternal, path_.string() + " became shorter");
      done += static_cast<uint64_t>(got);
    }
    return bytes;
  } catch (const std::bad_alloc&) {  // a failure as others are, after which the upload is aborted
    return Error(Code::kExhausted, "out of memory while " + shown_ + " was sent", "raise --memory-limit",
                 category::kRuntimeMemoryExceeded);
  }

  Status put_whole() {
    OSIRIS_ASSIGN(std::string body, piece(0, bytes_));
    expected_ = quoted(to_hex(md5(body)));
    is_last_sent_ = true;
    OSIRIS_ASSIGN(const http::Response answer, send(*client_, "PUT", {}, std::move(body), expected_));
    etag_ = answer.headers.get("etag");
    step_.progress_bytes(bytes_, bytes_);
    return is_of_content(etag_) && tells_content(answer) ? Status() : check_size(*client_);
  }

  Status put_parts() {
    OSIRIS_TRY(send_parts());
    if (step_.is_cancelled()) return step_cancelled();
    return complete_parts();
  }

  Status send_parts() {
    OSIRIS_ASSIGN(const http::Response begun, send(*client_, "POST", {{"uploads", ""}}));
    id_ = element_of(begun.body, "UploadId");
    if (id_.empty())
      return Error(Code::kStepFailed, shown_ + ": the server began no upload: it named no UploadId",
                   "check the connection's endpoint: it should be that of an S3 service", category::kWriteFailed);
    return send_all_parts();
  }

  Status complete_parts() {
    std::string all, list = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (size_t i = 0; i < parts_.size(); ++i) {
      all += parts_[i].md5;
      list += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + xml_text(parts_[i].etag) +
              "</ETag></Part>";
    }
    expected_ = quoted(to_hex(md5(all)) + "-" + std::to_string(parts_.size()));
    is_last_sent_ = true;
    OSIRIS_ASSIGN(const http::Response done,
                  send(*client_, "POST", {{"uploadId", id_}}, list + "</CompleteMultipartUpload>"));
    etag_ = element_of(done.body, "ETag");
    if (etag_.empty())
      return Error(Code::kUnavailable, shown_ + ": the server did not say that the upload is complete", "",
                   category::kWriteFailed);
    if (!is_of_content(etag_) || !tells_content(done) || !tells_parts_) return check_size(*client_);
    return etag_ == expected_ ? Status() : Status(not_what_was_sent(etag_));
  }

  // The first error ends all of them.
  Status send_all_parts() {
    parts_.resize(plan_.parts);
    std::atomic<uint64_t> next{0}, sent{0};
    std::mutex mutex;
    Status failed;
    const auto work = [&](size_t) {
      for (uint64_t i = next++; i < plan_.parts; i = next++) {
        Status status = send_part(i);
        if (!status.ok()) {
          next = plan_.parts;
          const std::lock_guard lock(mutex);
          if (failed.ok()) failed = status;
          return;
        }
        const std::lock_guard lock(mutex);
        sent += std::min(plan_.part_bytes, bytes_ - i * plan_.part_bytes);
        if (!is_of_a_set_) step_.progress_bytes(sent, bytes_);
      }
    };
    side_by_side(plan_.at_once, work);
    return failed;
  }

  Status send_part(uint64_t index) {
    if (step_.is_cancelled()) return step_cancelled();
    const uint64_t at = index * plan_.part_bytes;
    OSIRIS_ASSIGN(std::string body, piece(at, std::min(plan_.part_bytes, bytes_ - at)));
    Part& part = parts_[index];
    part.md5 = md5(body);
    OSIRIS_ASSIGN(const http::Response answer,
                  send(*client_, "PUT", {{"partNumber", std::to_string(index + 1)}, {"uploadId", id_}}, std::move(body),
                       quoted(to_hex(part.md5))));
    part.etag = answer.headers.get("etag");
    if (!is_of_content(part.etag) || !tells_content(answer)) tells_parts_ = false;
    return {};
  }

  // Where a tag says nothing of the bytes, their number does.
  Status check_size(web::Client& client) {
    OSIRIS_ASSIGN(const http::Response head, send(client, "HEAD", {}));
    const auto size = number_of(head.headers.get("content-length"));
    if (size == bytes_) return {};
    return Error(Code::kStepFailed,
                 shown_ + ": the server holds " + (size ? std::to_string(*size) : "an unknown number of") +
                     " bytes, and " + std::to_string(bytes_) + " were sent",
                 "another run may write the same object", category::kWriteFailed);
  }

  // Whether what was sent is there after all, where that is possible; else what was begun is undone.
  Status settle(Error error) {
    web::Client client(step_, settling_options());
    const bool may_be_there = is_last_sent_ && (error.code == Code::kUnavailable || error.code == Code::kDeadline ||
                                                error.code == Code::kNotFound || error.code == Code::kCancelled);
    const Status gone = id_.empty() ? Status() : abort(client);
    if (may_be_there) {
      const auto head = send(client, "HEAD", {});
      if (head.ok() && strong_etag(*head) == expected_ && number_of(head->headers.get("content-length")) == bytes_) {
        etag_ = expected_;
        step_.log(shown_ + " is complete; the answer that says so was lost");
        return {};
      }
      const bool is_told = head.ok() || head.error().code == Code::kNotFound;
      if (!is_told || (head.ok() && !is_of_content(strong_etag(*head)))) {
        error.message = "outcome unknown: " + error.message;
        error.hint = "look whether " + shown_ + " is the new object; a further run writes it again";
      }
    }
    if (!gone.ok())
      error.message += "; its unfinished upload " + id_ + " could not be aborted (" + gone.error().message + ")";
    return error;
  }

  // Parts that were under way may come to be after an abort: it is repeated until the upload is not there.
  Status abort(web::Client& client) {
    Status last;
    for (int i = 0; i < kAbortsMax; ++i) {
      const auto deleted = send(client, "DELETE", {{"uploadId", id_}});
      if (!deleted.ok() && deleted.error().code != Code::kNotFound) return deleted.error();
      const auto parts = send(client, "GET", {{"max-parts", "1"}, {"uploadId", id_}});
      if (!parts.ok() && parts.error().code == Code::kNotFound) {
        step_.log(shown_ + ": the unfinished upload is aborted");
        return {};
      }
      last = parts.ok() ? Status(Error(Code::kStepFailed, "the server still has it")) : Status(parts.error());
    }
    return last;
  }

  struct Part {
    std::string md5, etag;
  };

  StepContext& step_;
  const S3Access access_;
  const std::string shown_, url_;
  const std::filesystem::path path_;
  FileDescriptor file_;  // of a set's, closed when it is sent
  const uint64_t bytes_;
  const PartPlan plan_;
  const std::shared_ptr<web::Client> client_;
  std::string id_;                       // of the upload in parts
  std::vector<Part> parts_;              // each of one thread, until all are joined
  std::atomic<bool> tells_parts_{true};  // the parts' tags are of their bytes
  std::string expected_, etag_;          // of the object
  bool is_last_sent_ = false;            // the request that makes it visible may have had its effect
  bool is_of_a_set_ = false;             // whose progress is told
};

enum class Together { kAlone, kSet };

Result<std::unique_ptr<Upload>> upload_of(StepContext& step, std::shared_ptr<web::Client> client,
                                          const Location& location, const std::filesystem::path& file,
                                          Together together) {
  OSIRIS_ASSIGN(S3Access access, read_access(step));
  std::error_code failed;
  const uint64_t bytes = std::filesystem::file_size(file, failed);
  if (failed) return errno_error(failed.value(), "cannot read", file);
  OSIRIS_ASSIGN(PartPlan plan, plan_parts(bytes));
  if (together == Together::kSet) plan.at_once = 1;  // several objects are on their way already
  return std::make_unique<Upload>(step, std::move(client), std::move(access), location, file, bytes, plan);
}

}  // namespace

Result<PartPlan> plan_parts(uint64_t bytes) {
  if (bytes > kObjectBytesMax)
    return Error(Code::kExhausted,
                 "an object of s3:// has at most 5 TiB, and this one would have " + std::to_string(bytes) + " bytes",
                 "write several: a step for each part of the rows", category::kWriteFailed);
  PartPlan plan;
  plan.part_bytes = std::max(kPartBytesMin, (bytes / kPartsMax / kMiB + 1) * kMiB);
  plan.parts = std::max<uint64_t>(1, (bytes + plan.part_bytes - 1) / plan.part_bytes);
  plan.at_once =
      static_cast<unsigned>(std::clamp<uint64_t>(kHeldBytes / plan.part_bytes, 1, std::min<uint64_t>(plan.parts, 4)));
  return plan;
}

std::shared_ptr<web::Client> sending_client(StepContext& step) {
  return std::make_shared<web::Client>(step, client_options());
}

Result<std::unique_ptr<StagedUpload>> stage(StepContext& step, const std::shared_ptr<web::Client>& client,
                                            const Location& location, const std::filesystem::path& file) {
  OSIRIS_ASSIGN(std::unique_ptr<Upload> upload, upload_of(step, client, location, file, Together::kSet));
  OSIRIS_TRY(upload->stage());
  return std::unique_ptr<StagedUpload>(std::move(upload));
}

Result<Uploaded> upload(StepContext& step, const Location& location, const std::filesystem::path& file) {
  OSIRIS_ASSIGN(const std::unique_ptr<Upload> upload,
                upload_of(step, sending_client(step), location, file, Together::kAlone));
  return upload->run();
}

}  // namespace osiris::worker::remote
