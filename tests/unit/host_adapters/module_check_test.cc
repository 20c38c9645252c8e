#include "host/adapters/module_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/unit/host_adapters/fake_adapter.h"

namespace osiris {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ModuleCheck, FindsNothingInGoodTables) {
  const fakes::GoodTables good;
  EXPECT_TRUE(negotiate_abi(&good.module, "x.so").ok());
  EXPECT_THAT(module_defects(good.module), IsEmpty());
}

TEST(ModuleCheck, NamesEachMandatorySlotThatIsMissing) {
  const auto without = [](const char* slot, auto clear) {
    fakes::GoodTables tables;
    clear(tables.type);
    EXPECT_THAT(module_defects(tables.module),
                ElementsAre("adapter 'fake': " + std::string(slot) + " is NULL; it is mandatory"));
  };
  without("create", [](osiris_adapter_type& type) { type.create = nullptr; });
  without("configure", [](osiris_adapter_type& type) { type.configure = nullptr; });
  without("validate", [](osiris_adapter_type& type) { type.validate = nullptr; });
  without("prepare", [](osiris_adapter_type& type) { type.prepare = nullptr; });
  without("execute", [](osiris_adapter_type& type) { type.execute = nullptr; });
  without("collect", [](osiris_adapter_type& type) { type.collect = nullptr; });
  without("cancel", [](osiris_adapter_type& type) { type.cancel = nullptr; });
  without("destroy", [](osiris_adapter_type& type) { type.destroy = nullptr; });
}

TEST(ModuleCheck, LetsTheOptionalSlotBeMissing) {
  fakes::GoodTables tables;
  tables.type.extension = nullptr;
  EXPECT_THAT(module_defects(tables.module), IsEmpty());
  tables.type.size = offsetof(osiris_adapter_type, extension);
  EXPECT_THAT(module_defects(tables.module), IsEmpty());
}

TEST(ModuleCheck, RefusesAnyIdThatIsNoFlagPrefix) {
  for (const char* id : {"E2B", "2b", "my_cloud", "my-cloud", "caf\xc3\xa9", ""}) EXPECT_FALSE(is_adapter_id(id)) << id;
  for (const char* id : {"local", "e2b", "x"}) EXPECT_TRUE(is_adapter_id(id)) << id;
  EXPECT_FALSE(is_adapter_id(std::string(65, 'a')));
}

// A flag or variable of the host must never read as one of an adapter's.
TEST(ModuleCheck, ReservesTheFirstWordOfEveryFlagAndVariableOfTheHost) {
  for (const char* id :
       {"run", "log", "adapter", "help", "dry", "last", "memory", "rpc", "execution", "filesystem", "retention", "no"})
    EXPECT_TRUE(is_reserved_adapter_id(id)) << id;
  for (const char* id : {"local", "e2b", "mine", "cmini", "slurm"}) EXPECT_FALSE(is_reserved_adapter_id(id)) << id;
}

TEST(ModuleCheck, ReservesTheWordsThatTheHeaderPublishes) {
  const auto header = read_file(std::getenv("OSIRIS_SOURCE_DIR") + std::string("/plugin_api/include/osiris/adapter.h"));
  ASSERT_TRUE(header.ok());
  const size_t start = header->find("The list is frozen."), end = header->find("*/", start);
  std::set<std::string, std::less<>> published;
  for (const std::string& line : split(header->substr(start + 19, end - start - 19), '\n'))
    for (const std::string& word : split(line, ' '))
      if (!word.empty() && word != "*") published.insert(word);
  EXPECT_EQ(published, reserved_adapter_ids());
}

TEST(ModuleCheck, NamesWhatIsWrongWithASecret) {
  fakes::GoodTables tables;
  const auto defects = [&] { return module_defects(tables.module); };
  for (const char* name : {"A=B", "x\ny", "connection/mysql.shop/password", "fake_key", "1KEY", "Fake_KEY"}) {
    tables.secret.name = {name, std::char_traits<char>::length(name)};
    EXPECT_THAT(defects(), ElementsAre(HasSubstr("is not [A-Z][A-Z0-9_]*"))) << name;
  }
  tables.secret.name = OSIRIS_STR("FAKE_KEY");
  tables.secret.size = 8;
  EXPECT_THAT(defects(), ElementsAre(HasSubstr("secret 0: size is 8, the 1.0 fields need 40")));
  tables.secret.size = sizeof tables.secret;
  const osiris_secret* twice[] = {&tables.secret, &tables.secret, nullptr};
  tables.type.secrets = twice;
  tables.type.secret_count = 3;
  EXPECT_THAT(defects(),
              ElementsAre(HasSubstr("secret 1: the name 'FAKE_KEY' is used twice"), HasSubstr("secret 2: is NULL")));
}

TEST(ModuleCheck, KeepsSharedVariablesFromBeingSecrets) {
  fakes::GoodTables tables;
  for (const char* name :
       {"KUBECONFIG", "AWS_REGION AWS_PROFILE", "SSH_AUTH_SOCK", "https_proxy HTTPS_PROXY", "E2B_DEBUG"}) {
    tables.option.shared_env = {name, std::char_traits<char>::length(name)};
    EXPECT_THAT(module_defects(tables.module), IsEmpty()) << name;
  }
  for (const char* name : {"AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "HOME GITHUB_TOKEN"}) {
    tables.option.shared_env = {name, std::char_traits<char>::length(name)};
    EXPECT_THAT(module_defects(tables.module), ElementsAre(HasSubstr("is the name of a secret"))) << name;
  }
  tables.option.shared_env = OSIRIS_STR("A-B");
  EXPECT_THAT(module_defects(tables.module), ElementsAre(HasSubstr("'A-B' is not the name of a variable")));
}

TEST(ModuleCheck, RefusesCountsThatNothingHonestHas) {
  fakes::GoodTables tables;
  tables.type.option_count = 1u << 30;
  EXPECT_THAT(module_defects(tables.module), ElementsAre(HasSubstr("options claims 1073741824 items")));
  tables.type.option_count = 1;
  tables.module.adapter_count = 1u << 30;
  EXPECT_THAT(module_defects(tables.module), ElementsAre(HasSubstr("module: claims 1073741824 adapters")));
}

TEST(ModuleCheck, RefusesATextThatClaimsToBeHuge) {
  fakes::GoodTables tables;
  tables.type.summary.len = 1ul << 40;
  EXPECT_THAT(module_defects(tables.module), ElementsAre(HasSubstr("summary claims 1099511627776 bytes")));
}

TEST(ModuleCheck, NeedsAVersionToSpeakOf) {
  fakes::GoodTables tables;
  tables.type.version = {nullptr, 0};
  EXPECT_THAT(module_defects(tables.module), ElementsAre("adapter 'fake': version is missing"));
}

TEST(ModuleCheck, RefusesAUnitThatTheTypeDoesNotHave) {
  fakes::GoodTables tables;
  tables.option.bare_unit = OSIRIS_STR("GiB");
  EXPECT_THAT(module_defects(tables.module), ElementsAre(HasSubstr("bare_unit 'GiB' is no unit of its type")));
  tables.option.type = OSIRIS_BYTES;
  EXPECT_THAT(module_defects(tables.module), IsEmpty());
}

TEST(ModuleCheck, RefusesADefaultOutsideItsOwnRange) {
  fakes::GoodTables tables;
  tables.option.minimum = OSIRIS_STR("100");
  EXPECT_THAT(module_defects(tables.module),
              ElementsAre(HasSubstr("default_value '60' is wrong: '60' is below the minimum of 100")));
  tables.option.minimum = OSIRIS_STR("a lot");
  EXPECT_THAT(module_defects(tables.module), ::testing::Contains(HasSubstr("minimum 'a lot' is wrong")));
}

TEST(ModuleCheck, TakesAnOptionTypeFromTheFutureAsText) {
  fakes::GoodTables tables;
  tables.option.type = 77;
  EXPECT_THAT(module_defects(tables.module), IsEmpty());
}

TEST(ModuleCheck, AsksForTheNewestHostAPluginNeeds) {
  fakes::GoodTables tables;
  tables.module.min_host_abi = OSIRIS_ABI(1, 3);
  const Status status = negotiate_abi(&tables.module, "x.so");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kUnsupported);
  EXPECT_EQ(status.error().message, "x.so: needs adapter ABI 1.3 or newer; this osiris speaks 1.0");
}

}  // namespace
}  // namespace osiris
