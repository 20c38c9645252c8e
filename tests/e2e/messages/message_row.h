// The table of messages: an input that a user gets wrong, what the message must hold, and what makes it right.
#pragma once

#include <string>
#include <vector>

namespace osiris::e2e {

// A change of the pipeline in messages_test.cc, checked with `osiris validate p.yaml --strict`.
struct MessageRow {
  const char* name;
  std::string right, wrong;  // text of the pipeline, and what the user wrote in its place
  const char* place;         // "p.yaml:8:19": where the message says it is
  std::string offending;     // of what the user wrote, or its name: in the message or in the line it shows
  std::string remedy;        // in the message
  std::string fixed;         // in place of `wrong`: what the remedy says. The pipeline is valid with it
};

// A command line that is refused.
struct CommandRow {
  const char* name;
  std::vector<std::string> arguments;
  int exit;
  std::string offending, remedy;
  std::vector<std::string> fixed;  // a command line that the remedy leads to; it must not be refused
};

const std::vector<MessageRow>& yaml_rows();
const std::vector<MessageRow>& pipeline_rows();
const std::vector<MessageRow>& sql_rows();
const std::vector<MessageRow>& path_rows();
const std::vector<MessageRow>& parameter_rows();
const std::vector<CommandRow>& command_rows();

}  // namespace osiris::e2e
