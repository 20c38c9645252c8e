// One finding in a file the user wrote: what, where, and what to do. Findings are collected, not thrown: a reader sees
// all that is wrong with a file at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// A place in a text file, both counted from 1; 0 means unknown. Columns count characters, not bytes.
struct Mark {
  int line = 0;
  int column = 0;
};

struct Diagnostic {
  enum class Level { kError, kWarning };
  Level level = Level::kError;
  std::string type;      // "missing_step_field", ... (docs/oml.md lists them)
  std::string message;   // Python Osiris's text where it has one
  std::string location;  // "steps[2].config.path"; empty when there is none
  std::string file;      // as the user named it
  Mark mark;
  std::string hint;  // what to do; may be empty
  // Another one where not the file is at fault but the machine: it cannot be read now.
  Code code = Code::kInvalidArgument;
  std::string source_line;  // of the file, without its end; empty when it is not known

  // {"type","message","location","file","line","column","source_line","hint"}; the last four only where known. `mask`
  // hides secrets that may stand in the line.
  Json to_json(const std::function<std::string(std::string_view)>& mask) const;
  // "pipeline.yaml:12:7: error: <message> [steps[2].config.path] (<hint>)": the form compilers use, so editors can jump
  // to it.
  std::string to_text() const;
  // The line of the file, and below it a caret under the column; each of the two lines ends with '\n'. Empty when the
  // line is not known.
  std::string excerpt(const std::function<std::string(std::string_view)>& mask) const;
};

// Collects findings about one file.
class Diagnostics {
 public:
  explicit Diagnostics(std::string file = {}) : file_(std::move(file)) {}

  void error(std::string type, std::string message, std::string location, Mark mark, std::string hint = {});
  void warning(std::string type, std::string message, std::string location, Mark mark, std::string hint = {});
  // The text of the file: from now on findings carry the line they are about.
  void set_text(std::string_view text);
  const std::string& text() const { return text_; }
  // The file could not be read because of `reason`.
  void unreadable(std::string type, const Error& reason);
  void add(Diagnostic diagnostic);
  void append(const Diagnostics& other);
  void make_warnings_errors();
  // A warning of `type` at the place of an error tells the error's cause: the error gets its hint, and the warning
  // goes.
  void absorb_warnings(std::string_view type);
  // By line and column; findings of one place keep their order.
  void sort_by_place();

  bool ok() const { return errors_.empty(); }
  const std::vector<Diagnostic>& errors() const { return errors_; }
  const std::vector<Diagnostic>& warnings() const { return warnings_; }
  const std::string& file() const { return file_; }
  // The first error as an Error, saying how many more there are; the machine's fault comes before the file's, which may
  // be its consequence. Only when !ok().
  Error to_error() const;

 private:
  void add(Diagnostic::Level level, std::string type, std::string message, std::string location, Mark mark,
           std::string hint);
  std::string line(int number) const;

  std::string file_;
  std::string text_;
  std::vector<size_t> line_starts_;
  std::vector<Diagnostic> errors_;
  std::vector<Diagnostic> warnings_;
};

}  // namespace osiris
