// Overwrites secrets with zeros, in a way that the compiler keeps, before their memory goes back to the allocator.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/json.h"

namespace osiris {

void wipe(char* data, size_t size_bytes);
// Also what a longer text has left behind its end; the text is empty afterwards.
void wipe(std::string& text);
void wipe(Json& value);  // every text in it, keys left out

// A secret with an owner: moves, does not copy, and leaves nothing behind.
class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string_view text) : text_(text) {}
  explicit SecretString(std::string&& text) : text_(std::move(text)) { wipe(text); }  // a short one was copied
  SecretString(SecretString&& other) noexcept : text_(std::move(other.text_)) { wipe(other.text_); }
  SecretString& operator=(SecretString&& other) noexcept {
    if (this != &other) {
      wipe(text_);
      text_ = std::move(other.text_);
      wipe(other.text_);
    }
    return *this;
  }
  ~SecretString() { wipe(text_); }

  std::string_view view() const { return text_; }
  SecretString copy() const { return SecretString(view()); }

 private:
  std::string text_;
};

}  // namespace osiris
