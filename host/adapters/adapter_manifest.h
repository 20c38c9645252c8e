// An <id>.adapter.toml file: who made an adapter, where its library is, what it needs. toml++ parses it
// (adapter_manifest.cc only). What it says about the ABI is for listing; the binary decides.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris {

struct AdapterManifest {
  std::filesystem::path file;  // absolute
  std::string id, version, publisher, licence, url, summary;
  std::string abi_built, abi_min_host;
  std::filesystem::path library;  // absolute, as written; not yet canonical
  std::string sha256;             // lower case; empty: not checked
  std::vector<std::string> secrets;
  bool network = false;
  bool isolate = false;  // in a process of its own, as with --isolate
  // What the adapter adds to the command line; each may be empty. The host knows no adapter by itself.
  std::string flag;            // "--e2b": the same as --adapter e2b
  std::string resources_noun;  // "sandboxes": `osiris sandboxes` is `osiris resources` of this adapter
  std::string resource_kind;   // "sandbox": what an id is the id of, where nothing else is said
  bool is_users = false;       // found in the user's own directory (SearchDirectory::is_users)
};

// kInvalidArgument names the file and, for TOML errors, the line. The id must equal the file's name.
Result<AdapterManifest> read_adapter_manifest(const std::filesystem::path& file);
// Of text that was read from `file`, whose name and directory matter.
Result<AdapterManifest> parse_adapter_manifest(std::string_view text, const std::filesystem::path& file);

}  // namespace osiris
