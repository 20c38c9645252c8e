#!/bin/sh
# fault_figures.sh LOG: adds up what the rows of the fault matrix printed ("fault row: ..."), in the words of docs/attack-suite.md. Nothing
# when the log has no row.
set -eu
awk '/fault row: / {
       rows++
       for (i = 1; i < NF; i++) if ($i ~ /^(cells|possible|crashes|hangs|wrong|canaries)$/) sum[$i] += $(i + 1)
     }
     END {
       if (!rows) exit
       printf "attack: remote calls x faults: %d cells of %d, %d calls; crashes %d, hangs %d, wrong class or a promise broken %d\n",
              sum["cells"], sum["possible"], rows, sum["crashes"], sum["hangs"], sum["wrong"]
       printf "attack: canaries outside their channel: %d found in the files, output, requests and service'"'"'s log of %d runs\n",
              sum["canaries"], sum["cells"]
     }' "$1"
