#include "protocol/rpc/params.h"

#include <gtest/gtest.h>

namespace osiris::rpc {
namespace {

PrepareParams sample() {
  PrepareParams params;
  params.run_id = "run_1";
  params.session_dir = "/s";
  params.work_dir = "/w";
  params.plan = Json::object({{"steps", Json::array()}});
  params.secrets = Json::object({{"connection/mysql.shop/password", "p"}});
  params.env = Json::object({{"TOKEN", "t"}});
  params.connections = Json::object({{"@mysql.shop", Json::object()}});
  params.settings.memory_limit_bytes = uint64_t{512} << 20;
  params.settings.heartbeat_ms = 50;
  params.settings.cache_dir = "/c";
  params.specs_sha256 = "ab";
  params.worker_version = "1";
  params.path_map = {{"/a", "/b"}};
  return params;
}

TEST(PrepareParamsTest, SurviveTheWire) {
  const auto back = prepare_params_from_json(to_json(sample()));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(to_json(*back).dump(), to_json(sample()).dump());
  EXPECT_EQ(back->settings.memory_limit_bytes, uint64_t{512} << 20);
  EXPECT_EQ(back->secrets["connection/mysql.shop/password"].as_string(), "p");
  EXPECT_EQ(back->path_map.at(0).to, "/b");
}

TEST(PrepareParamsTest, AbsentSettingsKeepTheirDefaults) {
  const Settings settings = settings_from_json(Json());
  EXPECT_EQ(settings.heartbeat_ms, 1000u);
  EXPECT_EQ(settings.memory_limit_bytes, 0u);
  EXPECT_FALSE(settings.allow_mock);
  EXPECT_FALSE(settings.install_deps);
}

TEST(PrepareParamsTest, AnotherProtocolIsUnsupportedAndNamesBoth) {
  Json json = to_json(sample());
  json.set("protocol", 2);
  const auto params = prepare_params_from_json(json);
  ASSERT_FALSE(params.ok());
  EXPECT_EQ(params.error().code, Code::kUnsupported);
  EXPECT_NE(params.error().message.find("protocol 2"), std::string::npos);
}

TEST(PrepareParamsTest, WhatIsMissingOrWrongIsRefused) {
  const auto refused = [](const char* key, Json value) {
    Json json = to_json(sample());
    json.set(key, std::move(value));
    return !prepare_params_from_json(json).ok();
  };
  EXPECT_TRUE(refused("run_id", ""));
  EXPECT_TRUE(refused("session_dir", "relative"));
  EXPECT_TRUE(refused("work_dir", 3));
  EXPECT_TRUE(refused("plan", "text"));
  EXPECT_TRUE(refused("plan_path", "/both"));
  EXPECT_TRUE(refused("secrets", Json::object({{"x", 1}})));
  EXPECT_TRUE(refused("env", Json::array()));
  EXPECT_TRUE(refused("path_map", Json::array({Json::object({{"from", "a"}, {"to", "/b"}})})));
}

TEST(PackedTest, SurvivesTheWire) {
  Packed packed{"/w/out.tar.zst", 70, {}};
  packed.files = {{1, "output", "save", "out.csv", 9, std::string(64, 'a')},
                  {2, "session", "", "artifacts/x", 0, std::string(64, 'b')}};
  const auto back = packed_from_json(to_json(packed));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(packed));
  ASSERT_EQ(back->files.size(), 2u);
  EXPECT_EQ(back->files[0].step_id, "save");
  EXPECT_EQ(back->files[1].number, 2u);
}

TEST(PackedTest, WithoutAnArchiveOrWithAFileThatCannotBeVerifiedIsRefused) {
  const Json files = to_json(Packed{"/a", 1, {{1, "output", "s", "out.csv", 9, std::string(64, 'a')}}})["files"];
  const auto refused = [](const char* path, Json listed) {
    return !packed_from_json(Json::object({{"path", path}, {"size_bytes", 1}, {"files", std::move(listed)}})).ok();
  };
  EXPECT_FALSE(refused("/a", files));
  EXPECT_TRUE(refused("", files));
  EXPECT_TRUE(refused("/a", Json()));
  EXPECT_TRUE(refused("/a", Json::array({Json::object({{"path", "x"}, {"sha256", "ab"}})})));
  EXPECT_TRUE(refused("/a", Json::array({Json::object({{"sha256", std::string(64, 'a')}})})));
}

}  // namespace
}  // namespace osiris::rpc
