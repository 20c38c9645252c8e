#!/bin/sh
# attack.sh PRESET: the attack suite at its full size, one attack after the other, and the figures it prints. About an hour on two cores.
# What it consists of is in docs/attack-suite.md.
set -u
cd "$(dirname "$0")/.."
preset=$1
log=build/$preset/attack.log
OSIRIS_ATTACK=full ctest --preset "$preset" -V -R '[./](HostKill|CutFlood|CopiesKilled|FaultMatrix|FaultMatrixRow|Canar[a-z]*)\.|[./]State\.AKilled|[./](FleetSimulation|CapSimulation|KilledSandboxes)\.|[./]FleetMachines\.(CallsAreFew|AKilledHost)' >"$log" 2>&1
status=$?
sed -n 's/^[0-9]*: \(attack: .*\)/\1/p' "$log"
scripts/fault_figures.sh "$log"
grep -E '^[0-9]+/[0-9]+ Test|tests passed' "$log"
[ $status = 0 ] || echo "The whole output is in $log." >&2
exit $status
