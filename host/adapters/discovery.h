// Where adapters are looked for, and what is there: <dir>/<id>.adapter.toml files in a short list of absolute
// directories (docs/plugin-abi.md, "Discovery"). Never the working directory, LD_LIBRARY_PATH or a bare name.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/adapters/adapter_manifest.h"
#include "host/adapters/options.h"
#include "protocol/base/error.h"

namespace osiris {

struct SearchInputs {
  std::vector<std::filesystem::path> adapter_dirs;  // --adapter-dir, made absolute by the caller
  // The real process environment. Not completed by .env files: a cloned repository must not choose what is loaded.
  EnvLookup env;
  std::filesystem::path executable;  // the adapters installed with it are found from there
  bool privileged = false;           // AT_SECURE: the environment is not trusted
};
// Of this process: getenv, /proc/self/exe, AT_SECURE.
SearchInputs process_search_inputs(std::vector<std::filesystem::path> adapter_dirs);

struct SearchDirectory {
  std::filesystem::path directory;
  std::string origin;     // "--adapter-dir", "OSIRIS_ADAPTER_PATH", ...
  std::string ignored;    // why it is not looked into; empty: it is
  bool is_users = false;  // the user's own: what is there was put there by hand, or by a program of theirs
};
// In the order of precedence.
std::vector<SearchDirectory> search_directories(const SearchInputs& inputs);

struct FoundAdapter {
  std::string id;
  AdapterManifest manifest;  // empty but for `file` if there is a problem
  std::string origin;        // of the place
  bool shadowed = false;     // an earlier place has the same id
  std::string problem;       // why it cannot be used; empty: nothing known. Libraries are not loaded to find out
};
// Every manifest in every place: by id, then by precedence. `trouble`: why this machine could not look everywhere (no
// descriptors left), so that the list says nothing of what is not in it.
std::vector<FoundAdapter> list_adapters(const std::vector<SearchDirectory>& places,
                                        std::optional<Error>* trouble = nullptr);

// The first place that has <id>.adapter.toml decides. The error lists every place looked in and why it did not serve.
Result<AdapterManifest> find_adapter(std::string_view id, const std::vector<SearchDirectory>& places);

// Refuses a file that another user than root and this one owns, or whose directory does; that everybody can write, that
// is in a directory everybody can write (a sticky one included: others may put files there), or below one that is not
// sticky (others may rename its entries). `path` is absolute.
Status check_trusted(const std::filesystem::path& path);

}  // namespace osiris
