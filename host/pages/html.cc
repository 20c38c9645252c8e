#include "host/pages/html.h"

#include <algorithm>
#include <cstdio>

#include "host/display/format.h"
#include "host/pages/page_style.h"
#include "protocol/base/xml.h"

namespace osiris {
namespace {

constexpr double kChartWidth = 600, kChartHeight = 100;

struct Tone {
  const char* name;
  const char* sign;
};

Tone tone_of(std::string_view status) {
  if (status == "success" || status == "complete" || status == "released") return {"good", "✓"};
  if (status == "failed" || status == "error" || status == "not released") return {"bad", "✗"};
  if (status == "running") return {"live", "▶"};
  if (status == "skipped" || status == "not run again" || status == "waiting" || status == "kept" || status == "phase")
    return {"idle", "○"};
  return {"warn", "!"};
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  std::string out = text;
  while (out.ends_with('0')) out.pop_back();
  if (out.ends_with('.')) out.pop_back();
  return out;
}

}  // namespace

std::string html_text(std::string_view text) { return xml_text(printable(text)); }

std::string html_page(const std::string& title, const std::string& lead, const std::vector<PageSection>& sections,
                      const std::string& footer) {
  std::string links, bodies;
  for (const PageSection& section : sections) {
    if (section.body.empty()) continue;
    const std::string heading = html_text(section.heading);
    links += "<li><a href=\"#" + section.id + "\">" + heading + "</a></li>";
    bodies += "<section id=\"" + section.id + "\" aria-labelledby=\"" + section.id + "-heading\">\n<h2 id=\"" +
              section.id + "-heading\">" + heading + "</h2>\n" + section.body + "</section>\n";
  }
  const std::string name = html_text(title);
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
         "<title>" +
         name + "</title>\n<style>\n" + kPageStyle + "</style>\n</head>\n<body>\n<header>\n<h1>" + name + "</h1>\n" +
         lead + "</header>\n<nav aria-label=\"On this page\"><ul>" + links + "</ul></nav>\n<main>\n" + bodies +
         "</main>\n<footer>" + footer + "</footer>\n</body>\n</html>\n";
}

HtmlTable::HtmlTable(std::string caption, const std::vector<std::string>& columns) : caption_(html_text(caption)) {
  for (std::string title : columns) {
    is_number_.push_back(title.ends_with('#'));
    if (is_number_.back()) title.pop_back();
    text_ +=
        std::string("<th scope=\"col\"") + (is_number_.back() ? " class=\"n\">" : ">") + html_text(title) + "</th>";
  }
  text_ = "<thead><tr>" + text_ + "</tr></thead>\n<tbody>\n";
}

void HtmlTable::row(const std::vector<std::string>& cells) {
  is_empty_ = false;
  text_ += "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) {
    const char* kind = i < is_number_.size() && is_number_[i] ? " class=\"n\">" : ">";
    text_ += i == 0 ? std::string("<th scope=\"row\"") + kind + cells[i] + "</th>"
                    : std::string("<td") + kind + cells[i] + "</td>";
  }
  text_ += "</tr>\n";
}

std::string HtmlTable::html() const {
  return "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"" + caption_ + "\"><table><caption>" +
         caption_ + "</caption>" + text_ + "</tbody></table></div>\n";
}

std::string html_facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string text;
  for (const auto& [name, value] : facts)
    if (!value.empty()) text += "<div><dt>" + html_text(name) + "</dt><dd>" + value + "</dd></div>\n";
  return text.empty() ? "" : "<dl class=\"facts\">\n" + text + "</dl>\n";
}

std::string html_time(std::string_view time) {
  std::string text(time.substr(0, 19));
  if (text.size() > 10 && text[10] == 'T') text[10] = ' ';
  return html_text(text);
}

std::string html_status(std::string_view status) {
  const Tone tone = tone_of(status);
  return std::string("<span class=\"status ") + tone.name + "\"><span aria-hidden=\"true\">" + tone.sign + " </span>" +
         html_text(status) + "</span>";
}

std::string html_bar(double start, double end, double whole, std::string_view status) {
  if (whole <= 0) return "";
  const double left = std::clamp(start / whole * 100, 0.0, 99.5);
  const double width = std::clamp((end - start) / whole * 100, 0.5, 100 - left);
  return std::string("<span class=\"track\" aria-hidden=\"true\"><span class=\"bar ") + tone_of(status).name +
         "\" style=\"left:" + number(left) + "%;width:" + number(width) + "%\"></span></span>";
}

std::string html_chart(const Chart& chart, const std::vector<Sample>& samples) {
  if (samples.size() < 2) return "";
  const auto by_value = [](const Sample& a, const Sample& b) { return a.value < b.value; };
  const double top = std::max_element(samples.begin(), samples.end(), by_value)->value;
  const double from = samples.front().at_s, until = samples.back().at_s;
  std::string line;
  for (const Sample& sample : samples) {
    const double x = until > from ? (sample.at_s - from) / (until - from) * kChartWidth : 0;
    const double y = kChartHeight - (top > 0 ? sample.value / top * (kChartHeight - 4) : 0);
    line += (line.empty() ? "M" : "L") + number(x) + " " + number(y);
  }
  const std::string area =
      line + "L" + number(kChartWidth) + " " + number(kChartHeight) + "L0 " + number(kChartHeight) + "Z";
  return "<figure class=\"chart\"><figcaption><b>" + html_text(chart.title) + "</b> <span>" + html_text(chart.top) +
         "</span></figcaption><svg role=\"img\" aria-label=\"" + html_text(chart.title + ": " + chart.summary) +
         "\" viewBox=\"0 0 600 100\" preserveAspectRatio=\"none\"><path class=\"area\" d=\"" + area +
         "\"/><path class=\"line\" d=\"" + line + "\"/></svg><div class=\"ends\"><span>" + html_text(chart.left) +
         "</span><span>" + html_text(chart.right) + "</span></div></figure>\n";
}

}  // namespace osiris
