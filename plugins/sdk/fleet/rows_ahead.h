// Rows of shards on their way to the machine of the union while other shards run: down and up at the same time. A
// request carries its share of what has come meanwhile, and three are under way at the same time. What did not arrive,
// or arrived on a machine that is no more the first, travels in the union's package, as if nothing had been sent; the
// worker there looks at the hash of each.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "plugins/sdk/place/place.h"

namespace osiris::sdk {

// [any thread]
class RowsAhead {
 public:
  // `directory`: on the machine, of the union's run. Once the run is cancelled nothing more is sent.
  RowsAhead(std::string directory, const std::atomic<bool>& cancelled)
      : directory_(std::move(directory)), cancelled_(cancelled) {}
  ~RowsAhead();  // stops what is under way
  RowsAhead(const RowsAhead&) = delete;
  RowsAhead& operator=(const RowsAhead&) = delete;

  // The first machine from now on; null: there is none. All files go there, whatever another one has of them.
  void send_to(std::shared_ptr<MachineAccess> machine);
  // A file of this machine that is complete and stays until the union has ended.
  void add(const std::filesystem::path& file);
  // Waits until all has been sent there, or has turned out not to be sent. Where files of this machine are on that one.
  std::map<std::string, std::string> places_on(const MachineAccess& machine);

 private:
  using Place = std::pair<std::string, std::string>;  // here, and there

  void work();
  std::vector<Place> take_share();
  static Status read(const std::string& file, const std::function<bool(std::string_view)>& sink);

  const std::string directory_;
  const std::atomic<bool>& cancelled_;
  std::atomic<bool> is_over_{false};
  std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::shared_ptr<MachineAccess> machine_;
  std::vector<Place> all_, waiting_;
  std::map<std::string, std::string> there_;
  size_t sending_ = 0;  // requests that are under way
  std::vector<std::thread> threads_;
};

}  // namespace osiris::sdk
