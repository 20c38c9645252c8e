// A pipeline file as a stranger might write it: reading, parameters, validation and compiling end, and what compiles
// can be written and read back.
//
// links: osiris_host_compiler
#include <cstdint>
#include <cstdlib>
#include <set>

#include "host/compat/pyyaml_emitter.h"
#include "host/compiler/manifest.h"
#include "host/compiler/oml_document.h"
#include "host/compiler/params.h"
#include "host/compiler/step_config.h"
#include "host/compiler/step_graph.h"
#include "protocol/model/step_naming.h"

namespace {

constexpr const char* kSpec =
    "name: filesystem.csv_writer\nversion: 1.0.0\nmodes: [extract, transform, write]\ncapabilities: {}\n"
    "configSchema: {type: object, additionalProperties: false, required: [path], properties: {path: {type: string, "
    "pattern: '^[a-z]'}, "
    "limit: {type: integer, minimum: 1, default: 3}, columns: {type: array, uniqueItems: true, items: {type: string}}, "
    "query: {type: string}}}\n"
    "secrets: [/password]\nx-osiris: {writes: [path]}\n";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace osiris;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Diagnostics diagnostics("fuzz.yaml");
  YamlNode root = parse_yaml(text, diagnostics);
  if (!diagnostics.ok()) return 0;

  // Whatever YAML can say, the emitter can say too.
  const Json document = root.to_json();
  if (document.is_object()) {
    Diagnostics again;
    const YamlNode back = parse_yaml(emit_yaml(document), again, {.depth_max = 400});
    // The control characters JSON text may hold have no YAML 1.1 form that yaml-cpp reads; everything else must agree.
    if (again.ok() && back.to_json().dump_canonical() != document.dump_canonical()) std::abort();
  }

  static const Environment environment;
  static const std::map<std::string, std::string> flags = {{"n", "5"}};
  static const auto spec = [] {
    Diagnostics findings;
    return component_spec_of(*parse_spec_document(kSpec, findings));
  }();
  static const ComponentRegistry registry;
  static const Connections connections;
  check_inline_secrets(root, registry, diagnostics);
  const Json params = resolve_params(root, {environment, "dev", flags}, diagnostics);
  OmlDocument oml = read_oml(root, registry, {}, diagnostics);
  const StepGraph graph = build_graph(oml.steps, diagnostics);
  std::set<size_t> ordered(graph.order.begin(), graph.order.end());
  if (ordered.size() != graph.order.size()) std::abort();
  for (OmlStep& step : oml.steps) {
    if (step.id.find('/') != std::string::npos && is_safe_step_id(step.id)) std::abort();
    step.spec = &spec;
    (void)check_step_config(step, {connections, ConnectionCheck::kResolves, false}, diagnostics);
  }
  for (const Diagnostic& error : diagnostics.errors()) (void)error.to_text();
  (void)params.dump_canonical();
  return 0;
}
