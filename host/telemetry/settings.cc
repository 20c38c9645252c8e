#include "host/telemetry/settings.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "host/project/connections.h"
#include "protocol/base/ca_bundle.h"
#include "protocol/base/random.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr std::string_view kPrefix = "OTEL_EXPORTER_OTLP_";
constexpr double kTimeoutMax_s = 300;

bool is_address(std::string_view url) { return url.starts_with("http://") || url.starts_with("https://"); }

// "a%20b" as "a b"; a % that begins no such thing stays.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string digits = ascii_lower(text.substr(std::min(i + 1, text.size()), 2));
    if (text[i] != '%' || digits.size() != 2 || !is_hex(digits)) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(kHexDigits.find(digits[0]) * 16 + kHexDigits.find(digits[1]));
    i += 2;
  }
  return out;
}

// A header's name and value, as HTTP lets them be.
bool is_header(std::string_view name, std::string_view value) {
  const auto is_token = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_'; };
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token) &&
         std::none_of(value.begin(), value.end(), is_control);
}

class Reader {
 public:
  Reader(const TelemetryConfig& config, const Environment& environment, Masking& masking)
      : config_(config), environment_(environment), masking_(masking) {}

  TelemetrySettings run(const Environment& process_environment, std::string_view version) {
    if (!config_.enabled || ascii_lower(variable("OTEL_SDK_DISABLED")) == "true") return {};
    for (const Signal signal : kSignals) settings_.routes[static_cast<size_t>(signal)] = route(signal);
    if (!settings_.is_on()) return std::move(settings_);
    settings_.flush_s = config_.flush_s;
    settings_.metric_interval_s = milliseconds("OTEL_METRIC_EXPORT_INTERVAL", 60, 86'400);
    read_connection();
    read_resource(version);
    if (const auto parent = process_environment.get_filled("TRACEPARENT")) {
      settings_.parent = parse_trace_context(*parent);
      if (settings_.parent)
        settings_.tracestate = tracestate(process_environment);
      else
        warn("TRACEPARENT is no trace context (00-<trace>-<span>-01): the run begins a trace of its own");
    }
    return std::move(settings_);
  }

 private:
  std::string variable(const std::string& name) const { return environment_.get_filled(name).value_or(""); }
  void warn(std::string text) { settings_.warnings.push_back(std::move(text)); }

  // OTEL_EXPORTER_OTLP_<SIGNAL>_<WHAT>, or else OTEL_EXPORTER_OTLP_<WHAT>.
  struct Found {
    std::string name, value;
    bool is_of_signal = false;
  };
  Found option(Signal signal, const std::string& what) const {
    std::string upper(signal_name(signal));
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    Found found{std::string(kPrefix) + upper + "_" + what, "", true};
    found.value = variable(found.name);
    if (!found.value.empty()) return found;
    found = {std::string(kPrefix) + what, "", false};
    found.value = variable(found.name);
    return found;
  }

  double milliseconds(const std::string& name, double otherwise_s, double most_s) {
    const std::string text = variable(name);
    if (text.empty()) return otherwise_s;
    int64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed == std::errc() && end == text.data() + text.size() && number > 0)
      return std::min(static_cast<double>(number) / 1e3, most_s);
    warn(name + " is no number of milliseconds: " + text);
    return otherwise_s;
  }

  // What the section says, ${VAR} filled in; what came of variables is a secret.
  std::string filled(const std::string& text, const std::string& what) {
    std::vector<std::string> missing;
    std::string value = substitute_variables(text, environment_, &missing);
    if (value != text) masking_.learn(value);
    for (const std::string& name : missing)
      warn("telemetry." + what + " of osiris.yaml names " + name + ", which is not set");
    return missing.empty() ? value : std::string();
  }

  std::string url(Signal signal) {
    const std::string path = "/v1/" + std::string(signal_name(signal));
    const Found found = option(signal, "ENDPOINT");
    if (found.is_of_signal) return checked(found.value, found.name);
    std::string base = found.value.empty() ? filled_endpoint() : checked(found.value, found.name);
    while (base.ends_with('/')) base.pop_back();
    return base.empty() ? base : base + path;
  }
  std::string checked(std::string url, const std::string& name) {
    if (is_address(url)) return url;
    warn_once(name + " must begin with http:// or https://: nothing is sent there");
    return {};
  }
  std::string filled_endpoint() {
    if (!endpoint_) endpoint_ = config_.endpoint.empty() ? "" : filled(config_.endpoint, "endpoint");
    return endpoint_->empty() ? "" : checked(*endpoint_, "telemetry.endpoint of osiris.yaml");
  }
  void warn_once(const std::string& text) {
    if (std::find(settings_.warnings.begin(), settings_.warnings.end(), text) == settings_.warnings.end()) warn(text);
  }

  // OTEL_TRACES_EXPORTER and its like: "none" leaves the signal out.
  bool is_wanted(Signal signal) {
    const auto& chosen = config_.signals;
    if (std::find(chosen.begin(), chosen.end(), signal_name(signal)) == chosen.end()) return false;
    std::string name = "OTEL_" + std::string(signal_name(signal)) + "_EXPORTER";
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::string exporter = variable(name);
    if (exporter.empty() || exporter == "otlp" || exporter == "none") return exporter != "none";
    warn(name + " is " + exporter + "; osiris has otlp and none: " + std::string(signal_name(signal)) +
         " are not sent");
    return false;
  }

  TelemetrySettings::Route route(Signal signal) {
    TelemetrySettings::Route route;
    if (!is_wanted(signal)) return route;
    route.url = url(signal);
    if (route.url.empty()) return route;
    masking_.learn(url_userinfo(route.url));
    Found protocol = option(signal, "PROTOCOL");
    if (protocol.value.empty()) protocol.value = config_.protocol.empty() ? "http/protobuf" : config_.protocol;
    if (protocol.value != "http/protobuf" && protocol.value != "http/json") {
      warn_once(protocol.name + " is " + protocol.value +
                ", which osiris does not speak: nothing is sent. Set http/protobuf or http/json, and the collector's "
                "port for it (4318)");
      return {};
    }
    route.is_json = protocol.value == "http/json";
    const Found timeout = option(signal, "TIMEOUT");
    route.timeout_s = milliseconds(timeout.name, 10, kTimeoutMax_s);
    if (const Found compression = option(signal, "COMPRESSION");
        !compression.value.empty() && compression.value != "none")
      warn_once(compression.name + " is " + compression.value + ": osiris sends uncompressed");
    read_headers(signal, route.headers);
    return route;
  }

  void read_headers(Signal signal, http::Headers& headers) {
    std::map<std::string, std::string> all;
    for (const auto& [name, text] : config_.headers)
      if (const std::string value = filled(text, "headers." + name); !value.empty()) all[ascii_lower(name)] = value;
    const Found found = option(signal, "HEADERS");
    for (const std::string& pair : found.value.empty() ? std::vector<std::string>() : split(found.value, ',')) {
      const size_t equals = pair.find('=');
      if (equals == std::string::npos) {
        if (!trim(pair).empty()) warn_once(found.name + " is no list of name=value,name=value");
        continue;
      }
      all[ascii_lower(trim(pair.substr(0, equals)))] = percent_decoded(trim(pair.substr(equals + 1)));
    }
    for (const auto& [name, value] : all) {
      if (!is_header(name, value)) {
        warn_once("the header '" + printable_line(name) + "' of telemetry cannot be sent: its name or value is none");
        continue;
      }
      masking_.learn(value);
      const size_t blank = value.find(' ');  // "Bearer <token>"
      if (blank != std::string::npos) masking_.learn(value.substr(blank + 1));
      headers.add(name, value);
    }
  }

  void read_connection() {
    const auto first = [&](const char* lower, const char* upper) {
      const std::string value = variable(lower);
      return value.empty() ? variable(upper) : value;
    };
    settings_.http.curl.user_agent = "osiris";
    settings_.http.curl.system_ca_file = system_ca_file();
    settings_.http.curl.ca_file = variable("OTEL_EXPORTER_OTLP_CERTIFICATE");
    settings_.http.curl.https_proxy = first("https_proxy", "HTTPS_PROXY");
    settings_.http.curl.http_proxy = variable("http_proxy");  // HTTP_PROXY is what a CGI program's client may set
    settings_.http.curl.no_proxy = first("no_proxy", "NO_PROXY");
  }

  // Later ones win: ours, the section's, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME.
  void read_resource(std::string_view version) {
    Json& resource = settings_.resource;
    resource.set("service.name", "osiris");
    resource.set("service.version", version);
    resource.set("service.instance.id", to_hex(random_bytes(16)));
    resource.set("process.pid", int64_t{::getpid()});
    for (const auto& [name, value] : config_.resource_attributes) resource.set(name, value);
    if (!config_.service_name.empty()) resource.set("service.name", config_.service_name);
    const std::string text = variable("OTEL_RESOURCE_ATTRIBUTES");
    for (const std::string& pair : text.empty() ? std::vector<std::string>() : split(text, ',')) {
      const size_t equals = pair.find('=');
      const std::string name(trim(pair.substr(0, equals)));
      if (equals == std::string::npos || name.empty())
        warn_once("OTEL_RESOURCE_ATTRIBUTES is no list of name=value,name=value");
      else
        resource.set(name, percent_decoded(trim(pair.substr(equals + 1))));
    }
    if (const std::string name = variable("OTEL_SERVICE_NAME"); !name.empty()) resource.set("service.name", name);
  }

  // A header's value may not hold line ends, nor be of any size.
  static std::string tracestate(const Environment& environment) {
    const std::string state = environment.get_filled("TRACESTATE").value_or("");
    return state.size() <= 512 && is_header("tracestate", state) ? state : std::string();
  }

  const TelemetryConfig& config_;
  const Environment& environment_;
  Masking& masking_;
  TelemetrySettings settings_;
  std::optional<std::string> endpoint_;
};

}  // namespace

std::string_view signal_name(Signal signal) {
  static constexpr std::array<std::string_view, 3> kNames = {"traces", "metrics", "logs"};
  return kNames[static_cast<size_t>(signal)];
}

bool TelemetrySettings::is_on() const {
  return std::any_of(routes.begin(), routes.end(), [](const Route& route) { return !route.url.empty(); });
}

TelemetrySettings telemetry_settings(const TelemetryConfig& config, const Environment& environment,
                                     const Environment& process_environment, std::string_view version,
                                     Masking& masking) {
  return Reader(config, environment, masking).run(process_environment, version);
}

}  // namespace osiris
