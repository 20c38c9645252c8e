// osiris adapters new NAME: the source of an adapter, from the templates that are installed with osiris.
#include <algorithm>

#include "host/adapters/module_check.h"
#include "host/commands/commands.h"
#include "host/display/format.h"
#include "host/installation/installation.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Language {
  const char* name;
  const char* template_id;  // the adapter's id in the template
  std::vector<std::string> build;
};
const std::vector<Language>& languages() {
  static const std::vector<Language> all = {
      {"c", "cmini", {"cmake -S . -B build", "cmake --build build"}},
      {"cpp", "mine", {"cmake -S . -B build", "cmake --build build"}},
      {"rust", "rmini", {"make"}},
      {"go", "gmini", {"make"}},
  };
  return all;
}

struct Options {
  std::string name;
  std::string language = "cpp";
  std::string directory;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("name", options.name, "id of the adapter: [a-z][a-z0-9]*")->required()->type_name("NAME");
  command.add_option("--lang", options.language, "language: c, cpp, rust or go [cpp]")->type_name("LANG");
  command.add_option("--in", options.directory, "directory to make [NAME]")->type_name("DIR");
}

std::string with_first(std::string text, char (*change)(char)) {
  if (!text.empty()) text[0] = change(text[0]);
  return text;
}
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
std::string upper_all(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), upper);
  return text;
}

// `text` with every `from` that does not stand inside a longer word replaced.
std::string with_word(std::string text, const std::string& from, const std::string& to) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
    const size_t end = at + from.size();
    if ((at > 0 && is_letter(text[at - 1])) || (end < text.size() && is_letter(text[end]))) continue;
    text.replace(at, from.size(), to);
    at += to.size() - std::min(to.size(), size_t{1});
  }
  return text;
}

std::string renamed(const std::string& text, const std::string& from, const std::string& to) {
  std::string out = with_word(text, from, to);
  out = with_word(out, with_first(from, upper), with_first(to, upper));
  return with_word(out, upper_all(from), upper_all(to));
}

Result<std::vector<std::string>> write_files(const fs::path& from, const fs::path& to, const std::string& template_id,
                                             const std::string& name) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(from, error), end; !error && it != end; it.increment(error))
    if (it->is_regular_file()) files.push_back(it->path());
  if (error || files.empty())
    return Error(Code::kNotFound, "there are no templates in " + from.string(),
                 "install the package osiris-dev (the component sdk of an installation)");
  std::sort(files.begin(), files.end());
  OSIRIS_TRY(make_directories(to));
  std::vector<std::string> written;
  for (const fs::path& file : files) {
    OSIRIS_ASSIGN(const std::string text, read_file(file));
    const std::string target = renamed(file.filename().string(), template_id, name);
    OSIRIS_TRY(write_file_atomically(to / target, renamed(text, template_id, name)));
    written.push_back(target);
  }
  return written;
}

int make_new(const CommandContext& context, const Options& options) {
  const auto language = std::find_if(languages().begin(), languages().end(),
                                     [&](const Language& candidate) { return options.language == candidate.name; });
  if (language == languages().end())
    return fail(context, Error(Code::kInvalidArgument, "no template in the language '" + options.language + "'",
                               "choose c, cpp, rust or go"));
  if (!is_adapter_id(options.name))
    return fail(context,
                Error(Code::kInvalidArgument, "'" + options.name + "' is no adapter's name: names are [a-z][a-z0-9]*",
                      "choose one without hyphens and capitals"));
  if (is_reserved_adapter_id(options.name))
    return fail(context, Error(Code::kInvalidArgument, "'" + options.name + "' is a word of osiris itself",
                               "choose another name; osiris/adapter.h lists the reserved words"));
  const std::string directory = options.directory.empty() ? options.name : options.directory;
  const fs::path target = (context.cwd / directory).lexically_normal();
  std::error_code ignored;
  if (fs::exists(target, ignored) && !fs::is_empty(target, ignored))
    return fail(context, Error(Code::kInvalidArgument, target.string() + " is there already and not empty",
                               "choose another directory with --in"));
  const fs::path from = installed_data_directory(context.executable_directory) / "adapter-templates" / language->name;
  const auto written = write_files(from, target, language->template_id, options.name);
  if (!written.ok()) return fail(context, written.error());
  std::vector<std::string> next = {"cd " + shell_word(directory)};
  next.insert(next.end(), language->build.begin(), language->build.end());
  next.push_back("osiris adapters show " + options.name + " --adapter-dir build");
  if (context.json) {
    Json files = Json::array(), commands = Json::array();
    for (const std::string& file : *written) files.push_back(file);
    for (const std::string& command : next) commands.push_back(command);
    print_json(context, Json::object({{"status", "success"},
                                      {"path", target.string()},
                                      {"files", std::move(files)},
                                      {"next", std::move(commands)}}));
  } else {
    std::string text = "✅ Adapter " + options.name + " in " + printable(target.string()) + "\n";
    for (const std::string& file : *written) text += "   " + printable(file) + "\n";
    text += "Next:\n";
    for (const std::string& command : next) text += "   " + printable(command) + "\n";
    print_news(context, text);
  }
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_adapters_new_command(const CommandTable& table, CLI::App* adapters) {
  table.add<Options>("new", "Write the source of a new adapter",
                     {"osiris adapters new far", "osiris adapters new far --lang c"}, add_options, make_new, adapters);
}

}  // namespace osiris
