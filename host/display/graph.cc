#include "host/display/graph.h"

#include <algorithm>
#include <map>

#include "host/display/format.h"
#include "protocol/base/xml.h"

namespace osiris {
namespace {

// A label is cut in pictures, so that one long id does not make all boxes wide.
constexpr size_t kLabelCharacters = 28;
constexpr int kBoxWidth = 220, kBoxHeight = 52, kGapX = 32, kGapY = 56, kMargin = 24;

std::string escaped(const std::string& text, const std::map<char, std::string>& escapes) {
  std::string out;
  for (const char c : printable(text)) {
    const auto escape = escapes.find(c);
    out += escape == escapes.end() ? std::string(1, c) : escape->second;
  }
  return out;
}

// Mermaid reads HTML entities in quoted labels, with # for &.
std::string mermaid_label(const std::string& text) {
  return escaped(text, {{'"', "#quot;"}, {'#', "#35;"}, {'<', "#lt;"}, {'>', "#gt;"}, {'&', "#amp;"}});
}

std::string dot_text(const std::string& text) { return escaped(text, {{'"', "\\\""}, {'\\', "\\\\"}}); }

std::string dot_string(const std::string& text) { return "\"" + dot_text(text) + "\""; }

std::map<std::string, size_t> places_of(const std::vector<GraphStep>& steps) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < steps.size(); ++i) places[steps[i].id] = i;
  return places;
}

struct Box {
  int x = 0, y = 0;
};

// A step's row is one below the lowest row that it needs; in a row, steps keep the order of the pipeline.
struct Layout {
  std::vector<Box> boxes;
  int width = 0, height = 0;
};

Layout layout_of(const std::vector<GraphStep>& steps, const std::map<std::string, size_t>& places) {
  std::vector<int> row_of(steps.size());
  std::map<int, int> in_row;
  Layout layout;
  layout.boxes.resize(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    for (const std::string& need : steps[i].needs) row_of[i] = std::max(row_of[i], row_of[places.at(need)] + 1);
    const int column = in_row[row_of[i]]++;
    layout.boxes[i] = {kMargin + column * (kBoxWidth + kGapX), kMargin + row_of[i] * (kBoxHeight + kGapY)};
    layout.width = std::max(layout.width, layout.boxes[i].x + kBoxWidth + kMargin);
    layout.height = std::max(layout.height, layout.boxes[i].y + kBoxHeight + kMargin);
  }
  return layout;
}

std::string number(int value) { return std::to_string(value); }

std::string svg_edge(const Box& from, const Box& to) {
  const int x1 = from.x + kBoxWidth / 2, y1 = from.y + kBoxHeight, x2 = to.x + kBoxWidth / 2, y2 = to.y;
  const int bend = (y2 - y1) / 2;
  return "<path class=\"e\" marker-end=\"url(#a)\" d=\"M" + number(x1) + " " + number(y1) + " C" + number(x1) + " " +
         number(y1 + bend) + " " + number(x2) + " " + number(y2 - bend) + " " + number(x2) + " " + number(y2 - 4) +
         "\"/>\n";
}

std::string svg_box(const Box& box, const GraphStep& step) {
  const std::string middle = number(box.x + kBoxWidth / 2);
  return "<g><title>" + xml_text(printable(step.id + " (" + step.component + ")")) + "</title><rect class=\"b\" x=\"" +
         number(box.x) + "\" y=\"" + number(box.y) + "\" width=\"" + number(kBoxWidth) + "\" height=\"" +
         number(kBoxHeight) + "\" rx=\"8\"/><text class=\"i\" x=\"" + middle + "\" y=\"" + number(box.y + 22) + "\">" +
         xml_text(fit(printable(step.id), kLabelCharacters)) + "</text><text class=\"c\" x=\"" + middle + "\" y=\"" +
         number(box.y + 40) + "\">" + xml_text(fit(printable(step.component), kLabelCharacters)) + "</text></g>\n";
}

constexpr const char* kStyle =
    "<style>text{font-family:system-ui,sans-serif;text-anchor:middle}.i{font-size:14px;fill:#1b1f24}"
    ".c{font-size:11px;fill:#57606a}.b{fill:#f6f8fa;stroke:#8c959f}.e{fill:none;stroke:#57606a}#a path{fill:#57606a}"
    "@media(prefers-color-scheme:dark){.i{fill:#e6edf3}.c{fill:#9198a1}.b{fill:#161b22;stroke:#6e7681}"
    ".e{stroke:#9198a1}#a path{fill:#9198a1}}</style>\n"
    "<defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" "
    "orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n";

}  // namespace

std::string graph_as_mermaid(const std::vector<GraphStep>& steps) {
  const auto places = places_of(steps);
  std::string text = "flowchart TD\n";
  for (size_t i = 0; i < steps.size(); ++i)
    text += "  s" + std::to_string(i) + "[\"" + mermaid_label(steps[i].id) + "<br/><small>" +
            mermaid_label(steps[i].component) + "</small>\"]\n";
  for (size_t i = 0; i < steps.size(); ++i)
    for (const std::string& need : steps[i].needs)
      text += "  s" + std::to_string(places.at(need)) + " --> s" + std::to_string(i) + "\n";
  return text;
}

std::string graph_as_dot(const std::string& name, const std::vector<GraphStep>& steps) {
  std::string text = "digraph " + dot_string(name) + " {\n  node [shape=box, style=rounded];\n";
  for (const GraphStep& step : steps)
    text += "  " + dot_string(step.id) + " [label=\"" + dot_text(step.id) + "\\n" + dot_text(step.component) + "\"];\n";
  for (const GraphStep& step : steps)
    for (const std::string& need : step.needs) text += "  " + dot_string(need) + " -> " + dot_string(step.id) + ";\n";
  return text + "}\n";
}

std::string graph_as_svg(const std::string& name, const std::vector<GraphStep>& steps) {
  const auto places = places_of(steps);
  const Layout layout = layout_of(steps, places);
  const std::string width = number(layout.width), height = number(layout.height);
  std::string text = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + width + "\" height=\"" +
                     height + "\" viewBox=\"0 0 " + width + " " + height + "\">\n<title>" + xml_text(printable(name)) +
                     "</title>\n" + kStyle;
  for (size_t i = 0; i < steps.size(); ++i)
    for (const std::string& need : steps[i].needs) text += svg_edge(layout.boxes[places.at(need)], layout.boxes[i]);
  for (size_t i = 0; i < steps.size(); ++i) text += svg_box(layout.boxes[i], steps[i]);
  return text + "</svg>\n";
}

}  // namespace osiris
