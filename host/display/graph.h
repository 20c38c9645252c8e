// The graph of a pipeline's steps, as text for other programs and as a picture.
#pragma once

#include <string>
#include <vector>

namespace osiris {

struct GraphStep {
  std::string id, component;
  std::vector<std::string> needs;  // ids; each is of a step before
};

// A flowchart of Mermaid, from top to bottom.
std::string graph_as_mermaid(const std::vector<GraphStep>& steps);
// Graphviz's language.
std::string graph_as_dot(const std::string& name, const std::vector<GraphStep>& steps);
// One self-contained SVG: a step below everything that it needs, in light and dark.
std::string graph_as_svg(const std::string& name, const std::vector<GraphStep>& steps);

}  // namespace osiris
