#include "servers/e2b/names.h"

#include <arpa/inet.h>

namespace osiris::e2b_server {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr uint16_t kA = 1;

uint16_t read16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

// The query's header and question with the bits of an answer.
std::string reply_head(std::string_view query, size_t end, uint8_t code, uint8_t answers) {
  std::string reply(query.substr(0, end));
  reply[2] = static_cast<char>(0x80 | (static_cast<uint8_t>(query[2]) & 0x01));
  reply[3] = static_cast<char>(0x80 | code);
  for (size_t at = 6; at < kHeaderBytes; ++at) reply[at] = '\0';
  reply[7] = static_cast<char>(answers);
  return reply;
}

}  // namespace

std::optional<Question> parse_question(std::string_view query) {
  if (query.size() < kHeaderBytes || (query[2] & 0x80) != 0 || read16(query, 4) != 1) return std::nullopt;
  Question question;
  size_t at = kHeaderBytes;
  while (at < query.size() && query[at] != '\0') {
    const size_t length = static_cast<uint8_t>(query[at]);
    if (length > 63 || at + 1 + length >= query.size()) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    for (const char c : query.substr(at + 1, length))
      question.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    at += 1 + length;
  }
  if (at + 5 > query.size()) return std::nullopt;
  question.type = read16(query, at + 1);
  question.end = at + 5;
  return question;
}

std::optional<std::string> answer_from(const NameTable& names, std::string_view query) {
  const auto question = parse_question(query);
  if (!question) return std::nullopt;
  const auto known = names.find(question->name);
  if (known == names.end()) return std::nullopt;
  in_addr address{};
  const bool has_record = question->type == kA && ::inet_pton(AF_INET, known->second.c_str(), &address) == 1;
  std::string reply = reply_head(query, question->end, 0, has_record ? 1 : 0);
  if (!has_record) return reply;
  // A pointer to the question's name, A, IN, a minute, four bytes.
  reply += std::string("\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04", 12);
  reply.append(reinterpret_cast<const char*>(&address), sizeof address);
  return reply;
}

std::string no_such_name(std::string_view query) {
  const auto question = parse_question(query);
  return question ? reply_head(query, question->end, 3, 0) : std::string();
}

}  // namespace osiris::e2b_server
