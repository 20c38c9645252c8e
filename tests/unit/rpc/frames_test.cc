#include "protocol/rpc/frames.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace osiris::rpc {
namespace {

using Kind = Frame::Kind;

std::vector<Frame> parse(std::string_view bytes, size_t piece = SIZE_MAX) {
  FrameParser parser;
  std::vector<Frame> frames;
  for (size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at)) {
    parser.feed(bytes.substr(at, piece));
    while (auto frame = parser.next()) frames.push_back(*std::move(frame));
  }
  if (auto frame = parser.finish()) frames.push_back(*std::move(frame));
  return frames;
}

TEST(FrameParser, HoldsAPartialLineUntilTheNewlineArrives) {
  FrameParser parser;
  parser.feed("{\"id\":");
  EXPECT_FALSE(parser.next());
  parser.feed("\"x\"}");
  EXPECT_FALSE(parser.next());
  parser.feed("\n");
  const auto frame = parser.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->kind, Kind::kMessage);
  EXPECT_EQ(frame->message["id"].as_string(), "x");
  EXPECT_FALSE(parser.next());
  EXPECT_EQ(parser.buffered_bytes(), 0u);
}

TEST(FrameParser, SkipsEmptyLines) { EXPECT_EQ(parse("\n\n{}\n\n").size(), 1u); }

TEST(FrameParser, TakesABlobWithAnyBytesInIt) {
  const std::string bytes("\0\n{}@\xff\n", 8);
  const auto frames = parse(*encode_blob(bytes) + "{}\n");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].kind, Kind::kBlob);
  EXPECT_EQ(frames[0].bytes, bytes);
  EXPECT_EQ(frames[1].kind, Kind::kMessage);
}

TEST(FrameParser, TakesAnEmptyBlob) {
  const auto frames = parse("@0\n\n");
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].kind, Kind::kBlob);
  EXPECT_EQ(frames[0].bytes, "");
}

TEST(FrameParser, ReportsGarbageOnceAndGoesOnAtTheNextLine) {
  const auto frames = parse("Traceback (most recent call last):\n{\"a\":1}\n");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].kind, Kind::kGarbage);
  EXPECT_EQ(frames[0].bytes, "Traceback (most recent call last):");
  EXPECT_EQ(frames[0].size_bytes, 34u);
  EXPECT_EQ(frames[1].kind, Kind::kMessage);
}

TEST(FrameParser, JsonThatIsNoObjectIsGarbage) {
  for (const char* line : {"{\"a\":1\n", "{]\n", "[1]\n", "\"x\"\n", "{\"a\":\"\xff\"}\n", "{} {}\n", " {}\n"}) {
    const auto frames = parse(std::string(line) + "{\"ok\":1}\n");
    ASSERT_EQ(frames.size(), 2u) << line;
    EXPECT_EQ(frames[0].kind, Kind::kGarbage) << line;
    EXPECT_FALSE(frames[0].reason.empty());
    EXPECT_EQ(frames[1].kind, Kind::kMessage) << line;
  }
}

TEST(FrameParser, ABlobLengthThatIsNoneIsGarbage) {
  for (const char* line :
       {"@\n", "@x\n", "@-1\n", "@1 \n", "@67108865\n", "@99999999999999999999999\n", "@1.5\n", "@+1\n"}) {
    const auto frames = parse(std::string(line) + "{\"ok\":1}\n");
    ASSERT_EQ(frames.size(), 2u) << line;
    EXPECT_EQ(frames[0].kind, Kind::kGarbage) << line;
    EXPECT_EQ(frames[1].kind, Kind::kMessage) << line;
  }
}

TEST(FrameParser, ABlobLongerThanItSaidIsGarbageUpToTheNextLineEnd) {
  const auto frames = parse("@3\nabcdef\n{\"ok\":1}\n");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].kind, Kind::kGarbage);
  EXPECT_EQ(frames[0].bytes, "abcdef");
  EXPECT_EQ(frames[1].kind, Kind::kMessage);
}

TEST(FrameParser, AMessageAtItsLimitIsTakenAndOneBeyondIsGarbage) {
  const auto one = [](size_t size) { return "{\"a\":\"" + std::string(size - 8, 'x') + "\"}"; };
  FrameParser parser(100, 100);
  parser.feed(one(100) + "\n" + one(101) + "\n{}\n");
  EXPECT_EQ(parser.next()->kind, Kind::kMessage);
  EXPECT_EQ(parser.next()->kind, Kind::kGarbage);
  EXPECT_EQ(parser.next()->kind, Kind::kMessage);
}

TEST(FrameParser, ALineWithoutEndIsNotHeldInMemory) {
  FrameParser parser(1000, 1000);
  const std::string block(600, 'x');
  parser.feed("{");
  for (int i = 0; i < 100; ++i) {
    parser.feed(block);
    EXPECT_FALSE(parser.next());
    EXPECT_LE(parser.buffered_bytes(), 1300u);
  }
  parser.feed("\n{}\n");
  const auto garbage = parser.next();
  ASSERT_TRUE(garbage);
  EXPECT_EQ(garbage->size_bytes, 60'001u);
  EXPECT_EQ(garbage->bytes.size(), kGarbageExcerptBytes);
  EXPECT_EQ(parser.next()->kind, Kind::kMessage);
}

TEST(FrameParser, WhatWasBegunAndNotEndedIsReportedAtTheEnd) {
  for (const char* bytes : {"{\"a\":", "@10\nabc", "garbage", "@12"}) {
    const auto frames = parse(bytes);
    ASSERT_EQ(frames.size(), 1u) << bytes;
    EXPECT_EQ(frames[0].kind, Kind::kGarbage) << bytes;
  }
  EXPECT_TRUE(parse("{}\n").size() == 1);
}

TEST(FrameParser, APieceOfAnySizeGivesTheSameFrames) {
  std::mt19937 random(7);
  std::string stream;
  for (int i = 0; i < 200; ++i) {
    switch (random() % 5) {
      case 0:
        stream += "noise " + std::to_string(i) + "\n";
        break;
      case 1:
        stream += *encode_blob(std::string(random() % 300, '\n'));
        break;
      case 2:
        stream += "@7\nshort\n{}\n";
        break;
      default:
        stream += *encode_message(Json::object({{"i", i}, {"text", std::string(random() % 200, 'x')}}));
    }
  }
  const auto whole = parse(stream);
  for (const size_t piece : {1, 2, 3, 7, 64, 1000}) {
    const auto pieces = parse(stream, piece);
    ASSERT_EQ(pieces.size(), whole.size()) << piece;
    for (size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(pieces[i].kind, whole[i].kind);
      EXPECT_EQ(pieces[i].bytes, whole[i].bytes);
      EXPECT_TRUE(pieces[i].message == whole[i].message);
    }
  }
}

TEST(FrameParser, AResetForgetsAHalfFrame) {
  FrameParser parser;
  parser.feed("@100\nhalf");
  EXPECT_FALSE(parser.next());
  parser.reset();
  parser.feed("{}\n");
  EXPECT_EQ(parser.next()->kind, Kind::kMessage);
}

TEST(FrameParser, ConsumedBytesCanBeWiped) {
  FrameParser parser;
  parser.feed("{\"secret\":\"s\"}\n{\"half\"");
  EXPECT_TRUE(parser.next());
  parser.wipe_consumed();
  parser.feed(":1}\n");
  const auto frame = parser.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->message["half"].as_int(), 1);
}

TEST(Encode, AMessageTooLongIsAnErrorAndNotAFrame) {
  const auto encoded = encode_message(Json::object({{"a", std::string(kMessageBytesMax, 'x')}}));
  ASSERT_FALSE(encoded.ok());
  EXPECT_EQ(encoded.error().code, Code::kExhausted);
}

TEST(Encode, ALineHoldsNoLineEndOfItsText) {
  const auto encoded = encode_message(Json::object({{"a", "x\ny"}}));
  EXPECT_EQ(*encoded, "{\"a\":\"x\\ny\"}\n");
}

TEST(Printable, EscapesWhatATerminalWouldNotShow) { EXPECT_EQ(printable("a\x1b[\xff"), "a\\x1b[\\xff"); }

TEST(FrameParser, WhatTheEndCutsSaysWhereItWas) {
  const auto rest = [](std::string_view bytes) {
    FrameParser parser;
    parser.feed(bytes);
    EXPECT_FALSE(parser.next());
    const auto frame = parser.finish();
    return frame ? frame->reason : "";
  };
  EXPECT_EQ(rest("{\"half\": "), "the stream ended inside a line");
  EXPECT_EQ(rest("@5\nhel"), "the stream ended inside a blob");
  EXPECT_EQ(rest("@5\n"), "the stream ended inside a blob");
  EXPECT_EQ(rest(""), "");
}

}  // namespace
}  // namespace osiris::rpc
