// One exchange of curl_transport.cc: its state, and the callbacks by which curl fills and reads it. Private to that
// file.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "protocol/http/transport.h"

namespace osiris::http::curl {

struct State {
  explicit State(Request r) : request(std::move(r)) {}

  const Request request;
  curl_slist* header_list = nullptr;
  CURL* easy = nullptr;  // loop thread only
  char error_text[CURL_ERROR_SIZE] = {};
  std::chrono::steady_clock::time_point last_byte = std::chrono::steady_clock::now();
  curl_off_t bytes_seen = 0;
  size_t body_offset = 0;  // loop thread only

  std::mutex mutex;
  std::condition_variable changed;
  Response response;  // once head_done, its reader's, who may copy it
  uint64_t bytes_sent = 0, bytes_received = 0;
  bool head_done = false;
  std::string buffer;
  bool paused = false;
  bool done = false;
  bool cancelled = false;
  bool idle_expired = false;
  bool reached_server = false;
  std::optional<Error> error;  // done means head_done or this
};

// How a request is called in messages: its label, or its method and address.
std::string what_of(const Request& request);
// The connection closed in the middle of the answer's head.
Error head_is_cut(const State& state);
// What curl's code means for the caller.
Error classify(CURLcode code, const State& state);

// CURLOPT_HEADERFUNCTION, WRITEFUNCTION and READFUNCTION; `user` is a State. [loop thread]
size_t on_header(char* data, size_t size, size_t count, void* user);
size_t on_body(char* data, size_t size, size_t count, void* user);
size_t on_upload(char* into, size_t size, size_t count, void* user);
// A body that is sent once: curl sends a request anew, unasked, when a connection it reused breaks before the answer,
// but not one whose body it cannot rewind.
size_t on_body_once(char* into, size_t size, size_t count, void* user);

}  // namespace osiris::http::curl
