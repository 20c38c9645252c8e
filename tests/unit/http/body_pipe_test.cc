#include <gtest/gtest.h>

#include <thread>

#include "protocol/http/transport.h"

namespace osiris::http {
namespace {

using Read = BodyPipe::Read;

std::string drained(BodyPipe& pipe, size_t block_bytes) {
  std::string all, block(block_bytes, '\0');
  for (size_t count = 0; pipe.read_wait(block.data(), block.size(), &count) == Read::kBytes;)
    all.append(block, 0, count);
  return all;
}

TEST(BodyPipe, PiecesOfEverySizeArriveInOrder) {
  BodyPipe pipe(10'000);
  std::string expected;
  std::thread producer([&] {
    for (size_t i = 0; i < 60; ++i) {
      const std::string piece(i % 7 == 0 ? (size_t{300} << 10) + i : i * 100, static_cast<char>('a' + i % 26));
      expected += piece;
      ASSERT_TRUE(pipe.write(piece));
    }
    pipe.close();
  });
  const std::string arrived = drained(pipe, 3'000);
  producer.join();
  EXPECT_TRUE(arrived == expected);
}

TEST(BodyPipe, ALargePieceIsReadWhereItIs) {
  BodyPipe pipe;
  std::string piece(size_t{1} << 20, 'a');
  std::thread producer([&] { EXPECT_FALSE(pipe.write(piece)); });  // it is abandoned in the end
  char first = 0, second = 0;
  size_t count = 0;
  ASSERT_EQ(pipe.read_wait(&first, 1, &count), Read::kBytes);
  piece[1] = 'b';  // its owner still waits
  ASSERT_EQ(pipe.read_wait(&second, 1, &count), Read::kBytes);
  EXPECT_EQ(second, 'b');
  pipe.abandon();
  producer.join();
}

TEST(BodyPipe, AnAbandonedPipeLetsItsProducerGo) {
  for (const size_t size : {size_t{100}, size_t{1} << 20}) {
    BodyPipe pipe(10);
    std::thread producer([&] { EXPECT_FALSE(pipe.write(std::string(size, 'a'))); });
    char byte = 0;
    size_t count = 0;
    EXPECT_EQ(pipe.read_wait(&byte, 1, &count), Read::kBytes);
    pipe.abandon();
    producer.join();
    EXPECT_FALSE(pipe.write("more"));
  }
}

TEST(BodyPipe, TheReaderIsToldOfWhatArrivesInAnEmptyPipe) {
  BodyPipe pipe;
  int told = 0;
  pipe.on_readable([&] { ++told; });
  std::string block(size_t{2} << 20, '\0');
  size_t count = 0;
  EXPECT_EQ(pipe.read(block.data(), block.size(), &count), Read::kAgain);
  pipe.write("one");
  EXPECT_EQ(told, 1);
  EXPECT_EQ(pipe.read(block.data(), block.size(), &count), Read::kBytes);
  std::thread producer([&] {
    pipe.write(std::string(size_t{1} << 20, 'b'));
    pipe.close();
  });
  EXPECT_EQ(pipe.read_wait(block.data(), block.size(), &count), Read::kBytes);
  EXPECT_EQ(count, size_t{1} << 20);
  producer.join();
  EXPECT_EQ(told, 3);
  EXPECT_EQ(pipe.read(block.data(), block.size(), &count), Read::kEnd);
}

}  // namespace
}  // namespace osiris::http
