#include "servers/e2b/template_builder.h"

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <thread>

#include "protocol/base/text.h"
#include "servers/e2b/command.h"
#include "servers/e2b/layer.h"

namespace osiris::e2b_server {
namespace {

const std::set<std::string> kStepTypes = {"RUN", "COPY", "ADD", "ENV", "ARG", "WORKDIR", "USER"};

// $1 staging, $2 source pattern, $3 destination, $4 owner, $5 mode. Directories are merged, "/" at the end means a
// directory.
constexpr const char* kCopyScript = R"sh(set -e
cd "$1"
if [ -n "$5" ]; then chmod -R "$5" .; fi
chown -R "$4" . 2>/dev/null || [ "$(id -u)" -ne 0 ]
into() { [ -d "$1" ] || { mkdir -p "$1"; chown "$2" "$1" 2>/dev/null || [ "$(id -u)" -ne 0 ]; }; }
shopt -s nullglob dotglob
case "$2" in *[\*\?\[]*) items=($2) ;; *) items=("$2") ;; esac
[ ${#items[@]} -gt 0 ] || { echo "no file matches $2" >&2; exit 1; }
for item in "${items[@]}"; do
  if [ -d "$item" ]; then into "$3" "$4"; cp -a "$item/." "$3/"
  elif [ "${3%/}" != "$3" ] || [ ${#items[@]} -gt 1 ] || [ -d "$3" ]; then into "$3" "$4"; cp -a "$item" "$3/"
  else into "$(dirname "$3")" "$4"; cp -a "$item" "$3"
  fi
done)sh";

std::string quote(const std::string& text) {
  std::string out = "'";
  for (const char c : text) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

// $NAME and ${NAME} from what is set so far; everything else stays as it is.
std::string expand(const std::string& text, const Json& env) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      out += text[i];
      continue;
    }
    const bool braced = i + 1 < text.size() && text[i + 1] == '{';
    size_t end = i + 1 + braced;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    const std::string name = text.substr(i + 1 + braced, end - i - 1 - braced);
    if (name.empty() || (braced && (end >= text.size() || text[end] != '}'))) {
      out += text[i];
      continue;
    }
    out += env[name].as_string();
    i = end - 1 + braced;
  }
  return out;
}

class Builder {
 public:
  Builder(Server& server, std::string template_id, std::string build_id, const Json& body)
      : server_(server), template_id_(std::move(template_id)), build_id_(std::move(build_id)), body_(body) {}

  void run() {
    const auto directory = server_.registry().fresh_directory("build-" + build_id_);
    if (!prepare(directory) || !run_steps() || !finalize()) {
      if (sandbox_) sandbox_->destroy();
      server_.templates().fail_build(template_id_, build_id_, message_, step_);
      return;
    }
    sandbox_->stop_keeping_files();
    const Status kept = server_.templates().finish_build(template_id_, build_id_, image_, directory);
    if (!kept.ok()) server_.templates().fail_build(template_id_, build_id_, kept.error().message, "finalize");
  }

 private:
  bool fail(std::string message) {
    message_ = std::move(message);
    return false;
  }

  void log(std::string_view text) {
    for (const std::string& line : split(text, '\n'))
      if (!trim(line).empty()) server_.templates().log(template_id_, build_id_, "info", line, step_);
  }

  bool prepare(const std::filesystem::path& directory) {
    step_ = "base";
    const std::string image = body_["fromImage"].as_string();
    auto base = server_.templates().resolve(image.empty() ? body_["fromTemplate"].as_string() : "base");
    if (!base.ok()) return fail(base.error().message);
    if (!image.empty()) log("image " + image + " is not pulled: this machine's programs stand in for it");
    image_ = *base;
    const Status copied =
        server_.templates().with_layer(image_, [&](const auto& layer) { return copy_layer(layer, directory); });
    if (!copied.ok()) return fail(copied.error().message);
    auto sandbox = server_.registry().launch("build", directory, false);
    if (!sandbox.ok()) return fail(sandbox.error().message);
    sandbox_ = *sandbox;
    return true;
  }

  bool run_steps() {
    int64_t number = 0;
    for (const Json& step : body_["steps"].items()) {
      step_ = std::to_string(++number);
      std::vector<std::string> args;
      for (const Json& arg : step["args"].items()) args.push_back(arg.as_string());
      args.resize(std::max<size_t>(args.size(), 4));
      const std::string& type = step["type"].as_string();
      log("[" + step_ + "] " + type + " " + args[0]);
      const bool done = type == "RUN"                     ? shell(args[0], args[1].empty() ? image_.user : args[1])
                                            : type == "COPY" || type == "ADD" ? copy(step["filesHash"].as_string(), args)
                        : type == "WORKDIR"               ? enter(expand(args[0], image_.env))
                        : type == "USER"                  ? change_user(args[0])
                                                          : set_env(step["args"]);
      if (!done) return false;
    }
    return true;
  }

  bool shell(const std::string& text, const std::string& user) {
    const CommandEnd end =
        run_command(*sandbox_, {text, user, image_.workdir, image_.env}, [this](std::string_view out) { log(out); });
    return end.ok() || fail("failed to run command '" + text + "': " + end.failure);
  }

  // `purpose`: what has failed when the command does.
  bool root(const std::string& purpose, const std::string& text) {
    const CommandEnd end = run_command(*sandbox_, {text, "root", "/"}, [this](std::string_view out) { log(out); });
    return end.ok() || fail("failed to " + purpose + ": " + end.failure);
  }

  std::string absolute(const std::string& path) const {
    if (path.starts_with('/')) return path;
    const std::string home = image_.user == "root" ? "/root" : "/home/" + image_.user;
    return (image_.workdir.empty() ? home : image_.workdir) + "/" + path;
  }

  bool copy(const std::string& hash, const std::vector<std::string>& args) {
    if (!is_upload_hash(hash)) return fail("COPY without the hash of its files");
    const FileDescriptor tar(::open(upload_path(server_, hash).c_str(), O_RDONLY | O_CLOEXEC));
    if (!tar.is_open()) return fail("the files of COPY " + args[0] + " were not uploaded");
    Reply opened =
        sandbox_->call(Json::object({{"op", "open_write"}, {"path", "/var/tmp/.e2b-copy.tgz"}, {"user", "root"}}));
    if (opened.error) return fail(opened.error->message);
    char block[65536];
    for (ssize_t count; (count = ::read(tar.get(), block, sizeof block)) > 0;)
      if (::write(opened.fds.front().get(), block, static_cast<size_t>(count)) != count)
        return fail("unpacking the files of COPY");
    const std::string owner = args[2].empty() ? image_.user + ":" : args[2];
    std::string destination = absolute(expand(args[1], image_.env));
    std::string source = args[0];
    while (source.starts_with("./")) source.erase(0, 2);
    std::string command =
        "mkdir -p /var/tmp/.e2b-copy && tar -xzf /var/tmp/.e2b-copy.tgz --no-same-owner -C /var/tmp/.e2b-copy && bash "
        "-c " +
        quote(kCopyScript) + " copy /var/tmp/.e2b-copy";
    for (const std::string& arg : {source.empty() ? std::string(".") : source, destination, owner, args[3]})
      command += " " + quote(arg);
    const bool copied = root("copy \"" + args[0] + "\" to \"" + args[1] + "\" in sandbox", command);
    const std::string why = message_;
    return root("remove the packed files", "rm -rf /var/tmp/.e2b-copy /var/tmp/.e2b-copy.tgz") && (copied || fail(why));
  }

  bool enter(const std::string& path) {
    image_.workdir = absolute(path);
    return root("create workdir", "mkdir -p " + quote(image_.workdir) + " && { chown " + quote(image_.user + ":") +
                                      " " + quote(image_.workdir) + " 2>/dev/null || [ \"$(id -u)\" -ne 0 ]; }");
  }

  bool change_user(const std::string& name) {
    image_.user = name;
    image_.workdir.clear();
    const std::string quoted = quote(name);
    return root(
        "create user",
        "grep -q ^" + quoted +
            ": /etc/passwd && exit 0; id=$(( $(cut -d: -f3 /etc/passwd | awk '$1 < 60000' | sort -n | tail -1) + 1 ));"
            " [ $id -gt 1000 ] || id=1001; echo " +
            quoted + ":x:$id:$id::/home/" + quoted +
            ":/bin/bash >> /etc/passwd;"
            " echo " +
            quoted + ":x:$id: >> /etc/group; mkdir -p /home/" + quoted + "; chown $id:$id /home/" + quoted);
  }

  bool set_env(const Json& args) {
    for (size_t i = 0; i + 1 < args.items().size(); i += 2)
      image_.env.set(args.items()[i].as_string(), expand(args.items()[i + 1].as_string(), image_.env));
    return true;
  }

  // The start command must come up once; sandboxes start it again (registry.cc).
  bool finalize() {
    step_ = "finalize";
    image_.start_cmd = body_["startCmd"].as_string();
    image_.ready_cmd = body_["readyCmd"].as_string();
    if (image_.start_cmd.empty() && image_.ready_cmd.empty()) return true;
    if (!image_.start_cmd.empty()) {
      auto started =
          sandbox_->start(shell_spec({image_.start_cmd, image_.user, image_.workdir, image_.env}), Json::object());
      if (started.error) return fail(started.error->message);
      started.value->start(std::nullopt);
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(10);
    const Command probe{image_.ready_cmd, image_.user, image_.workdir, image_.env};
    while (!image_.ready_cmd.empty()) {
      const CommandEnd end = run_command(*sandbox_, probe, [this](std::string_view out) { log(out); });
      if (end.ok()) return true;
      if (!end.was_run || std::chrono::steady_clock::now() > give_up) return fail("the ready command did not succeed");
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return true;
  }

  Server& server_;
  const std::string template_id_;
  const std::string build_id_;
  const Json& body_;
  ImageSpec image_;
  std::shared_ptr<Sandbox> sandbox_;
  std::string step_;
  std::string message_;
};

}  // namespace

bool is_upload_hash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::filesystem::path upload_path(const Server& server, const std::string& hash) {
  return server.options().data / "uploads" / hash;
}

std::optional<ApiError> check_build(const Json& body) {
  const bool image = !body["fromImage"].as_string().empty(), base = !body["fromTemplate"].as_string().empty();
  if (image == base)
    return ApiError{400, "validation error: exactly one of fromImage and fromTemplate must be given", {}};
  for (const Json& step : body["steps"].items()) {
    const std::string& type = step["type"].as_string();
    if (!kStepTypes.count(type)) return ApiError{400, "validation error: unknown step type '" + type + "'", {}};
    if ((type == "ENV" || type == "ARG") && step["args"].size() % 2 != 0)
      return ApiError{400, "validation error: ENV needs pairs", {}};
  }
  return std::nullopt;
}

void run_build(Server& server, const std::string& template_id, const std::string& build_id, const Json& body) {
  Builder(server, template_id, build_id, body).run();
}

}  // namespace osiris::e2b_server
