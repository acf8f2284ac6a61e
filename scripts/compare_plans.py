"""For reviewers: put two results side by side and ask which plan is better, for whom, and why.

Usage: .venv/bin/python scripts/compare_plans.py RESULT RESULT
Copy this file and change what you weigh.
"""

import sys
from pathlib import Path

import pandas as pd

import phusong

folders = [Path(p) for p in sys.argv[1:]] or [Path("results/none"), Path("results/mocn")]
results = {folder.name: phusong.Result.read(folder) for folder in folders}

# the headline of each: people served today, what the plan adds, at what cost, how sure it is of being the best
headline = pd.DataFrame(
    {
        name: {
            "policy": r.summary["policy"],
            "people served today": f"{r.summary['people_served']:,}",
            "plan adds": f"{r.summary['plan']['people_gained']:,}",
            "plan costs, million USD": f"{r.summary['plan']['cost_musd']:.2f}",
            "at most this far from the best": f"{r.summary['plan']['distance_share']:.1%}",
        }
        for name, r in results.items()
    }
)
print(headline.to_string())

# communes where the results differ most
first, *others = results
base = results[first].communes.set_index("commune_code")
for name in others:
    served = results[name].communes.set_index("commune_code")["people_served"]
    change = (served - base["people_served"]).rename("more people served").to_frame()
    change.insert(0, "name", base["name"])
    print(f"\n{name} against {first}: where it changes most")
    print(change.sort_values("more people served", key=abs, ascending=False).head(8).to_string())

# remedies that every plan buys are the safest to begin with
common = set.intersection(*(set(r.plan["remedy_id"]) for r in results.values()))
print(f"\n{len(common)} remedies are in every plan, e.g. {', '.join(sorted(common)[:5])}")
