#include "worker/driver_api/row_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "protocol/base/file.h"
#include "worker/driver_api/chunk_scan.h"

namespace osiris::worker {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr size_t kChunkBytes = size_t{4} << 20;  // of texts: few rows of large ones make a chunk

// What stands before a value: its column, counted from 1, and its size. Zeros end the row.
struct Head {
  uint32_t column = 0, size = 0;
};

}  // namespace

// A way through the rows from the first to the last.
class RowSpool::Pass : private ChunkSource {
 public:
  Pass(const RowSpool& spool, size_t columns)
      : spool_(spool), columns_(columns), scan_(std::make_shared<ChunkScan>(static_cast<ChunkSource&>(*this))) {
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    std::vector<duckdb_logical_type> types(columns, text);
    chunk_ = duckdb_create_data_chunk(types.data(), columns);
    duckdb_destroy_logical_type(&text);
  }
  ~Pass() override {
    scan_->close();
    duckdb_destroy_data_chunk(&chunk_);
  }

  Result<std::string> define(duckdb_connection connection) {
    std::vector<std::string> names;
    for (size_t i = 0; i < columns_; ++i) names.push_back("c" + std::to_string(i));
    return define_chunk_scan(connection, names, chunk_, scan_);
  }
  bool is_ended() const { return is_ended_; }

 private:
  Result<duckdb_data_chunk> next() override {
    duckdb_data_chunk_reset(chunk_);
    idx_t rows = 0;
    for (size_t bytes = 0; rows < duckdb_vector_size() && bytes < kChunkBytes; ++rows) {
      OSIRIS_ASSIGN(const bool more, next_row(rows, bytes));
      if (!more) break;
    }
    duckdb_data_chunk_set_size(chunk_, rows);
    is_ended_ = rows == 0;
    return rows == 0 ? nullptr : chunk_;
  }

  Result<bool> next_row(idx_t row, size_t& bytes) {
    if (row_ == spool_.rows_) return false;
    values_.assign(columns_, false);
    for (;;) {
      Head head;
      OSIRIS_TRY(need(sizeof head));
      std::memcpy(&head, buffer_.data() + at_, sizeof head);
      at_ += sizeof head;
      if (head.column == 0) break;
      OSIRIS_TRY(need(head.size));
      duckdb_unsafe_vector_assign_string_element_len(duckdb_data_chunk_get_vector(chunk_, head.column - 1), row,
                                                     buffer_.data() + at_, head.size);
      values_[head.column - 1] = true;
      at_ += head.size;
      bytes += head.size;
    }
    for (size_t column = 0; column < columns_; ++column)
      if (!values_[column]) set_null(column, row);
    ++row_;
    return true;
  }

  void set_null(size_t column, idx_t row) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk_, column);
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
  }

  // Makes `size` bytes from at_ on be there.
  Status need(size_t size) {
    if (buffer_.size() - at_ >= size) return {};
    buffer_.erase(0, at_);
    at_ = 0;
    const size_t had = buffer_.size();
    buffer_.resize(std::max(size, kBufferBytes));
    OSIRIS_ASSIGN(const size_t got, spool_.read(next_, buffer_.data() + had, buffer_.size() - had));
    buffer_.resize(had + got);
    next_ += got;
    if (buffer_.size() >= size) return {};
    return Error(Code::kUnavailable, spool_.path_.string() + " is shorter than what was written to it",
                 "was it changed by another program?");
  }

  const RowSpool& spool_;
  const size_t columns_;
  const std::shared_ptr<ChunkScan> scan_;
  duckdb_data_chunk chunk_ = nullptr;
  std::string buffer_;  // from the spool, those before at_ are done with
  size_t at_ = 0;
  uint64_t next_ = 0;  // of the spool's bytes
  uint64_t row_ = 0;
  std::vector<bool> values_;  // of the row at hand: which columns have one
  bool is_ended_ = false;
};

RowSpool::RowSpool(StepContext& step) : step_(step) {}

RowSpool::~RowSpool() {
  if (file_.is_open()) ::unlink(path_.c_str());
}

void RowSpool::put(size_t column, std::string_view text) {
  const Head head{static_cast<uint32_t>(column + 1), static_cast<uint32_t>(text.size())};
  buffer_.append(reinterpret_cast<const char*>(&head), sizeof head);
  buffer_ += text;
}

Status RowSpool::end_row() {
  const Head none;
  buffer_.append(reinterpret_cast<const char*>(&none), sizeof none);
  ++rows_;
  return buffer_.size() < kBufferBytes ? Status() : flush();
}

Status RowSpool::flush() {
  if (!file_.is_open()) {
    path_ = step_.scratch_dir() / "rows.spool";
    file_ = FileDescriptor::open(path_, O_RDWR | O_CREAT | O_TRUNC, 0600);
  }
  if (!file_.is_open() || !write_all(file_.get(), buffer_)) return errno_error(errno, "cannot write", path_);
  in_file_ += buffer_.size();
  buffer_.clear();
  return {};
}

Status RowSpool::close() { return file_.is_open() && !buffer_.empty() ? flush() : Status(); }

Result<size_t> RowSpool::read(uint64_t at, char* to, size_t size) const {
  if (!file_.is_open()) {
    const size_t got = std::min<uint64_t>(size, buffer_.size() - at);
    std::memcpy(to, buffer_.data() + at, got);
    return got;
  }
  size_t got = 0;
  while (got < size) {
    const ssize_t some = ::pread(file_.get(), to + got, size - got, static_cast<off_t>(at + got));
    if (some < 0 && errno == EINTR) continue;
    if (some < 0) return errno_error(errno, "cannot read", path_);
    if (some == 0) break;
    got += static_cast<size_t>(some);
  }
  return got;
}

Result<std::string> RowSpool::begin_pass(duckdb_connection connection, size_t columns) {
  passes_.push_back(std::make_unique<Pass>(*this, columns));
  return passes_.back()->define(connection);
}

bool RowSpool::is_read_to_its_end() const { return !passes_.empty() && passes_.back()->is_ended(); }

}  // namespace osiris::worker
