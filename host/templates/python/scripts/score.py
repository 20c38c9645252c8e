"""Counts reviews, and those with a good word, for each product."""

import json
import os

with open(os.environ["OSIRIS_STEP"]) as description:
    good_words = json.load(description)["params"]["good_words"]

products = {}
with open(os.environ["OSIRIS_INPUT"]) as reviews:
    for line in reviews:
        review = json.loads(line)
        counts = products.setdefault(review["product"], {"reviews": 0, "good": 0})
        counts["reviews"] += 1
        counts["good"] += any(word in review["text"].lower() for word in good_words)

with open(os.environ["OSIRIS_OUTPUT"], "w") as out:
    for product, counts in sorted(products.items()):
        out.write(json.dumps({"product": product, **counts}) + "\n")
