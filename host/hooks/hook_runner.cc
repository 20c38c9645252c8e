#include "host/hooks/hook_runner.h"

#include <unistd.h>

#include <algorithm>

#include "host/http/client.h"
#include "host/project/connections.h"
#include "protocol/base/ca_bundle.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr const char* kShell = "/bin/sh";
constexpr size_t kOutputBytesMax = 64 << 10;
constexpr size_t kQuotedBytes = 300;

bool is_program(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

// The end of what a program said, in one line; empty: nothing.
std::string last_words(const CommandOutput& output) {
  const std::string& said = trim(output.standard_error).empty() ? output.standard_output : output.standard_error;
  const std::string_view text = trim(said);
  if (text.empty()) return {};
  const std::string_view end = text.size() > kQuotedBytes ? text.substr(text.size() - kQuotedBytes) : text;
  std::string line(end);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return ": " + printable_line(line);
}

http::CurlOptions curl_options(const Environment& environment) {
  const auto first = [&](const char* lower, const char* upper) {
    return environment.get_filled(lower).value_or(environment.get_filled(upper).value_or(""));
  };
  http::CurlOptions curl;
  curl.user_agent = "osiris";
  curl.system_ca_file = system_ca_file();
  curl.ca_file = environment.get_filled("SSL_CERT_FILE").value_or("");
  curl.https_proxy = first("https_proxy", "HTTPS_PROXY");
  curl.http_proxy = environment.get_filled("http_proxy").value_or("");
  curl.no_proxy = first("no_proxy", "NO_PROXY");
  return curl;
}

}  // namespace

Status HookRunner::run(const Hook& hook, const HookDocument& document) {
  const Status done = hook.is_command() ? run_command_hook(hook, document) : post(hook, document);
  if (done.ok()) return done;
  Error error = done.error();
  error.message = document.event + ": " + masking_.text(error.message);
  return error;
}

Result<std::string> HookRunner::find_program(const std::string& name) const {
  if (name.find('/') != std::string::npos) {
    const std::filesystem::path file = directory_ / name;
    if (is_program(file)) return file.string();
    return Error(Code::kNotFound, "there is no program " + file.string(), "make it executable: chmod +x");
  }
  for (const std::string& place : split(environment_.get("PATH").value_or(""), ':'))
    if (const std::string file = place + "/" + name; place.starts_with('/') && is_program(file)) return file;
  return Error(Code::kNotFound, "there is no program " + name + " on PATH", "name it with its path");
}

Status HookRunner::run_command_hook(const Hook& hook, const HookDocument& document) {
  SpawnOptions spawn;
  spawn.arguments = hook.command;
  if (hook.shell) {
    spawn.arguments = {kShell, "-c", hook.command[0]};
  } else {
    OSIRIS_ASSIGN(spawn.arguments[0], find_program(hook.command[0]));
  }
  Environment environment = environment_;
  for (const auto& [name, value] : more_) environment.set(name, value);
  environment.set("OSIRIS_HOOK", document.event);
  environment.set("OSIRIS_RUN_ID", document.run_id);
  environment.set("OSIRIS_PIPELINE", document.pipeline);
  environment.set("OSIRIS_OUTCOME", document.outcome);
  for (const auto& [name, value] : environment.all()) spawn.environment.emplace_back(name, value);
  spawn.working_directory = directory_;
  const std::string what = "the command " + printable_line(hook.command[0]);
  const auto output =
      run_command(std::move(spawn), static_cast<int64_t>(hook.timeout_s * 1e3), kOutputBytesMax, document.text);
  if (!output.ok()) {
    if (output.error().code == Code::kDeadline)
      return Error(Code::kDeadline, what + " was not done in " + format_double(hook.timeout_s) + " s and was ended",
                   "allow more with its timeout");
    return output.error().within(what);
  }
  if (output->exit.success()) return {};
  return Error(Code::kUnavailable, what + " " + output->exit.describe() + last_words(*output));
}

Result<std::string> HookRunner::filled(const std::string& text) {
  std::vector<std::string> missing;
  std::string value = substitute_variables(text, environment_, &missing);
  if (!missing.empty())
    return Error(Code::kInvalidArgument, "the webhook names " + missing[0] + ", which is not set",
                 "set it in the environment or in .env");
  if (value != text) masking_.learn(value);
  return value;
}

Status HookRunner::post(const Hook& hook, const HookDocument& document) {
  http::Request request;
  request.method = "POST";
  OSIRIS_ASSIGN(request.url, filled(hook.webhook));
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://"))
    return Error(Code::kInvalidArgument, "the webhook's address begins with neither http:// nor https://");
  masking_.learn(url_userinfo(request.url));
  request.headers.add("content-type", "application/json");
  for (const auto& [name, text] : hook.headers) {
    OSIRIS_ASSIGN(std::string value, filled(text));
    if (value.find_first_of("\r\n") != std::string::npos || name.find_first_of("\r\n: ") != std::string::npos)
      return Error(Code::kInvalidArgument, "the header " + printable_line(name) + " of the webhook cannot be sent");
    masking_.learn(value);
    request.headers.add(name, std::move(value));
  }
  request.body = document.text;
  request.has_secrets = true;
  request.label = "the webhook";
  request.timeouts.total = http::Milliseconds{static_cast<int64_t>(hook.timeout_s * 1e3)};
  request.timeouts.connect = request.timeouts.total;
  http::Client client({http_program_, curl_options(environment_)});
  http::SendOptions options;
  options.max_body_bytes = kOutputBytesMax;
  const http::ExchangeResult result = http::send(client, request, options);
  // The path of an address can be its key: only the server is named.
  const size_t path = request.url.find('/', request.url.find("//") + 2);
  const std::string what = "the webhook at " + mask_url_passwords(request.url.substr(0, path));
  if (result.failure) return result.failure->error.within(what);
  const int status = result.response->status;
  if (status / 100 == 2) return {};
  const std::string said = printable_line(result.response->body.substr(0, kQuotedBytes));
  return Error(Code::kUnavailable, what + " answered " + std::to_string(status) + (said.empty() ? "" : ": " + said));
}

}  // namespace osiris
