// Signatures against the examples that Amazon publishes ("Authenticating Requests: Using the Authorization Header"),
// and what else is text: paths, queries, listings.
#include <gtest/gtest.h>

#include "worker/drivers/remote/listing.h"
#include "worker/drivers/remote/location.h"
#include "worker/drivers/remote/signature.h"

namespace osiris::worker::remote {
namespace {

std::string signature_of(const std::string& url) {
  S3Access access;
  access.key_id = "AKIAIOSFODNN7EXAMPLE";
  access.secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  http::Request request;
  request.url = url;
  sign(request, access, "20130524T000000Z");
  const std::string text(request.headers.get("authorization"));
  return text.substr(text.find("Signature=") + 10);
}

TEST(Signature, IsAmazonsOwn) {
  EXPECT_EQ(signature_of("https://examplebucket.s3.amazonaws.com/" + encoded_query({{"lifecycle", ""}})),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(
      signature_of("https://examplebucket.s3.amazonaws.com/" + encoded_query({{"prefix", "J"}, {"max-keys", "2"}})),
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(Signature, LeavesTheDefaultPortOutOfTheHost) {
  EXPECT_EQ(signature_of("https://examplebucket.s3.amazonaws.com:443/?lifecycle="),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_NE(signature_of("https://examplebucket.s3.amazonaws.com:9000/?lifecycle="),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(Signature, IsNotMadeWithoutAKey) {
  http::Request request;
  request.url = "https://b.example/";
  sign(request, S3Access(), "20130524T000000Z");
  EXPECT_TRUE(request.headers.entries().empty());
}

TEST(Texts, AreEncodedAsS3WantsThem) {
  EXPECT_EQ(encoded_path("a b/ü+.csv"), "a%20b/%C3%BC%2B.csv");
  EXPECT_EQ(encoded_query({{"b", "2 3"}, {"a", ""}}), "?a=&b=2%203");
  EXPECT_EQ(encoded_query({}), "");
  EXPECT_EQ(amazon_time(1369353600), "20130524T000000Z");
}

TEST(Texts, OfListingsAreRead) {
  const auto listing = read_listing(
      "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1"
      "</NextContinuationToken><Contents><Key>a&lt;b</Key><ETag>&quot;x&quot;</ETag><Size>12</Size></Contents>"
      "</ListBucketResult>");
  ASSERT_TRUE(listing.ok()) << listing.error().message;
  EXPECT_EQ(listing->next, "t&1");
  ASSERT_EQ(listing->objects.size(), 1u);
  EXPECT_EQ(listing->objects[0].key, "a<b");
  EXPECT_EQ(listing->objects[0].etag, "\"x\"");
  EXPECT_EQ(listing->objects[0].size, 12u);
  for (const char* bad : {"", "<html></html>", "<ListBucketResult><Contents>",
                          "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
                          "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"})
    EXPECT_FALSE(read_listing(bad).ok()) << bad;
}

TEST(Texts, OfBucketsBecomeHosts) {
  S3Access access;
  access.path_style = false;
  access.region = "eu-central-1";
  EXPECT_EQ(bucket_url(access, "lake"), "https://lake.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(bucket_url(access, "lake.of.dots"), "https://s3.eu-central-1.amazonaws.com/lake.of.dots");
  access.endpoint = "https://objects.example:9000";
  EXPECT_EQ(bucket_url(access, "lake"), "https://lake.objects.example:9000");
  access.path_style = true;
  EXPECT_EQ(bucket_url(access, "lake"), "https://objects.example:9000/lake");
}

TEST(Texts, OfPathsAreJudged) {
  const auto said = [](const char* path) {
    const auto location = read_location(path);
    return location.ok() ? location->shown : location.error().message;
  };
  EXPECT_EQ(said("s3://lake/a/b.csv"), "s3://lake/a/b.csv");
  EXPECT_EQ(said("https://h.example/a.csv?X-Amz-Signature=secret"), "https://h.example/a.csv");
  EXPECT_EQ(said("http://127.0.0.1:9000/a.csv"), "http://127.0.0.1:9000/a.csv");
  EXPECT_NE(said("http://h.example/a.csv").find("which any machine on the way can change"), std::string::npos);
  EXPECT_NE(said("http://127.0.0.1.example/a.csv"), "");
  EXPECT_NE(said("s3://lake").find("names no object"), std::string::npos);
  EXPECT_NE(said("s3://Lake!/a").find("names no object"), std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::remote
