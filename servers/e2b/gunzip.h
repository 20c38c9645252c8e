// gzip, as a stream, by zlib.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::e2b_server {

class Gunzip {
 public:
  Gunzip();
  ~Gunzip();
  // Appends what the bytes unpack to. kInvalidArgument: not gzip.
  Status feed(std::string_view bytes, std::string& out);
  // kInvalidArgument: it ended too early.
  Status finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Gzip {
 public:
  Gzip();
  ~Gzip();
  void feed(std::string_view bytes, bool last, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace osiris::e2b_server
