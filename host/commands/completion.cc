#include "host/commands/completion.h"

#include <algorithm>

#include "host/commands/commands.h"
#include "host/commands/explain.h"
#include "host/commands/parse.h"
#include "host/commands/run_records.h"
#include "host/display/format.h"
#include "host/inspection/recorded_run.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

using Word = Completions::Word;

constexpr size_t kHelpWidth = 60;
constexpr size_t kRuns = 50;  // the newest ones

// Where on the line the user is: in which command, and what of it stands there already.
struct Place {
  CLI::App* command;
  const CLI::Option* value_of = nullptr;  // the flag whose value is being typed
  std::vector<std::string> arguments;     // positional ones, before the word
};

bool takes_value(const CLI::Option& option) { return option.get_expected_max() > 0 && option.get_type_size_max() > 0; }

const CLI::Option* flag_of(const CLI::App& command, const std::string& word) {
  for (const CLI::App* app = &command; app; app = app->get_parent())
    if (const CLI::Option* option = app->get_option_no_throw(word)) return option;
  return nullptr;
}

Place place_of(CLI::App& app, const std::vector<std::string>& words) {
  Place place{&app, nullptr, {}};
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (place.value_of) {
      place.value_of = nullptr;
    } else if (word.size() > 1 && word[0] == '-') {
      const CLI::Option* option = word.find('=') == std::string::npos ? flag_of(*place.command, word) : nullptr;
      if (option && takes_value(*option)) place.value_of = option;
    } else if (CLI::App* next = place.arguments.empty() ? subcommand(*place.command, word) : nullptr) {
      place.command = next;
    } else {
      place.arguments.push_back(word);
    }
  }
  return place;
}

// The values in "TEXT:{strict,warn}", which is how the parser spells a choice.
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t open = type.find('{'), close = type.rfind('}');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  return split(type.substr(open + 1, close - open - 1), ',');
}

class Candidates {
 public:
  Candidates(const CommandContext& context, const AdapterFlags& adapters) : silent_(context), adapters_(adapters) {
    silent_.out.fd = silent_.err.fd =
        -1;  // a broken project offers nothing; the command that uses it says what is wrong
  }

  Completions completions;

  void add(const std::string& text, const std::string& help = {}) { completions.words.push_back({text, help}); }

  void add_all(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) add(text);
  }

  void commands(CLI::App& command) {
    for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; }))
      if (!sub->get_group().empty()) add(sub->get_name(), sub->get_description());
  }

  void flags(const CLI::App& command) {
    for (const CLI::App* app = &command; app; app = app->get_parent())
      for (const CLI::Option* option : app->get_options()) {
        if (option->get_group().empty()) continue;
        for (const std::string& name : option->get_lnames()) add("--" + name, option->get_description());
      }
  }

  void adapters() {
    for (const FoundAdapter& found : list_adapters(adapters_.places(), nullptr))
      if (found.problem.empty() && !found.shadowed) add(found.manifest.id);
  }

  void profiles() {
    if (const Workspace* project = workspace()) add_all(project->project.config().profile_values);
  }

  void components() {
    if (const Workspace* project = workspace())
      for (const ComponentSpec* spec : project->registry.all()) add(spec->name, spec->title);
  }

  void connections() {
    const Workspace* project = workspace();
    if (!project) return;
    for (const std::string& family : project->connections.families())
      for (const std::string& alias : project->connections.aliases(family)) add("@" + family + "." + alias);
  }

  void runs() {
    RunFilter filter;
    filter.limit = kRuns;
    const auto records = read_runs(silent_, filter);
    if (!records.ok()) return;
    for (const RunRecord& record : *records) add(record.run_id, record.pipeline_slug + ", " + record.status);
  }

  // Of the newest run.
  void steps() {
    const auto newest = newest_run(silent_);
    if (!newest.ok()) return;
    for (const RecordedStepName& step : read_recorded_names(newest->run_logs_path)) add(step.id, step.component);
  }

  void codes() {
    for (const MessageCode& code : message_codes()) add(code.code, code.meaning);
  }

  // What `option` may be, as its command reads it.
  void values(const std::string& command, const CLI::Option& option) {
    const std::string name = option.get_name(false, true), type = option.get_type_name();
    const auto is = [&](std::string_view flag) { return name.find(flag) != std::string::npos; };
    add_all(choices_of(option));
    if (type == "DIR") completions.files = Completions::Files::kDirectories;
    if (type.starts_with("FILE")) completions.files = Completions::Files::kAny;
    if (is("--profile")) profiles();
    if (type == "@FAMILY.ALIAS") connections();
    if (type == "FILE|NAME" || command == "adapters show" || (is("--adapter,") || name == "--adapter")) adapters();
    if (command == "components show") components();
    if (type == "RUN|FILE") completions.files = Completions::Files::kAny;
    if (type == "RUN" || type == "RUN|FILE") runs();
    if (type == "STEP" && (command == "show" || command == "why")) steps();
    if (command == "explain") codes();
  }

 private:
  // Read where it is asked for, and once; null when it cannot be.
  const Workspace* workspace() {
    if (!workspace_) workspace_ = load_workspace(silent_);
    return workspace_->ok() ? &**workspace_ : nullptr;
  }

  CommandContext silent_;
  const AdapterFlags& adapters_;
  std::optional<Result<Workspace>> workspace_;
};

// The positional argument that comes after those that are there; the last one may repeat.
const CLI::Option* next_argument(const CLI::App& command, size_t count) {
  const CLI::Option* last = nullptr;
  for (const CLI::Option* option : command.get_options())
    if (option->get_positional()) {
      last = option;
      if (count == 0) return option;
      --count;
    }
  return last && last->get_expected_max() > 1 ? last : nullptr;
}

constexpr const char* kBash = R"(_osiris() {
  local word help
  COMPREPLY=()
  while IFS=$'\t' read -r word help; do
    case $word in
      :files) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"); compopt -o filenames ;;
      :directories) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "${COMP_WORDS[COMP_CWORD]}"); compopt -o filenames ;;
      *) COMPREPLY+=("$word") ;;
    esac
  done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _osiris osiris
)";

constexpr const char* kZsh = R"(#compdef osiris
_osiris() {
  local word help
  local -a found
  while IFS=$'\t' read -r word help; do
    case $word in
      :files) _files ;;
      :directories) _files -/ ;;
      *) found+=("${word//:/\\:}${help:+:$help}") ;;
    esac
  done < <("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe 'osiris' found
  return 0
}
compdef _osiris osiris
)";

constexpr const char* kFish = R"(function __osiris_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete -- $words[2..] 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':directories'
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c osiris -f -a '(__osiris_complete)'
)";

struct Options {
  std::string shell;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("shell", options.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("SHELL");
}

int print_script(const CommandContext& context, const Options& options) {
  const std::string script = options.shell == "bash" ? kBash : options.shell == "zsh" ? kZsh : kFish;
  if (context.json)
    print_json(context, Json::object({{"shell", options.shell}, {"script", script}}));
  else
    print_out(context, script);
  return to_int(ExitCode::kOk);
}

}  // namespace

Completions complete(CLI::App& app, const CommandContext& context, const AdapterFlags& adapters,
                     const std::vector<std::string>& words) {
  const std::string typed = words.empty() ? "" : words.back();
  const Place place = place_of(app, words);
  Candidates candidates(context, adapters);
  if (place.value_of) {
    candidates.values(words_of(*place.command), *place.value_of);
  } else if (typed.starts_with("-")) {
    candidates.flags(*place.command);
  } else {
    if (place.arguments.empty()) candidates.commands(*place.command);
    if (const CLI::Option* argument = next_argument(*place.command, place.arguments.size()))
      candidates.values(words_of(*place.command), *argument);
  }
  std::vector<Word>& found = candidates.completions.words;
  std::erase_if(found, [&](const Word& word) { return !word.text.starts_with(typed); });
  return std::move(candidates.completions);
}

void add_completion_command(const CommandTable& table) {
  table.add<Options>("completion", "Print the script that completes words in a shell", {"osiris completion bash"},
                     add_options, print_script);
}

std::string completion_lines(const Completions& completions) {
  std::string text;
  for (const Word& word : completions.words)
    text += printable(word.text) + "\t" + fit(printable(word.help), kHelpWidth) + "\n";
  if (completions.files == Completions::Files::kAny) text += ":files\n";
  if (completions.files == Completions::Files::kDirectories) text += ":directories\n";
  return text;
}

}  // namespace osiris
