#include "protocol/base/temporary_name.h"

#include <mutex>
#include <string>
#include <system_error>

#include "protocol/base/random.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = ".osiris-";
constexpr size_t kMarkDigits = 16;

struct Mark {
  std::mutex mutex;
  std::string text;  // "<run>-", or empty
};
Mark& own_mark() {
  static auto& mark = *new Mark;  // reachable: threads may write until the process is gone
  return mark;
}

std::string mark_of(std::string_view run_id) { return sha256_hex(run_id).substr(0, kMarkDigits) + "-"; }

}  // namespace

void set_temporary_run(std::string_view run_id) {
  Mark& mark = own_mark();
  const std::lock_guard lock(mark.mutex);
  mark.text = mark_of(run_id);
}

fs::path temporary_beside(const fs::path& target) {
  Mark& mark = own_mark();
  const std::lock_guard lock(mark.mutex);
  return target.parent_path() / (kPrefix + mark.text + to_hex(random_bytes(8)));
}

void remove_temporaries_beside(const fs::path& target, std::string_view run_id) {
  const std::string begin = kPrefix + mark_of(run_id);
  std::error_code ended;
  const fs::path directory = target.parent_path();
  for (fs::directory_iterator entry(directory.empty() ? "." : directory, ended), end; !ended && entry != end;
       entry.increment(ended)) {
    std::error_code ignored;
    if (entry->path().filename().native().starts_with(begin)) fs::remove_all(entry->path(), ignored);
  }
}

}  // namespace osiris
