// The keys `encoding` and `compression`: every value, and files that are not what they claim.
#include <optional>

#include "protocol/base/text.h"
#include "tests/drivers/filesystem.csv_extractor/extract.h"
#include "worker/drivers/files/byte_source.h"
#include "worker/drivers/filesystem.csv_extractor/encoding.h"

namespace osiris::worker::test {
namespace {

Extracted extract_as(const std::string& encoding, const std::string& bytes) {
  return extract(bytes, Json::object({{"encoding", encoding}}));
}

TEST(CsvExtractorEncoding, Utf8IsTheDefaultAndItsMarkIsDropped) {
  EXPECT_EQ(extract("n\xc3\xa1m\xc4\x9b\n\xe2\x82\xac\n\xf0\x9f\x90\x98\n").rows, "\xe2\x82\xac\n\xf0\x9f\x90\x98\n");
  EXPECT_EQ(extract("\xef\xbb\xbf"
                    "a\n1\n")
                .columns,
            "a BIGINT");
}

TEST(CsvExtractorEncoding, Utf8ThatIsBrokenNamesByteOffsetAndLine) {
  const Extracted got = extract("a\nx\ny\xff\n");
  EXPECT_EQ(got.error, "CSV encoding error (tried utf-8): byte 0xff at offset 5, line 3: not a character of utf-8");
  EXPECT_NE(got.hint.find("set `encoding`"), std::string::npos);
  for (const char* broken : {"a\n\xc0\x80\n", "a\n\xed\xa0\x80\n", "a\n\xf5\x80\x80\x80\n", "a\n\xe2\x82", "a\n\x80\n"})
    EXPECT_EQ(extract(broken).error.substr(0, 34), "CSV encoding error (tried utf-8): ") << broken;
}

TEST(CsvExtractorEncoding, TheMarkIsCountedInOffsetsAndIsNoText) {
  EXPECT_EQ(extract("\xef\xbb\xbf"
                    "a\nx\ny\xff\n")
                .error,
            "CSV encoding error (tried utf-8): byte 0xff at offset 8, line 3: not a character of utf-8");
  csv::Decoder alone(csv::Encoding::kUtf8, "utf-8");
  std::string text;
  ASSERT_TRUE(alone.decode("\xef\xbb\xbf", text).ok());
  EXPECT_TRUE(alone.finish().ok());
  EXPECT_EQ(text, "");
  csv::Decoder in_pieces(csv::Encoding::kUtf8, "utf-8");
  for (const char* piece : {"\xef", "\xbb", "\xbf", "a"}) ASSERT_TRUE(in_pieces.decode(piece, text).ok());
  EXPECT_EQ(text, "a");
}

TEST(CsvExtractorEncoding, Utf16InBothByteOrders) {
  const std::string little(
      "\xff\xfe"
      "a\0\n\0\x1b\x01\n\0\x3d\xd8\x18\xdc\n\0",
      14);
  const std::string big("\xfe\xff\0a\0\n\x01\x1b\0\n\xd8\x3d\xdc\x18\0\n", 14);
  EXPECT_EQ(extract_as("utf-16", little).rows, "\xc4\x9b\n\xf0\x9f\x90\x98\n");
  EXPECT_EQ(extract_as("utf-16", big).rows, "\xc4\x9b\n\xf0\x9f\x90\x98\n");
}

TEST(CsvExtractorEncoding, Utf16WithHalfAPairOrHalfAUnitIsAnError) {
  EXPECT_EQ(extract_as("utf-16", std::string("\xff\xfe"
                                             "a\0\n\0\x3d\xd8x\0",
                                             10))
                .error,
            "CSV encoding error (tried utf-16): byte 0x3d at offset 6, line 2: half of a surrogate pair");
  EXPECT_EQ(extract_as("utf-16", std::string("\xff\xfe"
                                             "a\0\n\0x",
                                             7))
                .error,
            "CSV encoding error (tried utf-16): byte 0x78 at offset 6, line 2: the file ends inside a character");
}

TEST(CsvExtractorEncoding, AsciiIsStrict) {
  EXPECT_EQ(extract_as("ascii", "a\nplain\n").rows, "plain\n");
  EXPECT_EQ(extract_as("ascii", "a\ncaf\xc3\xa9\n").error,
            "CSV encoding error (tried ascii): byte 0xc3 at offset 5, line 2: not in the range of ascii");
}

TEST(CsvExtractorEncoding, WhatStandsBehindAPieceIsNoPartOfIt) {
  csv::Decoder decoder(csv::Encoding::kAscii, "ascii");
  std::string text;
  EXPECT_TRUE(decoder.decode(std::string_view("abc\xff").substr(0, 3), text).ok());
  EXPECT_EQ(text, "abc");
}

TEST(CsvExtractorEncoding, Latin1UnderBothItsNames) {
  for (const char* name : {"latin-1", "iso-8859-1"})
    EXPECT_EQ(extract_as(name, "a\ncaf\xe9 \xff\n").rows, "caf\xc3\xa9 \xc3\xbf\n");
}

TEST(CsvExtractorEncoding, OthersAreRefusedByName) {
  EXPECT_EQ(extract_as("cp1250", "a\n1\n").error,
            "'encoding' must be utf-8, utf-16, ascii, latin-1, iso-8859-1, cp1252 or windows-1252, not 'cp1250'");
}

TEST(CsvExtractorEncoding, Cp1252UnderBothItsNames) {
  for (const char* name : {"cp1252", "windows-1252"})
    EXPECT_EQ(extract_as(name, "a\n\x80 \x93q\x94 caf\xe9 \xff\n").rows, "€ “q” café ÿ\n");
  EXPECT_EQ(extract_as("cp1252", "a\nb\x81\n").error,
            "CSV encoding error (tried cp1252): byte 0x81 at offset 3, line 2: not a character of cp1252");
}

TEST(CsvExtractorEncoding, TheHintSteersAEuroSignToCp1252) {
  EXPECT_NE(extract("a\n5 \x80\n").hint.find("in cp1252, which Windows programs write, this byte is '€'"),
            std::string::npos);
  EXPECT_NE(extract_as("ascii", "a\n\xe9\n").hint.find("this byte is 'é'"), std::string::npos);
}

TEST(CsvExtractorEncoding, WindowsCharactersReadAsLatin1AreTold) {
  StepHarness step("read");
  step.write_file("in.csv", "a\nx\n5 \x80\n\x96\n");
  step.set_config({{"path", "in.csv"}, {"encoding", "latin-1"}});
  EXPECT_EQ(run_extract(step).error, "");
  EXPECT_EQ(step.logs(),
            std::vector<std::string>{"encoding: line 3: byte 0x80 is a control character in latin-1 and '€' "
                                     "in cp1252: if the file comes from Windows, set encoding: cp1252"});
}

// What gzip, bzip2, xz and zip make of the rows below; the first three as two members, the way appended archives are.
constexpr const char* kRows = "1|one\n2|two\n3|three\n";
constexpr const char* kGzip =
    "H4sIAAAAAAACA8tM0clLzE3lMtTJz0vlMtIpKc/nAgBp8yNDFAAAAB+LCAAAAAAAAgMz1inJKEpN5QIAZLz5KAgAAAA=";
constexpr const char* kBzip2 =
    "QlpoOTFBWSZTWbGxH1sAAAZZgAAQAAQwACYjhIAgACGpkxG9U0IBoApHJqUWPsLx1nxdyRThQkLGxH1sQlpoOTFBWSZTWc5ykM8AAAFZgAAQAAQIAA"
    "JAFAAg"
    "ACIYj0IYCRvwKLuSKcKEhnOUhng=";
constexpr const char* kXz =
    "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQATaWQsbmFtZQoxLG9uZQoyLHR3bwoA+wMdguSLj7sAASwU+AptAx+"
    "2830BAAAAAARZWv03elhaAAAE5ta0RgIA"
    "IQEWAAAAdC/lowEABzMsdGhyZWUKAKtWJfQp1uWyAAEgCLsZ2bsftvN9AQAAAAAEWVo=";
constexpr const char* kZip =
    "UEsDBBQAAAAIAAAAIVqxcqAsHgAAABwAAAAIAAAAZGF0YS5jc3bLTNHJS8xN5TLUyc9L5TLSKSnP5zLWKckoSk3lAgBQSwECFAMUAAAACAAAACFasX"
    "KgLB4A"
    "AAAcAAAACAAAAAAAAAAAAAAAgAEAAAAAZGF0YS5jc3ZQSwUGAAAAAAEAAQA2AAAARAAAAAAA";
constexpr const char* kZstd = "KLUv/QRYoQAAaWQsbmFtZQoxLG9uZQoyLHR3bwqEEf9sKLUv/QRYQQAAMyx0aHJlZQohd4Ad";
constexpr const char* kZipInADirectory =
    "UEsDBBQAAAAAAAAAIVoAAAAAAAAAAAAAAAACAAAAZC9QSwMEFAAAAAAAAAAhWrFyoCwcAAAAHAAAAAoAAABkL2RhdGEuY3N2aWQsbmFtZQoxLG9uZQ"
    "oyLHR3"
    "bwozLHRocmVlClBLAQIUAxQAAAAAAAAAIVoAAAAAAAAAAAAAAAACAAAAAAAAAAAAAACAAQAAAABkL1BLAQIUAxQAAAAAAAAAIVqxcqAsHAAAABwAAA"
    "AKAAAA"
    "AAAAAAAAAACAASAAAABkL2RhdGEuY3N2UEsFBgAAAAACAAIAaAAAAGQAAAAAAA==";
constexpr const char* kZipOfTwo =
    "UEsDBBQAAAAIAAAAIVpp8yNDFgAAABQAAAAFAAAAYS5jc3bLTNHJS8xN5TLUyc9L5TLSKSnP5wIAUEsDBBQAAAAIAAAAIVpkvPkoCgAAAAgAAAAFAA"
    "AAYi5j"
    "c3Yz1inJKEpN5QIAUEsBAhQDFAAAAAgAAAAhWmnzI0MWAAAAFAAAAAUAAAAAAAAAAAAAAIABAAAAAGEuY3N2UEsBAhQDFAAAAAgAAAAhWmS8+"
    "SgKAAAACAAA"
    "AAUAAAAAAAAAAAAAAIABOQAAAGIuY3N2UEsFBgAAAAACAAIAZgAAAGYAAAAAAA==";

std::string bytes(const char* encoded) { return base64_decode(encoded).value(); }

TEST(CsvExtractorCompression, InferGoesByTheSuffix) {
  const std::pair<const char*, const char*> files[] = {
      {"in.csv.gz", kGzip},          {"in.bz2", kBzip2},   {"in.csv.XZ", kXz}, {"in.zip", kZip},
      {"dir.zip", kZipInADirectory}, {"in.csv.zst", kZstd}};
  for (const auto& [file, data] : files) {
    const Extracted got = extract(bytes(data), Json::object({{"compression", "infer"}}), file);
    EXPECT_EQ(got.error, "");
    EXPECT_EQ(got.rows, kRows) << file;
  }
}

TEST(CsvExtractorCompression, EachCanBeNamedWhateverTheSuffix) {
  const std::pair<const char*, const char*> formats[] = {
      {"gzip", kGzip}, {"bz2", kBzip2}, {"xz", kXz}, {"zip", kZip}, {"zstd", kZstd}};
  for (const auto& [format, data] : formats)
    EXPECT_EQ(extract(bytes(data), Json::object({{"compression", format}})).rows, kRows) << format;
  EXPECT_EQ(extract("a\n1\n", Json::object({{"compression", "none"}}), "plain.gz").rows, "1\n");
}

TEST(CsvExtractorCompression, AFileOfAnotherFormatIsAnError) {
  for (const char* format : {"gzip", "bz2", "xz", "zip", "zstd"})
    EXPECT_NE(extract("a\n1\n", Json::object({{"compression", format}})).error.find("cannot decompress"),
              std::string::npos)
        << format;
}

TEST(CsvExtractorCompression, AFileThatIsSomethingElseIsToldByItsFirstBytes) {
  const auto hint = [](const std::string& bytes, Json config = Json::object()) { return extract(bytes, config).hint; };
  EXPECT_EQ(hint("\x1f\x8b\x08\xff\xff"), "the file begins like gzip: set compression: gzip");
  EXPECT_EQ(hint("\x28\xb5\x2f\xfd\x04"), "the file begins like zstd: set compression: zstd");
  EXPECT_EQ(hint(std::string("\xff\xfe"
                             "a\0,\0",
                             6)),
            "the file begins like utf-16: set encoding: utf-16");
  EXPECT_NE(hint("a\n\xff\n").find("set `encoding`"), std::string::npos) << "bytes that say nothing change nothing";
  EXPECT_EQ(extract("PK,a\n1,2\n").error, "");
}

TEST(CsvExtractorCompression, AFileCutShortIsAnErrorAndNotAShortTable) {
  const std::pair<const char*, const char*> formats[] = {
      {"gzip", kGzip}, {"bz2", kBzip2}, {"xz", kXz}, {"zip", kZip}, {"zstd", kZstd}};
  for (const auto& [format, data] : formats) {
    std::string cut = bytes(data);
    cut.resize(cut.size() - 9);
    EXPECT_NE(extract(cut, Json::object({{"compression", format}})).error.find("cannot decompress"), std::string::npos)
        << format;
  }
}

// What is in the file, or the error.
Result<std::string> decompressed(const std::filesystem::path& file, files::Compression compression) {
  OSIRIS_ASSIGN(const auto source, files::open_bytes(file, compression));
  std::string all, buffer(1000, '\0');
  for (size_t size = 1; size > 0; all += buffer.substr(0, size)) {
    OSIRIS_ASSIGN(size, source->read(buffer.data(), buffer.size()));
  }
  return all;
}

TEST(CsvExtractorCompression, ADamagedByteIsAnErrorWhereverItIs) {
  const std::pair<files::Compression, const char*> formats[] = {{files::Compression::kGzip, kGzip},
                                                                {files::Compression::kBzip2, kBzip2},
                                                                {files::Compression::kXz, kXz},
                                                                {files::Compression::kZip, kZip},
                                                                {files::Compression::kZstd, kZstd}};
  StepHarness step;
  for (const auto& [format, data] : formats) {
    const std::string whole = bytes(data);
    for (size_t at = 0; at < whole.size(); ++at) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
      const auto text = decompressed(step.write_file("in", damaged), format);
      // Some bytes say nothing about the data: times, names, the system that made the file.
      EXPECT_TRUE(!text.ok() || *text == "id,name\n1,one\n2,two\n3,three\n") << data << " byte " << at;
    }
  }
}

TEST(CsvExtractorCompression, WhatLooksLikeBadCsvInADamagedFileIsToldAsDamage) {
  std::string damaged = bytes(kZip);
  damaged[44] = static_cast<char>(damaged[44] ^ 0x20);
  EXPECT_NE(extract(damaged, Json::object(), "in.zip").error.find("cannot decompress"), std::string::npos);
}

TEST(CsvExtractorCompression, AFileOfNoBytesWasCutShort) {
  for (const char* format : {"gzip", "bz2", "xz", "zip", "zstd"})
    EXPECT_NE(extract("", Json::object({{"compression", format}})).error.find("cannot decompress"), std::string::npos)
        << format;
}

TEST(CsvExtractorCompression, AZipOfSeveralFilesIsAnError) {
  EXPECT_NE(extract(bytes(kZipOfTwo), Json::object(), "in.zip").error.find("it holds 2 files, not one"),
            std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test
