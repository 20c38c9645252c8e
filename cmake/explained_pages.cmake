# -DSOURCE=<tree> -DOUTPUT=<header> -P: the tables of codes of two pages, for `osiris explain` (host/commands/explain.h).
file(READ "${SOURCE}/docs/oml.md" page)
string(FIND "${page}" "\n## Findings\n" start)
if(start EQUAL -1)
  message(FATAL_ERROR "docs/oml.md has no heading 'Findings'")
endif()
string(SUBSTRING "${page}" ${start} -1 findings)
file(READ "${SOURCE}/docs/error-categories.md" categories)
configure_file("${SOURCE}/host/commands/explained_pages.h.in" "${OUTPUT}" @ONLY)
