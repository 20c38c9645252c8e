// What osiris and the process of an isolated adapter say to each other over a socket pair: the calls of the ABI one
// way, their returns and the calls of host services the other (docs/decisions/0194-isolated-adapters.md). Both ends are
// the same program, so nothing here is for other versions to read.
#pragma once

#include <osiris/adapter.h>
#include <osiris/ext/early.h>
#include <osiris/ext/resources.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/fd.h"

namespace osiris::isolation {

// Every message has a number. That of a call stands in its return, that of a service that answers in its answer.
enum class Kind : uint8_t {
  // To the adapter's process.
  kLoad,    // library, manifest, id
  kCall,    // a slot and its arguments
  kCancel,  // [any] slot of its own
  kEarly,   // osiris_early.begin and what is known of the run, before the first call; nothing returns
  kAnswer,  // to kIsCancelled, kSecret, kDeliver and events of resources
  // From it.
  kLoaded,   // the table's descriptions
  kRefused,  // an error instead
  kReturned,
  kFail,
  kLog,
  kProgress,
  kEvent,
  kMetric,
  kIsCancelled,
  kSecret,
  kDeliver,
};

enum class Slot : uint8_t {
  kCreate,
  kConfigure,
  kValidate,
  kPrepare,
  kExecute,
  kCollect,
  kDestroy,
  kExplain,
  kList,
  kRelease,
};
const char* name_of(Slot slot);

struct Message {
  Kind kind{};
  uint64_t number = 0;
  std::string body;
};

// The body of a message, value by value.
class Writer {
 public:
  Writer& number(int64_t value);
  Writer& real(double value);
  Writer& text(std::string_view value);
  Writer& text(osiris_str value);  // absent stays absent
  std::string body;
};

// Reads what a Writer wrote, in its order. What is not there reads as 0, empty and absent, and ok() is false from then
// on. Texts point into the body.
class Reader {
 public:
  explicit Reader(std::string_view body) : rest_(body) {}
  int64_t number();
  double real();
  osiris_str text();
  bool ok() const { return ok_; }

 private:
  std::string_view take(size_t size);
  std::string_view rest_;
  bool ok_ = true;
};

// One end: a socket and a pipe, one each way. send [any thread], receive on one thread at a time.
class Channel {
 public:
  Channel(int input, int output);  // borrowed; made to block
  // False when the other end is gone; or takes nothing for half a minute, where `output` is a socket.
  bool send(Kind kind, uint64_t number, std::string_view body = {});
  // None at the end, and after what is no message.
  std::optional<Message> receive();
  // How long receive() waits for each part of a message; negative: without limit.
  void limit_receive(std::chrono::milliseconds limit) { limit_ = limit; }

 private:
  bool receive_all(char* to, size_t size) const;
  const int input_, output_;
  bool is_socket_ = false;  // the output
  std::chrono::milliseconds limit_{-1};
  std::mutex mutex_;  // whole messages
};

void write_request(Writer& writer, const osiris_request& request);
void write_query(Writer& writer, const osiris_resource_query& query);
void write_early(Writer& writer, const osiris_early_run& run);
// They borrow from the body.
osiris_request read_request(Reader& reader);
osiris_resource_query read_query(Reader& reader);
osiris_early_run read_early(Reader& reader, std::vector<osiris_str>& drivers);  // borrows from `drivers` too

// Which extensions a table has.
struct Extensions {
  bool explain = false, resources = false, early = false;
};

// What a table says of itself, with the strings it points to.
class Description {
 public:
  static void write(Writer& writer, const osiris_adapter_type& type, uint32_t abi, const Extensions& has);
  // Fills all of `type` but its slots; what it points to lives as long as this object. False: not a description.
  bool read(Reader& reader, osiris_adapter_type& type);

  uint32_t abi = 0;
  Extensions has;

 private:
  osiris_str keep(osiris_str text);
  std::deque<std::string> texts_;
  std::deque<std::vector<osiris_str>> choices_;
  std::deque<osiris_option> options_;
  std::deque<osiris_secret> secrets_;
  std::vector<const osiris_option*> option_pointers_;
  std::vector<const osiris_secret*> secret_pointers_;
};

}  // namespace osiris::isolation
