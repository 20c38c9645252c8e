#!/bin/sh
# failed_tests.sh LOG: of each test that failed in ctest's log, its name and the first lines that say why. Printed last: of a long run the end is
# what is kept and read. Nothing when none failed.
set -eu
awk 'BEGIN { at_most = 10; lines_of_each = 12 }
     /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
       in_failed = /\*\*\*/ && !/\*\*\*Skipped/ && ++failed <= at_most
       shown = 0
       if (in_failed) print "failed: " $0
       next
     }
     /^ *Start +[0-9]+: / || /tests passed, [0-9]+ tests? failed/ { in_failed = 0 }
     in_failed && (shown || /Failure$|Error|ERROR|FAIL:|Assertion/) && !/^$/ && shown < lines_of_each {
       shown++
       print "  " substr($0, 1, 400)
     }
     END { if (failed > at_most) print "failed: and " failed - at_most " more" }' "$1"
