// Envelopes of Connect's streaming protocol, byte by byte.
#include "plugins/e2b/api/connect_codec.h"

#include <gtest/gtest.h>

namespace osiris::e2b {
namespace {

std::string envelope(unsigned char flags, uint32_t length, std::string_view payload) {
  std::string out(1, static_cast<char>(flags));
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>((length >> shift) & 0xff);
  return out.append(payload);
}

std::string refusal(std::string_view bytes) {
  EnvelopeDecoder decoder;
  decoder.feed(bytes);
  const auto next = decoder.next();
  return next ? "" : next.error().message;
}

TEST(ConnectCodec, AnEnvelopeIsItsLengthAndItsPayload) {
  EXPECT_EQ(encode_envelope("{}"), std::string("\0\0\0\0\2{}", 7));
  EXPECT_EQ(encode_envelope(std::string(0x010203, 'x')).substr(0, 5), std::string("\0\0\1\2\3", 5));
}

TEST(ConnectCodec, AnEnvelopeIsReadWhateverWayItsBytesCome) {
  const std::string bytes = envelope(0, 3, "abc") + envelope(0, 0, "") + envelope(2, 2, "{}");
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    EnvelopeDecoder decoder;
    std::string seen;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      decoder.feed(std::string_view(bytes).substr(at, piece));
      for (auto next = decoder.next(); next && *next; next = decoder.next())
        seen += (*next)->payload + ((*next)->end_of_stream ? "." : ",");
    }
    EXPECT_EQ(seen, "abc,,{}.") << piece;
    EXPECT_FALSE(decoder.has_partial());
  }
}

TEST(ConnectCodec, AnEnvelopeThatIsNotWholeIsWaitedFor) {
  EnvelopeDecoder decoder;
  decoder.feed(envelope(0, 3, "ab"));
  ASSERT_TRUE(decoder.next().ok());
  EXPECT_FALSE(decoder.next()->has_value());
  EXPECT_TRUE(decoder.has_partial());
  decoder.feed("c");
  EXPECT_EQ((**decoder.next()).payload, "abc");
  EXPECT_FALSE(decoder.has_partial());
}

TEST(ConnectCodec, ManyEnvelopesDoNotPileUp) {
  EnvelopeDecoder decoder;
  const std::string one = envelope(0, 100'000, std::string(100'000, 'x'));
  for (int i = 0; i < 50; ++i) {
    decoder.feed(one + one.substr(0, 7));
    decoder.feed(one.substr(7));
    for (int taken = 0; taken < 2; ++taken) {
      const auto next = decoder.next();
      ASSERT_TRUE(next.ok() && next->has_value());
      EXPECT_EQ((*next)->payload.size(), 100'000u);
    }
  }
  EXPECT_FALSE(decoder.has_partial());
}

TEST(ConnectCodec, WhatIsNoEnvelopeOfThisStreamIsRefused) {
  EXPECT_EQ(refusal(envelope(1, 0, "")), "a compressed Connect envelope, which was not asked for");
  EXPECT_EQ(refusal(envelope(4, 0, "")), "a Connect envelope with unknown flags 4");
  EXPECT_EQ(refusal(envelope(0, kEnvelopeBytesMax + 1, "")), "a Connect envelope of 67108865 bytes");
  EXPECT_EQ(refusal(envelope(0, kEnvelopeBytesMax, "")), "") << "as large as one may be: more bytes are waited for";
}

TEST(ConnectCodec, NothingComesAfterTheEnd) {
  EnvelopeDecoder decoder;
  decoder.feed(envelope(2, 2, "{}"));
  EXPECT_TRUE((**decoder.next()).end_of_stream);
  EXPECT_FALSE(decoder.next()->has_value());
  decoder.feed("x");
  ASSERT_FALSE(decoder.next().ok());
  EXPECT_EQ(decoder.next().error().message, "bytes after the end of a Connect stream");
}

}  // namespace
}  // namespace osiris::e2b
