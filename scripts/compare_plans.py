"""For reviewers: put results side by side and ask which plan is better, for whom, how surely, and why.

Usage: .venv/bin/python scripts/compare_plans.py RESULT RESULT…
Copy this file and change what you weigh; `phusong compare A B --out page.html` writes the whole page.
"""

import sys
from pathlib import Path

import phusong

folders = [Path(p) for p in sys.argv[1:]] or [Path("results/none"), Path("results/mocn")]
found = phusong.compare({folder.name: phusong.Result.read(folder) for folder in folders})
first, *others = found.names

# which plan, why, and what would change it
for line in [*found.notes, *found.verdict()]:
    print(line)
for what, leads in found.break_even_lines():
    print(f"If {what}, {leads} leads.")

# communes where the plans differ most
for name in others:
    columns = ["name", "population", f"with plan: {first}", f"with plan: {name}", f"change: {name}"]
    print(f"\n{name} against {first}: people served once the plan is built, where it changes most")
    print(found.communes[columns].head(8).to_string(index=False))

# fairness between communes, and the price of the wrong plan
print("\n" + found.equity.set_index("result").T.to_string())
if len(found.regret):
    print("\npeople fewer than the best plan, if a scenario holds\n" + found.regret.to_string(index=False))

# remedies that every plan buys are the safest to begin with
common = found.remedies.loc[found.remedies["plans"] == len(found.names), "remedy_id"]
print(f"\n{len(common)} remedies are in every plan, e.g. {', '.join(common.head(5))}")
