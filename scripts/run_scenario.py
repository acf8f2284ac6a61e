"""For planners: run a scenario, print who is not served and why, and the first ten things to do.

Usage: .venv/bin/python scripts/run_scenario.py [SCENARIO] [OUT]
Copy this file and change what you print.
"""

import sys
from pathlib import Path

import phusong

scenario = sys.argv[1] if len(sys.argv) > 1 else "default"
out = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("results") / Path(scenario).stem

# a scenario may be changed before it runs: any key, as with --set on the command line
asked = phusong.Scenario.read(scenario)
result = phusong.run(asked, out)

# the communes with most people left without stable internet, and what stands in the way of most of them
communes = result.access.communes
gaps = ["gap_no_signal", "gap_locked", "gap_unstable", "gap_congested"]
communes = communes.assign(
    not_served=communes["population"] - communes["people_served"],
    mostly=communes[gaps].idxmax(axis=1).str.removeprefix("gap_"),
)
worst = communes.sort_values("not_served", ascending=False).head(10)
print(worst[["commune_code", "name", "population", "not_served", "mostly"]].to_string(index=False))

# the ranked list: what buys most people for its cost, with the reason in words
for option in result.options.head(10).itertuples():
    print(f"{option.rank:3d}. {option.why}")

plan = result.summary["plan"]
print(f"Plan: {plan['people_gained']:,} people for {plan['cost_musd']:.2f} million USD;")
print(f"the best possible is at most {plan['distance_share']:.1%} better. Report: {out / 'report.html'}")
