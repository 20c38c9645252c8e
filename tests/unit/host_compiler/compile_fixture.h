// A project in a temporary directory, compiled in process: what most tests of the compiler start from.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "host/compiler/adapter_inputs.h"
#include "host/compiler/compiler.h"
#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"

namespace osiris {

inline std::filesystem::path source_dir() { return std::getenv("OSIRIS_SOURCE_DIR"); }
inline std::filesystem::path component_dir() {
  return std::filesystem::path(std::getenv("OSIRIS_BUILD_DIR")) / "share/osiris/components";
}
inline std::filesystem::path examples_dir() { return source_dir() / "tests/fixtures/examples"; }

class CompileTest : public ::testing::Test {
 protected:
  CompileTest() : clock_(1'763'632'800'123'456'000) {
    Diagnostics findings;
    registry_ = ComponentRegistry::load({component_dir()}, findings);
    EXPECT_TRUE(findings.warnings().empty()) << findings.warnings().front().to_text();
  }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    const auto path = directory_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  void use_connections(const std::string& text) {
    const auto file = write("osiris_connections.yaml", text);
    ::chmod(file.c_str(), 0600);
    auto loaded = Connections::load_file(file, environment_);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    connections_ = *std::move(loaded);
  }

  CompileInputs inputs() const { return {project_, registry_, connections_, environment_, clock_}; }

  CompileResult compile(const std::filesystem::path& file) {
    options_.file = file;
    options_.work_dir = directory_.path();
    Diagnostics findings;
    project_ = Project::load(directory_.path(), environment_, findings);
    EXPECT_TRUE(findings.ok());
    return compile_oml(options_, inputs());
  }
  CompileResult compile_text(const std::string& oml) { return compile(write("pipeline.yaml", oml)); }

  // A pipeline around `steps`, given as YAML list items.
  static std::string pipeline(const std::string& steps) { return "oml_version: \"0.1.0\"\nname: p\nsteps:\n" + steps; }

  static std::string all_text(const CompileResult& result) {
    std::string text;
    for (const Diagnostic& error : result.diagnostics.errors()) text += error.to_text() + "\n";
    for (const Diagnostic& warning : result.diagnostics.warnings()) text += warning.to_text() + "\n";
    return text;
  }

  static const Diagnostic* find(const std::vector<Diagnostic>& list, const std::string& type) {
    for (const Diagnostic& diagnostic : list)
      if (diagnostic.type == type) return &diagnostic;
    return nullptr;
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::make();
  Environment environment_;
  Project project_;
  ComponentRegistry registry_;
  Connections connections_;
  ManualClock clock_;
  CompileOptions options_;
};

}  // namespace osiris
