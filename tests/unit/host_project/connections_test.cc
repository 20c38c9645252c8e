// osiris_connections.yaml, .env files, and what counts as a secret.
#include "host/project/connections.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "host/compat/dotenv.h"
#include "host/project/file_trust.h"
#include "tests/unit/base/secret_field_names.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class ConnectionsTest : public ::testing::Test {
 protected:
  ConnectionsTest() {
    char name[] = "/tmp/osiris-test-XXXXXX";
    dir_ = ::mkdtemp(name);
  }
  ~ConnectionsTest() override { fs::remove_all(dir_); }

  fs::path write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const fs::path file = dir_ / name;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  Connections load(const std::string& text) {
    auto loaded = Connections::load_file(write("osiris_connections.yaml", "connections: " + text), environment_);
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    return loaded.ok() ? *std::move(loaded) : Connections();
  }

  fs::path dir_;
  Environment environment_;
};

const char* const kShop =
    "{mysql: {shop: {default: true, host: \"${H:-local}\", user: u, password: \"${P}\"}, lab: {host: h2}}, supabase: "
    "{lake: {url: x}}}";

TEST_F(ConnectionsTest, AFileThatOthersCanWriteIsRefused) {
  for (const mode_t mode : {0622, 0620, 0602}) {
    const auto loaded = Connections::load_file(write("osiris_connections.yaml", "connections: {}", mode), environment_);
    ASSERT_FALSE(loaded.ok()) << std::oct << mode;
    EXPECT_NE(loaded.error().message.find("can be written by"), std::string::npos);
    EXPECT_NE(loaded.error().hint.find("chmod go-w"), std::string::npos);
  }
  EXPECT_TRUE(Connections::load_file(write("osiris_connections.yaml", "connections: {}", 0644), environment_).ok());
}

TEST_F(ConnectionsTest, TheFirstPlaceWins) {
  write("proj/osiris_connections.yaml", "connections: {a: {x: {f: 1}}}");
  write("osiris_connections.yaml", "connections: {b: {x: {f: 1}}}");
  write("home/osiris_connections.yaml", "connections: {c: {x: {f: 1}}}");
  EXPECT_EQ(Connections::load(dir_ / "proj", environment_)->families(), (std::vector<std::string>{"a"}));
  EXPECT_EQ(Connections::load(dir_ / "other", environment_)->families(), (std::vector<std::string>{"b"}))
      << "the parent directory";
  environment_.set("OSIRIS_HOME", (dir_ / "home").string());
  EXPECT_EQ(Connections::load(dir_ / "proj", environment_)->families(), (std::vector<std::string>{"c"}));
}

TEST_F(ConnectionsTest, NoFileMeansNoConnections) {
  const auto none = Connections::load(dir_ / "a/b", environment_);
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_file());
  EXPECT_EQ(none->default_of("mysql").error().message,
            "No connections configured. Create osiris_connections.yaml with mysql connections.");
}

TEST_F(ConnectionsTest, WhatIsMissingIsSaidInTheKnownWords) {
  const Connections connections = load(kShop);
  EXPECT_EQ(connections.exists({"mysq", "a"}).error().message,
            "Connection family 'mysq' not found. Available families: mysql, supabase");
  EXPECT_EQ(connections.exists({"mysql", "shp"}).error().message,
            "Connection alias 'shp' not found in family 'mysql'. Available aliases: shop, lab");
  EXPECT_EQ(connections.exists({"mysql", "shp"}).error().hint, "did you mean '@mysql.shop'?");
  EXPECT_EQ(connections.default_of("supabase").error().message,
            "No default connection for family 'supabase'. Available aliases: lake. Either: 1) Set 'default: true' on "
            "an alias, 2) Name an alias 'default', or 3) "
            "Specify an alias explicitly.");
  EXPECT_EQ(load("{mysql: }").exists({"mysql", "a"}).error().message, "No connections defined for family 'mysql'");
}

TEST_F(ConnectionsTest, TheDefaultIsTheMarkedOneOrTheOneSoCalled) {
  EXPECT_EQ(load(kShop).default_of("mysql")->alias, "shop");
  EXPECT_EQ(load("{m: {a: {x: 1}, default: {x: 2}}}").default_of("m")->alias, "default");
}

TEST_F(ConnectionsTest, VariablesAreFilledInAndSecretsSetApart) {
  environment_.set("P", "p@ss/w0rd");
  const Connections connections = load(kShop);
  const auto resolved = connections.resolve({"mysql", "shop"}, {});
  ASSERT_TRUE(resolved.ok()) << resolved.error().message;
  EXPECT_EQ(resolved->fields, Json::object({{"host", "local"}, {"user", "u"}}));
  EXPECT_EQ(resolved->secret_names,
            (std::map<std::string, std::string>{{"password", "connection/mysql.shop/password"}}));
  EXPECT_EQ(connections.secret_value("connection/mysql.shop/password")->view(), "p@ss/w0rd");
  for (const char* unknown :
       {"connection/mysql.shop/default", "connection/mysql.nope/password", "env/P", "", "connection/"})
    EXPECT_EQ(connections.secret_value(unknown).error().code, Code::kNotFound) << unknown;
}

TEST_F(ConnectionsTest, AnUnsetOrEmptyVariableIsNamed) {
  const std::string text = "Environment variable 'P' not set for password in mysql.shop";
  EXPECT_EQ(load(kShop).resolve({"mysql", "shop"}, {}).error().message, text);
  environment_.set("P", "");
  EXPECT_EQ(load(kShop).resolve({"mysql", "shop"}, {}).error().message, text);
}

TEST_F(ConnectionsTest, SpecPointersAndUrlPasswordsMakeFieldsSecret) {
  const Connections connections = load(
      "{graphql: {g: {headers: {Authorization: tok}, endpoint: \"http://h/\", note: \"pg://u:pw@h/d\", options: "
      "{api_key: k}}}}");
  const auto resolved = connections.resolve({"graphql", "g"}, {"headers"});
  EXPECT_EQ(resolved->fields, Json::object({{"endpoint", "http://h/"}}));
  EXPECT_EQ(connections.secret_value("connection/graphql.g/headers")->view(), "{\"Authorization\":\"tok\"}");
}

TEST_F(ConnectionsTest, UsernameMeansUserInMysqlOnly) {
  const Connections connections = load("{mysql: {a: {username: u}}, x: {a: {username: u}}}");
  EXPECT_EQ(connections.resolve({"mysql", "a"}, {})->fields, Json::object({{"user", "u"}}));
  EXPECT_EQ(connections.resolve({"x", "a"}, {})->fields, Json::object({{"username", "u"}}));
}

TEST_F(ConnectionsTest, AListingShowsVariablesAndMasksValues) {
  environment_.set("H", "db");
  const Json listing = load("{mysql: {a: {host: \"${H}\", password: \"${P}\"}, b: {password: plain-text}}}").describe();
  EXPECT_EQ(listing["mysql"]["a"], Json::object({{"config", Json::object({{"host", "db"}, {"password", "${P}"}})},
                                                 {"env_vars", Json::object({{"H", true}, {"P", false}})},
                                                 {"is_default", false}}));
  EXPECT_EQ(listing["mysql"]["b"]["config"]["password"], Json("***MASKED***"));
}

TEST_F(ConnectionsTest, EverySecretNameIsSetApartAndMasked) {
  std::string entry;
  for (const std::string name : kSecretFieldNames) entry += name + ": canary-" + name + ", ";
  const Connections connections = load("{mock: {a: {" + entry + "host: db}}}");
  const auto resolved = connections.resolve({"mock", "a"}, {});
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(resolved->fields, Json::object({{"host", "db"}}));
  EXPECT_EQ(resolved->secret_names.size(), kSecretFieldNames.size());
  EXPECT_EQ(connections.describe().dump().find("canary"), std::string::npos) << connections.describe().dump();
}

TEST_F(ConnectionsTest, AFileOfTheWrongShapeNamesThePlace) {
  const auto loaded =
      Connections::load_file(write("osiris_connections.yaml", "connections:\n  mysql: [1]\n"), environment_);
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().message.find("osiris_connections.yaml:2:10: mysql must be a mapping of aliases, got list"),
            std::string::npos)
      << loaded.error().message;
  EXPECT_FALSE(Connections::load_file(write("osiris_connections.yaml", "a: [\n"), environment_).ok());
}

TEST_F(ConnectionsTest, AFlatLayoutIsRefusedWithTheRemedy) {
  const auto loaded =
      Connections::load_file(write("osiris_connections.yaml", "mysql:\n  shop: {host: h}\n"), environment_);
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().message.find("'mysql' stands at the top level"), std::string::npos)
      << loaded.error().message;
  EXPECT_NE(loaded.error().hint.find("write the line 'connections:' above"), std::string::npos);
}

TEST_F(ConnectionsTest, AMistypedTopLevelKeyIsRefusedWithTheNearestName) {
  const auto loaded = Connections::load_file(
      write("osiris_connections.yaml", "conections:\n  mysql: {shop: {host: h}}\n"), environment_);
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().hint.find("did you mean 'connections'?"), std::string::npos);
}

TEST_F(ConnectionsTest, OtherTopLevelKeysAndDuplicatesAreRemembered) {
  const auto loaded = Connections::load_file(
      write("osiris_connections.yaml", "owner: me\nconnections:\n  mysql: {shop: {host: h, host: i}}\n"), environment_);
  ASSERT_TRUE(loaded.ok());
  ASSERT_EQ(loaded->findings().warnings().size(), 2u);
}

TEST(ConnectionRefs, HaveOneForm) {
  EXPECT_EQ(parse_connection_ref("@mysql.shop-1")->alias, "shop-1");
  for (const char* wrong : {"mysql.shop", "@mysql", "@.a", "@a.", "@a.b.c", "@a b.c", ""})
    EXPECT_FALSE(parse_connection_ref(wrong).ok()) << wrong;
  EXPECT_EQ(parse_connection_ref("@x").error().message,
            "Invalid connection reference format: '@x'. Expected '@family.alias'");
  EXPECT_EQ(parse_connection_ref("@.a").error().message,
            "Invalid connection reference format: '@.a'. Family and alias cannot be empty");
}

TEST(Variables, FillInDefaultsAndReportTheRest) {
  Environment environment;
  environment.set("A", "1");
  environment.set("E", "");
  std::vector<std::string> missing;
  EXPECT_EQ(substitute_variables("${A}-${B:-two}-${E:-three}-${B:-}-${C}-$A-${", environment, &missing),
            "1-two-three--${C}-$A-${");
  EXPECT_EQ(missing, (std::vector<std::string>{"C"}));
}

TEST(ConnectionsFile, IsTrustedOnlyWhenNobodyElseCanWriteIt) {
  const auto writer = [](uid_t owner, mode_t mode, uid_t me, uid_t directory_owner = 0, mode_t directory_mode = 0755) {
    struct stat file{}, directory{};
    file.st_uid = owner;
    file.st_mode = mode;
    directory.st_uid = directory_owner;
    directory.st_mode = directory_mode;
    return other_writer(file, directory, me).value_or("");
  };
  EXPECT_EQ(writer(1000, 0600, 1000), "");
  EXPECT_EQ(writer(1000, 0644, 1000), "");
  EXPECT_EQ(writer(0, 0644, 1000), "") << "root's own file";
  EXPECT_EQ(writer(1000, 0664, 1000), "its group");
  EXPECT_EQ(writer(1000, 0646, 1000), "everyone");
  EXPECT_EQ(writer(1001, 0600, 1000), "another user, its owner (uid 1001)");
  EXPECT_EQ(writer(1001, 0600, 1000, 1001), "another user, its owner (uid 1001)") << "also in a directory of theirs";
  EXPECT_EQ(writer(1001, 0600, 0, 1001), "") << "root in somebody's project";
  EXPECT_EQ(writer(1001, 0600, 0, 0, 01777), "another user, its owner (uid 1001)") << "root, and /tmp";
}

std::map<std::string, std::string> dotenv(const std::string& text, std::vector<int>* bad = nullptr) {
  Environment environment;
  environment.set("HOME", "/h");
  const Dotenv parsed = parse_dotenv(text, [&](std::string_view name) { return environment.get(name); });
  if (bad) *bad = parsed.unreadable_lines;
  std::map<std::string, std::string> values;
  for (const DotenvEntry& entry : parsed.entries)
    if (entry.value) values[entry.name] = *entry.value;
  return values;
}
using Values = std::map<std::string, std::string>;

TEST(DotenvFiles, ReadWhatPythonDotenvReads) {
  EXPECT_EQ(dotenv("A=1\nexport B = two words # comment\nC='single $x # no \\'comment\\''\nD=\"double\\n\\\"q\\\"\"\n"),
            (Values{{"A", "1"}, {"B", "two words"}, {"C", "single $x # no 'comment'"}, {"D", "double\n\"q\""}}));
  EXPECT_EQ(dotenv("# note\n\n  E=a#b\nF=\nG=\"two\nlines\"\r\nH=x=y\n'quoted key'=1\nI\n"),
            (Values{{"E", "a#b"}, {"F", ""}, {"G", "two\nlines"}, {"H", "x=y"}, {"quoted key", "1"}}));
  EXPECT_EQ(dotenv("P=${HOME}/x\nQ=${P}/y\nR=${NOPE:-z}${NOPE}\n"),
            (Values{{"P", "/h/x"}, {"Q", "/h/x/y"}, {"R", "z"}}));
  EXPECT_EQ(dotenv("exported=1\nexport=2\n"), (Values{{"exported", "1"}, {"export", "2"}}));
  EXPECT_EQ(dotenv("A=#secret\nB= # comment\nC=x # comment\nD=x# text\n"),
            (Values{{"A", "#secret"}, {"B", ""}, {"C", "x"}, {"D", "x# text"}}));
  EXPECT_EQ(dotenv("A=${B:c}${HOME}\nB=\"a\\\\\"\nC='\\n\\\\'\n"),
            (Values{{"A", "${B:c}/h"}, {"B", "a\\"}, {"C", "\\n\\"}}));
}

TEST(DotenvFiles, SkipBadLinesAndNameThem) {
  std::vector<int> bad;
  EXPECT_EQ(dotenv("A=1\n=x\nB='open\n", &bad), (Values{{"A", "1"}}));
  EXPECT_EQ(bad, (std::vector<int>{2, 3}));
  EXPECT_EQ(dotenv("A=\"x\" junk\nB=2\n", &bad), (Values{{"B", "2"}}));
  EXPECT_EQ(bad, (std::vector<int>{1}));
  EXPECT_EQ(dotenv("A='open\nB=2\nC=3\n", &bad), (Values{{"B", "2"}, {"C", "3"}}))
      << "an open quote costs its own line only";
  EXPECT_EQ(bad, (std::vector<int>{1}));
}

TEST_F(ConnectionsTest, DotenvNeverOverridesAndTheFirstFileWins) {
  write("home/.env", "A=home\nB=home\n");
  write("cwd/.env", "B=cwd\nC=cwd\nD=cwd\nbad line = =\n=\n");
  environment_.set("OSIRIS_HOME", (dir_ / "home").string());
  environment_.set("D", "set");
  const auto report = environment_.load_dotenv_files(dir_ / "cwd");
  EXPECT_EQ(report.files, (std::vector<fs::path>{dir_ / "home/.env", dir_ / "cwd/.env"}));
  EXPECT_EQ(*environment_.get("A") + *environment_.get("B") + *environment_.get("C") + *environment_.get("D"),
            "homehomecwdset");
  EXPECT_FALSE(report.warnings.empty());
  EXPECT_EQ(environment_.file_of("B"), (dir_ / "home/.env").string());
  EXPECT_EQ(environment_.file_of("D"), "") << "the process has it";
}

// Everywhere one is looked for: what stands there chooses where keys are sent.
TEST_F(ConnectionsTest, ADotenvThatOthersCanWriteIsRefused) {
  write("home/.env", "A=home\n");
  write("above/osiris.py", "");
  write("above/.env", "B=above\n");
  write("above/cwd/.env", "C=cwd\n");
  environment_.set("OSIRIS_HOME", (dir_ / "home").string());
  for (const char* file : {"home/.env", "above/.env", "above/cwd/.env"}) {
    for (const unsigned mode : {0646u, 0664u}) {
      ::chmod((dir_ / file).c_str(), mode);
      Environment environment = environment_;
      const auto report = environment.load_dotenv_files(dir_ / "above/cwd");
      ASSERT_TRUE(report.refused) << file;
      EXPECT_NE(report.refused->message.find((dir_ / file).string() + " can be written by " +
                                             (mode == 0646 ? "everyone" : "its group")),
                std::string::npos)
          << report.refused->message;
      EXPECT_EQ(report.refused->hint, "chmod go-w " + (dir_ / file).string());
      EXPECT_EQ(report.files.size(), 2u);
      EXPECT_EQ((environment.get("A") ? 1 : 0) + (environment.get("B") ? 1 : 0) + (environment.get("C") ? 1 : 0), 2)
          << "nothing of it is taken";
    }
    ::chmod((dir_ / file).c_str(), 0644);
  }
  EXPECT_FALSE(environment_.load_dotenv_files(dir_ / "above/cwd").refused);
}

TEST_F(ConnectionsTest, ADotenvOfAnotherUserIsRefusedUnlessTheProjectIsTheirs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  write("cwd/.env", "A=cwd\n");
  ASSERT_EQ(::chown((dir_ / "cwd/.env").c_str(), 65534, 65534), 0);
  const auto report = environment_.load_dotenv_files(dir_ / "cwd");
  ASSERT_TRUE(report.refused);
  EXPECT_NE(report.refused->message.find("another user, its owner (uid 65534)"), std::string::npos)
      << report.refused->message;
  EXPECT_FALSE(environment_.get("A"));
  // Root in a container, in its user's project.
  ASSERT_EQ(::chown((dir_ / "cwd").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(environment_.load_dotenv_files(dir_ / "cwd").refused);
  EXPECT_EQ(environment_.get("A"), "cwd");
}

}  // namespace
}  // namespace osiris
