// What can be told of the library and its manifest from their files.
#include <algorithm>

#include "check/bench/bench.h"
#include "check/bench/library_image.h"
#include "check/case.h"
#include "host/adapters/abi_text.h"
#include "host/adapters/discovery.h"
#include "host/adapters/library_file.h"
#include "host/adapters/loader.h"
#include "host/adapters/options.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris::check {
namespace {

void is_a_library(Bench& bench) {
  const Status checked = check_library_file(bench.task().library);
  if (!checked.ok()) bench.fail(checked.error().message);
}

void is_trusted(Bench& bench) {
  const Status trusted = check_trusted(bench.task().library);
  if (!trusted.ok()) bench.fail(trusted.error().message);
}

// Runs the rest of a case with what stands in the file; a file without section headers cannot be judged.
void with_image(Bench& bench, const std::function<void(const LibraryImage&)>& judge) {
  const auto image = read_library_image(bench.task().library);
  if (image.ok())
    judge(*image);
  else if (image.error().code == Code::kUnsupported)
    bench.skip(image.error().message);
  else
    bench.fail(image.error().message);
}

void exports_one_symbol(Bench& bench) {
  with_image(bench, [&](const LibraryImage& image) {
    std::vector<std::string> more;
    bool has_entry = false;
    for (const std::string& name : image.exported) {
      if (name.starts_with("osiris_adapter_main_v"))
        has_entry = true;
      else
        more.push_back(name);
    }
    bench.expect(has_entry, "osiris_adapter_main_v1 is not exported");
    if (more.empty()) return;
    const std::string count = std::to_string(more.size());
    more.resize(std::min<size_t>(more.size(), 5));
    bench.fail(count + " symbols are exported beside the entry: " + join(more, ", "));
  });
}

void has_no_executable_stack(Bench& bench) {
  with_image(bench, [&](const LibraryImage& image) {
    bench.expect(!image.wants_executable_stack, "the library asks for a stack that can be executed");
    bench.expect(!image.has_text_relocations, "the loader has to write into the library's code");
  });
}

void names_its_needs(Bench& bench) {
  with_image(bench, [&](const LibraryImage& image) {
    for (const char* family : {"GLIBC_", "GLIBCXX_", "GCC_"}) {
      std::pair<std::vector<int>, std::string> highest;
      for (const std::string& version : image.versions) {
        if (!version.starts_with(family)) continue;
        std::vector<int> numbers;
        for (const std::string& part : split(version.substr(std::string_view(family).size()), '.'))
          numbers.push_back(part.empty() || part[0] < '0' || part[0] > '9' ? 0 : std::stoi(part));
        highest = std::max(highest, {numbers, version});
      }
      if (!highest.second.empty()) bench.note("needs " + highest.second);
    }
  });
}

void says_who_it_is(Bench& bench) {
  const auto info = library_info(bench.task().library);
  if (!info) return bench.skip("the library says nothing (OSIRIS_LIBRARY_INFO is optional)");
  bench.note("build: " + info->build);
  bench.expect(!info->name.empty() && !info->version.empty(), "its name or its version is empty");
  if (!bench.load().ok() || !bench.defects().empty()) return;
  const std::string version(abi_view(bench.type().version));
  bench.expect(info->version == version, "it says version " + info->version + ", its table says " + version);
}

}  // namespace

std::vector<Case> file_cases() {
  return {
      {"file.is-a-library",
       "The file is a whole ELF library for this machine, without a search path that others can use.", is_a_library,
       kNothing},
      {"file.is-trusted", "No other user can write the file, or the directories that lead to it.", is_trusted,
       kNothing},
      {"file.exports-one-symbol", "The library exports its entry function and nothing else.", exports_one_symbol,
       kNothing},
      {"file.no-executable-stack", "Loading the library makes neither the stack executable nor code writable.",
       has_no_executable_stack, kNothing},
      {"file.names-its-needs", "What the library needs of the system's libraries can be told from its file.",
       names_its_needs, kNothing},
      {"file.says-who-it-is", "The name and version in the library's file are those of its table.", says_who_it_is,
       kNothing},
  };
}

namespace {

void is_read_by_osiris(Bench& bench) {
  const auto manifest = read_adapter_manifest(bench.task().manifest);
  if (!manifest.ok()) return bench.fail(manifest.error().message);
  const Status trusted = check_trusted(manifest->file);
  if (!trusted.ok()) bench.fail(trusted.error().message);
}

void leads_to_the_library(Bench& bench) {
  std::error_code error;
  const auto library = std::filesystem::canonical(bench.manifest()->library, error);
  bench.expect(!error && library == bench.task().library,
               "library.linux_amd64 leads to " + bench.manifest()->library.string());
}

void has_the_id(Bench& bench) {
  bool found = false;
  for (uint32_t i = 0; i < bench.module()->adapter_count; ++i)
    found |= abi_view(bench.module()->adapters[i]->id) == bench.manifest()->id;
  bench.expect(found, "the library holds no adapter '" + bench.manifest()->id + "'");
}

void has_the_version(Bench& bench) {
  const std::string version(abi_view(bench.type().version));
  bench.expect(bench.manifest()->version == version,
               "the manifest says version " + bench.manifest()->version + ", the library " + version);
}

void names_all_secrets(Bench& bench) {
  const auto& named = bench.manifest()->secrets;
  for (const SecretSpec& secret : secret_specs(bench.type()))
    bench.expect(std::find(named.begin(), named.end(), secret.name) != named.end(),
                 "needs.secrets does not name " + secret.name);
}

void names_no_secret_too_many(Bench& bench) {
  for (const std::string& name : bench.manifest()->secrets) {
    bool declared = false;
    for (const SecretSpec& secret : secret_specs(bench.type())) declared |= secret.name == name;
    bench.expect(declared, "needs.secrets names " + name + ", which the library does not declare");
  }
}

void has_the_abi(Bench& bench) {
  const std::string built = abi_version_text(bench.module()->abi),
                    least = abi_version_text(bench.module()->min_host_abi);
  bench.expect(bench.manifest()->abi_built.empty() || bench.manifest()->abi_built == built,
               "abi.built is " + bench.manifest()->abi_built + ", the library was built with " + built);
  bench.expect(bench.manifest()->abi_min_host.empty() || bench.manifest()->abi_min_host == least,
               "abi.min_host is " + bench.manifest()->abi_min_host + ", the library says " + least);
}

void has_the_hash(Bench& bench) {
  if (bench.manifest()->sha256.empty()) return bench.skip("the manifest names no SHA-256 (it may)");
  const auto digest = sha256_file(bench.task().library);
  bench.expect(digest.ok() && digest->sha256 == bench.manifest()->sha256, "the library's SHA-256 is another one");
}

void is_loaded_by_osiris(Bench& bench) {
  AdapterManifest manifest = *bench.manifest();
  manifest.isolate = false;  // this process is one of its own already
  const auto loaded = load_adapter(manifest);
  if (!loaded.ok()) bench.fail(loaded.error().message);
}

}  // namespace

std::vector<Case> manifest_cases() {
  return {
      {"manifest.is-read", "The manifest beside the library is one that osiris reads.", is_read_by_osiris, kManifest},
      {"manifest.leads-to-library", "The manifest names this library.", leads_to_the_library, kManifest},
      {"manifest.id", "The manifest's id is that of an adapter in the library.", has_the_id, kManifest | kLoaded},
      {"manifest.version", "The manifest's version is the library's.", has_the_version, kManifest | kTables},
      {"manifest.secrets", "The manifest names every secret that the adapter may ask for.", names_all_secrets,
       kManifest | kTables},
      {"manifest.secrets-declared", "The manifest names no secret that the adapter cannot ask for.",
       names_no_secret_too_many, kManifest | kTables},
      {"manifest.abi", "The versions of the ABI in the manifest are those of the library.", has_the_abi,
       kManifest | kLoaded},
      {"manifest.sha256", "The manifest's SHA-256 is the library's.", has_the_hash, kManifest},
      {"manifest.is-loaded", "Osiris loads the adapter by its manifest.", is_loaded_by_osiris, kManifest},
  };
}

}  // namespace osiris::check
