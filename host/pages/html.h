// The parts that pages are made of: HTML with every text escaped, and the frame with its style. A page loads nothing
// (its Content-Security-Policy forbids it) and runs nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/pages/series.h"

namespace osiris {

// As text and in attributes: markup escaped; characters that act on terminals or on the order of text become '?'.
std::string html_text(std::string_view text);

struct PageSection {
  std::string id, heading, body;  // body: HTML
};

// A whole document: heading and `lead` (HTML) first, then links to the sections, then these. Sections without a body
// are left out.
std::string html_page(const std::string& title, const std::string& lead, const std::vector<PageSection>& sections,
                      const std::string& footer);

// Rows of HTML cells; the first cell of a row is its header. Wide tables scroll by themselves.
class HtmlTable {
 public:
  // `caption` is for those who hear the page; columns whose title ends in '#' are numbers.
  HtmlTable(std::string caption, const std::vector<std::string>& columns);
  void row(const std::vector<std::string>& cells);
  bool empty() const { return is_empty_; }
  std::string html() const;

 private:
  std::string caption_, text_;
  std::vector<bool> is_number_;
  bool is_empty_ = true;
};

// Names and values (HTML); empty values are left out.
std::string html_facts(const std::vector<std::pair<std::string, std::string>>& facts);

// "2025-11-23 04:00:00" of a time stamp.
std::string html_time(std::string_view time);

// A status as a word with a colour: "success" and "complete" are good, "failed" bad, ...
std::string html_status(std::string_view status);

// Where a part of a stretch is: percent from its left. Decoration beside numbers that say the same.
std::string html_bar(double start, double end, double whole, std::string_view status);

struct Chart {
  std::string title, summary;  // summary: what there is to see, in words
  std::string top;             // what the highest point is: "1.2 GiB"
  std::string left, right;     // the ends of the axis of time
};
// An area under a line. Nothing for less than two samples.
std::string html_chart(const Chart& chart, const std::vector<Sample>& samples);

}  // namespace osiris
