#include <gtest/gtest.h>

#include "servers/e2b/connect_codec.h"
#include "servers/e2b/gunzip.h"
#include "servers/e2b/http_range.h"
#include "servers/e2b/multipart.h"
#include "servers/e2b/process.h"

namespace osiris::e2b_server {
namespace {

TEST(Envelope, IsOneFlagFourLengthBytesAndThePayload) {
  EXPECT_EQ(envelope(kEndOfStream, "{}"), std::string("\x02\0\0\0\x02{}", 7));
}

TEST(EnvelopeReader, HoldsAPartialEnvelopeUntilItsRestArrives) {
  const std::string bytes = envelope(0, R"({"a":1})") + envelope(kEndOfStream, "{}");
  EnvelopeReader reader;
  std::vector<Envelope> seen;
  for (const char byte : bytes) {
    reader.feed(std::string_view(&byte, 1));
    auto next = reader.next();
    ASSERT_TRUE(next.ok());
    if (next->has_value()) seen.push_back(**next);
  }
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].payload, R"({"a":1})");
  EXPECT_EQ(seen[1].flags, kEndOfStream);
  EXPECT_TRUE(reader.is_empty());
}

TEST(EnvelopeReader, RefusesALengthBeyondReason) {
  EnvelopeReader reader;
  reader.feed(std::string("\0\x7f\xff\xff\xff", 5));
  EXPECT_FALSE(reader.next().ok());
}

TEST(ConnectCodes, HaveTheirHttpStatus) {
  EXPECT_EQ(http_status_of("not_found"), 404);
  EXPECT_EQ(http_status_of("unauthenticated"), 401);
  EXPECT_EQ(http_status_of("no such code"), 500);
}

TEST(ProtoJson, TakesNumbersAsTextAndBytesInEveryAlphabet) {
  EXPECT_EQ(integer(Json("42")), 42);
  EXPECT_EQ(integer(Json(42)), 42);
  EXPECT_EQ(integer(Json("4x"), -1), -1);
  EXPECT_EQ(decode_bytes(Json("-_8")), std::string("\xfb\xff"));
  EXPECT_EQ(decode_bytes(Json("+/8=")), std::string("\xfb\xff"));
  EXPECT_FALSE(decode_bytes(Json("*")));
  EXPECT_EQ(field(Json::object({{"include_entry", true}}), "includeEntry", "include_entry").as_bool(), true);
}

TEST(EndEvent, LeavesZeroValuesOutAndSpeaksGo) {
  EXPECT_EQ(end_event(0).dump(), R"({"event":{"end":{"exited":true,"status":"exit status 0"}}})");
  EXPECT_EQ(end_event(3 << 8).dump(),
            R"({"event":{"end":{"exitCode":3,"exited":true,"status":"exit status 3","error":"exit status 3"}}})");
  EXPECT_EQ(end_event(9).dump(),
            R"({"event":{"end":{"exitCode":-1,"status":"signal: killed","error":"signal: killed"}}})");
}

struct Parts {
  std::vector<std::pair<std::string, std::string>> files;  // filename, content
  MultipartReader::Sink sink() {
    return {
        [this](const std::string&, const std::string& filename) { return files.emplace_back(filename, ""), Status(); },
        [this](std::string_view bytes) { return files.back().second += bytes, Status(); }, [] { return Status(); }};
  }
};

const std::string kBody =
    "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"d/\xc3\xbc.txt\"\r\nContent-Type: "
    "text/plain\r\n\r\n"
    "a\r\n--X not yet\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"; "
    "filename=\"empty\"\r\n\r\n\r\n--XX--\r\n";

TEST(MultipartReader, FindsThePartsHoweverTheBytesAreCut) {
  for (size_t step = 1; step <= kBody.size(); ++step) {
    Parts parts;
    MultipartReader reader("XX", parts.sink());
    for (size_t at = 0; at < kBody.size(); at += step)
      ASSERT_TRUE(reader.feed(std::string_view(kBody).substr(at, step)).ok());
    ASSERT_TRUE(reader.finish().ok()) << step;
    ASSERT_EQ(parts.files.size(), 2u) << step;
    EXPECT_EQ(parts.files[0], std::make_pair(std::string("d/\xc3\xbc.txt"), std::string("a\r\n--X not yet")));
    EXPECT_EQ(parts.files[1], std::make_pair(std::string("empty"), std::string()));
  }
}

TEST(MultipartReader, RefusesABodyWithoutItsClosingBoundary) {
  Parts parts;
  MultipartReader reader("XX", parts.sink());
  ASSERT_TRUE(reader.feed(std::string_view(kBody).substr(0, kBody.size() - 6)).ok());
  EXPECT_FALSE(reader.finish().ok());
}

TEST(MultipartReader, ReadsTheBoundaryOfTheContentType) {
  EXPECT_EQ(MultipartReader::boundary_of("multipart/form-data; boundary=----x"), "----x");
  EXPECT_EQ(MultipartReader::boundary_of("multipart/form-data; boundary=\"a b\""), "a b");
  EXPECT_EQ(MultipartReader::boundary_of("application/json"), "");
}

TEST(Gunzip, UndoesGzipInAnyPieces) {
  std::string text, packed, unpacked;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i * 7919);
  Gzip().feed(text, true, packed);
  Gunzip gunzip;
  for (size_t at = 0; at < packed.size(); at += 1000)
    ASSERT_TRUE(gunzip.feed(std::string_view(packed).substr(at, 1000), unpacked).ok());
  EXPECT_TRUE(gunzip.finish().ok());
  EXPECT_EQ(unpacked, text);
}

TEST(Gunzip, RefusesWhatIsNotGzipAndWhatEndsEarly) {
  std::string out;
  Gunzip wrong, torn;
  EXPECT_FALSE(wrong.feed("plain text", out).ok());
  std::string packed;
  Gzip().feed("something", true, packed);
  ASSERT_TRUE(torn.feed(packed.substr(0, packed.size() - 4), out).ok());
  EXPECT_FALSE(torn.finish().ok());
}

TEST(Range, IsAnsweredAsTheRfcSays) {
  EXPECT_EQ(answer_range("bytes=2-4", 10).content_range, "bytes 2-4/10");
  EXPECT_EQ(answer_range("bytes=8-", 10).length, 2u);
  EXPECT_EQ(answer_range("bytes=-3", 10).offset, 7u);
  EXPECT_EQ(answer_range("bytes=2-400", 10).content_range, "bytes 2-9/10");
  EXPECT_EQ(answer_range("bytes=10-", 10).status, 416);
  EXPECT_EQ(answer_range("lines=1-2", 10).status, 200);
  EXPECT_EQ(answer_range("", 0).length, 0u);
}

}  // namespace
}  // namespace osiris::e2b_server
