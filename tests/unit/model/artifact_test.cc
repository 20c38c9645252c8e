#include "protocol/model/artifact.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(ArtifactTest, SurvivesTheWire) {
  const Artifact artifact{"out.csv", "/abs/out.csv", 3, std::string(64, 'a'), "write"};
  const auto back = artifact_from_json(to_json(artifact));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->target, "/abs/out.csv");
  EXPECT_EQ(back->size_bytes, 3u);
}

TEST(ArtifactTest, WithoutPlaceSizeOrHashIsRefused) {
  const Artifact good{"out.csv", "/abs/out.csv", 3, std::string(64, 'a'), "write"};
  for (const char* key : {"path", "target", "size_bytes", "sha256"}) {
    Json json = to_json(good);
    json.erase(key);
    EXPECT_FALSE(artifact_from_json(json).ok()) << key;
  }
  Json relative = to_json(good);
  relative.set("target", "out.csv");
  EXPECT_FALSE(artifact_from_json(relative).ok());
}

}  // namespace
}  // namespace osiris
