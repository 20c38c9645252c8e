// osiris schedule render FILE: the pipeline's schedule for what starts it: systemd, cron, GitHub Actions, Kubernetes.
#include <algorithm>

#include "host/commands/commands.h"
#include "host/compiler/schedule.h"
#include "host/display/format.h"
#include "host/project/project.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

struct Options {
  std::string file, form;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("file", options.file, "pipeline with a schedule")->required()->type_name("FILE");
  const std::pair<const char*, const char*> forms[] = {{"systemd", "a service and a timer"},
                                                       {"cron", "a line of a crontab"},
                                                       {"github", "a workflow of GitHub Actions"},
                                                       {"kubernetes", "a CronJob"}};
  for (const auto& [form, help] : forms)
    command.add_flag_function(
        "--" + std::string(form), [&options, form = std::string(form)](int64_t) { options.form = form; }, help);
}

// What is started, where.
struct Job {
  std::string name, slug;
  Schedule schedule;
  std::filesystem::path osiris, directory;
  std::string file;  // from the directory
};

constexpr size_t kHashDigits = 8;
constexpr size_t kFileNameBytesMax = 255;
constexpr size_t kCronJobBytesMax = 52;  // its Jobs' names have 11 characters more, and 63 in all

// "osiris-" and the slug, where a name may have so many bytes: one that is longer ends in a hash of the whole, so that
// names that begin alike stay apart, and a pipeline's is always the same.
std::string name_of_job(const Job& job, size_t bytes_max) {
  const std::string name = "osiris-" + job.slug;
  if (name.size() <= bytes_max) return name;
  std::string begin = name.substr(0, bytes_max - kHashDigits - 1);
  begin.resize(begin.find_last_not_of('-') + 1);
  return begin + "-" + sha256_hex(name).substr(0, kHashDigits);
}

// A word of a unit file: quoted, with its specifiers escaped.
std::string unit_word(const std::string& text) {
  std::string word = "\"";
  for (const char c : text) {
    if (c == '%') word += '%';
    if (c == '"' || c == '\\') word += '\\';
    word += c;
  }
  return word + '"';
}

// An argument of ExecStart, in which `$NAME` would be a variable.
std::string argument(const std::string& text) {
  std::string word;
  for (const char c : unit_word(text)) word += c == '$' ? "$$" : std::string(1, c);
  return word;
}

// All of the line is the path of WorkingDirectory: quotes would be part of it, and then it is not absolute.
std::string path_of_line(const std::string& path) {
  std::string text;
  for (const char c : path) text += c == '%' ? "%%" : std::string(1, c);
  return text;
}

std::string for_systemd(const Job& job) {
  const std::string unit = name_of_job(job, kFileNameBytesMax - std::string_view(".service").size());
  std::string text = "# ~/.config/systemd/user/" + unit + ".service\n[Unit]\nDescription=osiris pipeline " +
                     printable(job.slug) +
                     "\n\n[Service]\nType=oneshot\nWorkingDirectory=" + path_of_line(job.directory.string()) +
                     "\nExecStart=" + unit_word(job.osiris.string()) + " run --exclusive " + argument(job.file) +
                     "\n\n# ~/.config/systemd/user/" + unit + ".timer\n[Unit]\nDescription=osiris pipeline " +
                     printable(job.slug) + "\n\n[Timer]\n";
  for (const std::string& event : calendar_events(job.schedule)) text += "OnCalendar=" + event + "\n";
  return text + "Persistent=true\n\n[Install]\nWantedBy=timers.target\n\n# systemctl --user enable --now " + unit +
         ".timer\n";
}

std::string for_cron(const Job& job) {
  std::string command = "cd " + shell_word(job.directory.string()) + " && " + shell_word(job.osiris.string()) +
                        " run --quiet --exclusive " + shell_word(job.file);
  std::string line;
  for (const char c : command) line += c == '%' ? "\\%" : std::string(1, c);  // cron takes a bare % for a line end
  const std::string zone =
      job.schedule.timezone.empty()
          ? ""
          : "# Cronie knows CRON_TZ (Fedora, RHEL, Arch). Debian's and BusyBox's cron do not: they start this by the "
            "machine's time.\nCRON_TZ=" +
                job.schedule.timezone + "\n";
  return zone + job.schedule.cron + " " + line + "\n";
}

std::string for_github(const Job& job) {
  const std::string name = name_of_job(job, kFileNameBytesMax - std::string_view(".yml").size());
  return "# .github/workflows/" + name + ".yml\nname: osiris " + job.slug + "\non:\n  schedule:\n    - cron: \"" +
         job.schedule.cron + "\"  # UTC\n  workflow_dispatch:\nconcurrency:\n  group: " + name +
         "\njobs:\n  run:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n"
         "      # Put osiris on PATH here: install its package, or unpack its archive.\n      - run: " +
         Json("osiris run " + shell_word(job.file) + " --report junit=run.xml").dump() +
         "\n        # env:\n        #   SHOP_PASSWORD: ${{ secrets.SHOP_PASSWORD }}\n";
}

std::string for_kubernetes(const Job& job) {
  return "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: " + name_of_job(job, kCronJobBytesMax) +
         "\nspec:\n  schedule: \"" + job.schedule.cron + "\"\n" +
         (job.schedule.timezone.empty() ? "" : "  timeZone: " + Json(job.schedule.timezone).dump() + "\n") +
         "  concurrencyPolicy: Forbid\n  jobTemplate:\n    spec:\n      backoffLimit: 0\n      template:\n        "
         "spec:\n"
         "          restartPolicy: Never\n          containers:\n            - name: osiris\n"
         "              image: IMAGE  # one that holds osiris and this project\n              workingDir: /project\n"
         "              command: [osiris, run, " +
         Json(job.file).dump() + "]\n";
}

Result<Job> read_job(const CommandContext& context, const std::string& file) {
  const PipelineFile pipeline = read_pipeline_file(file);
  if (!pipeline.diagnostics.ok()) {
    print_diagnostics(context, pipeline.diagnostics);
    return pipeline.diagnostics.to_error();
  }
  const YamlNode* schedule = pipeline.root.find("schedule");
  if (!schedule)
    return Error(Code::kInvalidArgument, file + " has no schedule", "add schedule: \"30 3 * * *\" at its top level");
  Job job;
  OSIRIS_ASSIGN(job.schedule, read_schedule(*schedule));
  const YamlNode* name = pipeline.root.find("name");
  job.name = name ? name->text() : "";
  job.slug = slugify(job.name.empty() ? std::filesystem::path(file).stem().string() : job.name);
  if (job.slug.empty()) job.slug = sha256_hex(job.name).substr(0, kHashDigits);  // a name in other letters
  job.osiris = context.executable_directory / "osiris";
  job.directory = context.place.directory;
  job.file = (context.cwd / file).lexically_normal().lexically_relative(job.directory).string();
  return job;
}

int render(const CommandContext& context, const Options& options) {
  if (options.form.empty())
    return fail(context, Error(Code::kInvalidArgument, "Nothing says for what the schedule is",
                               "add --systemd, --cron, --github or --kubernetes"));
  const Result<Job> job = read_job(context, options.file);
  if (!job.ok()) return fail(context, job.error());
  if (options.form == "github" && !job->schedule.timezone.empty() && job->schedule.timezone != "UTC")
    return fail(context, Error(Code::kInvalidArgument,
                               "GitHub Actions starts workflows by UTC only, and the schedule "
                               "names " +
                                   job->schedule.timezone,
                               "write the cron expression in UTC, with timezone: UTC"));
  const std::string text = options.form == "systemd"  ? for_systemd(*job)
                           : options.form == "cron"   ? for_cron(*job)
                           : options.form == "github" ? for_github(*job)
                                                      : for_kubernetes(*job);
  if (context.json)
    print_json(context, Json::object({{"for", options.form}, {"cron", job->schedule.cron}, {"text", text}}));
  else
    print_text(context, text);
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_schedule_commands(const CommandTable& table) {
  CLI::App* schedule = table.app.add_subcommand("schedule", "The schedules of pipelines, for what starts them");
  schedule->require_subcommand(1);
  table.add<Options>("render", "Write a pipeline's schedule for systemd, cron, GitHub Actions or Kubernetes",
                     {"osiris schedule render pipeline.yaml --systemd"}, add_options, render, schedule);
}

}  // namespace osiris
