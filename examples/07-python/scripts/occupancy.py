import json
import os

import stays

with open(os.environ["OSIRIS_STEP"]) as description:
    step = json.load(description)
open_until = step["params"]["open_until"]

berths = {}
with open(os.environ["OSIRIS_INPUT"]) as calls:
    for line in calls:
        call = json.loads(line)
        stay = (stays.parse(call["arrived_at"], None), stays.parse(call["departed_at"], open_until))
        berths.setdefault(call["berth"], []).append(stay)

with open(os.environ["OSIRIS_OUTPUT"], "w") as out:
    for berth, visits in sorted(berths.items()):
        visits.sort()
        gap = stays.longest_gap(visits)
        row = {
            "berth": berth,
            "calls": len(visits),
            "hours_occupied": f"{sum(stays.hours(*visit) for visit in visits):.2f}",
            "longest_gap_hours": None if gap is None else f"{gap:.2f}",
        }
        out.write(json.dumps(row) + "\n")

print(f"{len(berths)} berths")
