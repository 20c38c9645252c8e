#include "host/adapters/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <map>

#include "host/installation/installation.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Discovery : public ::testing::Test {
 protected:
  Discovery() {
    std::string name = (fs::temp_directory_path() / "osiris-find-XXXXXX").string();
    root_ = mkdtemp(name.data());
    fs::permissions(root_, fs::perms(0755));
  }
  ~Discovery() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  fs::path directory(const std::string& name) {
    fs::create_directories(root_ / name);
    fs::permissions(root_ / name, fs::perms(0755));
    return root_ / name;
  }
  // A manifest with a file that stands for its library; nothing is loaded here.
  fs::path put(const fs::path& directory, const std::string& id, const std::string& more = {}) {
    const fs::path file = directory / (id + ".adapter.toml");
    EXPECT_TRUE(write_file_atomically(directory / (id + ".so"), "library").ok());
    EXPECT_TRUE(write_file_atomically(file, "manifest_version = 1\nid = \"" + id + "\"\nversion = \"1.0\"\n" + more +
                                                "[library]\nlinux_amd64 = \"" + id + ".so\"\n")
                    .ok());
    return file;
  }
  static SearchDirectory place(const fs::path& directory) { return {directory, "test", ""}; }
  static std::string complaint(const std::string& id, const std::vector<SearchDirectory>& places) {
    const auto found = find_adapter(id, places);
    return found.ok() ? "" : found.error().message + " | " + found.error().hint;
  }

  fs::path root_;
};

std::vector<std::string> directories_of(const std::vector<SearchDirectory>& places) {
  std::vector<std::string> directories;
  for (const SearchDirectory& place : places)
    directories.push_back(place.directory.string() + (place.ignored.empty() ? "" : " (ignored)"));
  return directories;
}

const std::string kInstalled = (installed_library_directory("/opt/osiris/bin") / "adapters").string();

SearchInputs inputs_with(std::map<std::string, std::string, std::less<>> variables) {
  SearchInputs inputs;
  inputs.adapter_dirs = {"/first", "/second"};
  inputs.executable = "/opt/osiris/bin/osiris";
  inputs.env = [variables](std::string_view name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional(it->second);
  };
  return inputs;
}

TEST(SearchPlaces, StandInTheDocumentedOrder) {
  EXPECT_THAT(
      directories_of(search_directories(
          inputs_with({{"OSIRIS_ADAPTER_PATH", "/a::/b"}, {"XDG_DATA_HOME", "/data"}, {"HOME", "/home/u"}}))),
      ElementsAre("/first", "/second", "/a", "/b", "/data/osiris/adapters", "/etc/osiris/adapters", kInstalled));
}

TEST(SearchPlaces, FallBackToTheUsersDataDirectory) {
  for (const char* unusable : {"", "relative/data"})
    EXPECT_THAT(
        directories_of(search_directories(inputs_with({{"XDG_DATA_HOME", unusable}, {"HOME", "/home/u"}}))),
        ElementsAre("/first", "/second", "/home/u/.local/share/osiris/adapters", "/etc/osiris/adapters", kInstalled));
}

TEST(SearchPlaces, IgnoreRelativeDirectories) {
  EXPECT_THAT(
      directories_of(search_directories(inputs_with({{"OSIRIS_ADAPTER_PATH", "plugins:/a:."}}))),
      ElementsAre("/first", "/second", "plugins (ignored)", "/a", ". (ignored)", "/etc/osiris/adapters", kInstalled));
}

TEST(SearchPlaces, DoNotTrustTheEnvironmentOfAPrivilegedProcess) {
  SearchInputs inputs = inputs_with({{"OSIRIS_ADAPTER_PATH", "/a"}, {"XDG_DATA_HOME", "/data"}});
  inputs.privileged = true;
  EXPECT_THAT(directories_of(search_directories(inputs)),
              ElementsAre("/first", "/second", "/a (ignored)", "/data/osiris/adapters (ignored)",
                          "/etc/osiris/adapters", kInstalled));
}

TEST(SearchPlaces, OfThisProcessEndBesideItsExecutable) {
  const auto places = search_directories(process_search_inputs({}));
  EXPECT_EQ(places.back().directory,
            installed_library_directory(fs::read_symlink("/proc/self/exe").parent_path()) / "adapters");
}

TEST_F(Discovery, FindsAManifestAndItsLibraryBesideIt) {
  const auto dir = directory("one");
  put(dir, "mine", "publisher = \"me\"\nsummary = \"mine\"\n");
  const auto found = find_adapter("mine", {place(directory("empty")), place(dir)});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->library, dir / "mine.so");
  EXPECT_EQ(found->publisher, "me");
}

TEST_F(Discovery, ReadsEverythingAManifestSays) {
  const auto dir = directory("one");
  const std::string hash(64, 'A');
  ASSERT_TRUE(
      write_file_atomically(dir / "x.adapter.toml",
                            "manifest_version = 1\nid = \"x\"\nversion = \"2.1\"\nlicence = \"MIT\"\nurl = "
                            "\"https://x.example\"\nunknown = 1\n"
                            "[abi]\nbuilt = \"1.2\"\nmin_host = \"1.0\"\n[library]\nlinux_amd64 = \"/opt/x/x.so\"\n"
                            "sha256 = { linux_amd64 = \"" +
                                hash + "\" }\n[needs]\nsecrets = [\"X_KEY\"]\nnetwork = true\n")
          .ok());
  const auto manifest = read_adapter_manifest(dir / "x.adapter.toml");
  ASSERT_TRUE(manifest.ok()) << manifest.error().message;
  EXPECT_EQ(manifest->library, "/opt/x/x.so");
  EXPECT_EQ(manifest->sha256, std::string(64, 'a'));
  EXPECT_EQ(manifest->abi_built, "1.2");
  EXPECT_THAT(manifest->secrets, ElementsAre("X_KEY"));
  EXPECT_TRUE(manifest->network);
}

TEST_F(Discovery, NamesWhatIsWrongInAManifest) {
  const auto dir = directory("one");
  const auto said = [&](const std::string& text) {
    EXPECT_TRUE(write_file_atomically(dir / "x.adapter.toml", text).ok());
    const auto manifest = read_adapter_manifest(dir / "x.adapter.toml");
    return manifest.ok() ? "" : manifest.error().message;
  };
  const std::string head = "manifest_version = 1\nid = \"x\"\nversion = \"1\"\n";
  const std::string library = "[library]\nlinux_amd64 = \"x.so\"\n";
  EXPECT_EQ(said(head + library), "");
  EXPECT_THAT(said("id = \nversion"), HasSubstr("x.adapter.toml:1: not TOML"));
  EXPECT_THAT(said("\n\nid = 'a' b"), HasSubstr("x.adapter.toml:3: not TOML"));
  EXPECT_THAT(said(""), HasSubstr("manifest_version is missing"));
  EXPECT_THAT(said("manifest_version = 2\nid = \"x\""), HasSubstr("manifest_version is 2; this osiris reads 1"));
  EXPECT_THAT(said("manifest_version = 1\n"), HasSubstr("id is missing"));
  EXPECT_THAT(said("manifest_version = 1\nid = 7"), HasSubstr("id is not a text"));
  EXPECT_THAT(said("manifest_version = 1\nid = \"y\"\nversion=\"1\""),
              HasSubstr("id is 'y', the file's name says otherwise"));
  EXPECT_THAT(said("manifest_version = 1\nid = \"a-b\""), HasSubstr("id 'a-b' is not [a-z][a-z0-9]*"));
  EXPECT_THAT(said("manifest_version = 1\nid = \"x\"\n" + library), HasSubstr("version is missing"));
  EXPECT_THAT(said(head), HasSubstr("library.linux_amd64 is missing"));
  EXPECT_THAT(said(head + library + "sha256 = \"abc\""), HasSubstr("library.sha256 is not 64 hex digits"));
  EXPECT_THAT(said(head + library + "[needs]\nsecrets = \"X\""), HasSubstr("needs.secrets is not a list"));
  EXPECT_THAT(said(head + library + "[needs]\nsecrets = [1]"),
              HasSubstr("needs.secrets holds something that is not a text"));
}

TEST_F(Discovery, ListsEveryPlaceAndWhyItDidNotServe) {
  const auto file = root_ / "file";
  ASSERT_TRUE(write_file_atomically(file, "").ok());
  const std::string said = complaint("slurm", {place(root_ / "gone"),
                                               place(directory("empty")),
                                               place(file),
                                               {"rel", "OSIRIS_ADAPTER_PATH", "not an absolute path"}});
  EXPECT_THAT(said, HasSubstr("no adapter 'slurm' found. Looked in:"));
  EXPECT_THAT(said, HasSubstr("\n  " + (root_ / "gone").string() + " (test): no such directory"));
  EXPECT_THAT(said, HasSubstr("\n  " + (root_ / "empty").string() + " (test): no slurm.adapter.toml"));
  EXPECT_THAT(said, HasSubstr("\n  " + file.string() + " (test): not a directory"));
  EXPECT_THAT(said, HasSubstr("\n  rel (OSIRIS_ADAPTER_PATH): ignored: not an absolute path"));
}

TEST_F(Discovery, OffersTheNearestName) {
  const auto dir = directory("one");
  put(dir, "local");
  EXPECT_THAT(complaint("locl", {place(dir)}), HasSubstr("did you mean 'local'?"));
  EXPECT_THAT(complaint("Local", {place(dir)}), HasSubstr("'Local' is not the name of an adapter"));
  EXPECT_THAT(complaint("../local", {place(dir)}), HasSubstr("is not the name of an adapter"));
}

TEST_F(Discovery, TheFirstPlaceWins) {
  put(directory("one"), "mine", "summary = \"first\"\n");
  put(directory("two"), "mine", "summary = \"second\"\n");
  put(directory("two"), "other");
  const std::vector<SearchDirectory> places = {place(root_ / "one"), place(root_ / "two")};
  EXPECT_EQ(find_adapter("mine", places)->summary, "first");
  const auto all = list_adapters(places);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0].id == "mine" && !all[0].shadowed && all[0].manifest.summary == "first");
  EXPECT_TRUE(all[1].id == "mine" && all[1].shadowed && all[1].manifest.summary == "second");
  EXPECT_TRUE(all[2].id == "other" && !all[2].shadowed);
}

TEST_F(Discovery, ABrokenFirstIsNotReplacedByASecond) {
  const auto bad = put(directory("one"), "mine");
  ASSERT_TRUE(write_file_atomically(bad, "not toml at all").ok());
  put(directory("two"), "mine");
  const std::vector<SearchDirectory> places = {place(directory("empty")), place(root_ / "one"), place(root_ / "two")};
  const std::string said = complaint("mine", places);
  EXPECT_THAT(said, HasSubstr("adapter 'mine' cannot be used. Looked in:"));
  EXPECT_THAT(said, HasSubstr("empty (test): no mine.adapter.toml"));
  EXPECT_THAT(said, HasSubstr("not TOML"));
  EXPECT_THAT(list_adapters(places)[0].problem, HasSubstr("not TOML"));
}

TEST_F(Discovery, AManifestWithoutItsLibraryIsNoAdapter) {
  const auto dir = directory("one");
  put(dir, "mine");
  fs::remove(dir / "mine.so");
  EXPECT_THAT(complaint("mine", {place(dir)}),
              HasSubstr("its library " + (dir / "mine.so").string() + " does not exist"));
}

TEST_F(Discovery, RefusesAManifestThatEverybodyCanWrite) {
  const auto dir = directory("one");
  const auto file = put(dir, "mine");
  fs::permissions(file, fs::perms(0666));
  EXPECT_THAT(complaint("mine", {place(dir)}), HasSubstr("mine.adapter.toml can be written by everybody"));
  fs::permissions(file, fs::perms(0644));
  EXPECT_EQ(complaint("mine", {place(dir)}), "");
  fs::permissions(dir, fs::perms(0777));
  EXPECT_THAT(complaint("mine", {place(dir)}), HasSubstr("can be written by everybody"));
}

TEST_F(Discovery, NeverLooksInTheWorkingDirectory) {
  const auto dir = directory("cwd");
  put(dir, "mine");
  const fs::path before = fs::current_path();
  fs::current_path(dir);
  EXPECT_FALSE(find_adapter("mine", search_directories(inputs_with({{"LD_LIBRARY_PATH", dir.string()}}))).ok());
  fs::current_path(before);
}

TEST_F(Discovery, AManifestOrLibraryThatIsNoFileIsNotWaitedFor) {
  const fs::path dir = directory("one");
  ASSERT_EQ(mkfifo((dir / "slow.adapter.toml").c_str(), 0644), 0);
  EXPECT_THAT(complaint("slow", {place(dir)}), HasSubstr("slow.adapter.toml is a FIFO, not a regular file"));
  put(dir, "piped");
  fs::remove(dir / "piped.so");
  ASSERT_EQ(mkfifo((dir / "piped.so").c_str(), 0644), 0);
  EXPECT_THAT(complaint("piped", {place(dir)}), HasSubstr("piped.so is a FIFO, not a regular file"));
  put(dir, "folder");
  fs::remove(dir / "folder.so");
  fs::create_directory(dir / "folder.so");
  EXPECT_THAT(complaint("folder", {place(dir)}), HasSubstr("folder.so is a directory, not a regular file"));
  put(dir, "loop");
  fs::remove(dir / "loop.so");
  fs::create_symlink("loop.so", dir / "loop.so");
  EXPECT_THAT(complaint("loop", {place(dir)}), HasSubstr("loop.so"));
  const auto listed = list_adapters({place(dir)});
  EXPECT_EQ(listed.size(), 4u);
}

}  // namespace
}  // namespace osiris
