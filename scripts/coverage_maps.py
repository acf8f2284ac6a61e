"""For analysts: draw your own map from a result's rasters and tables.

Usage: .venv/bin/python scripts/coverage_maps.py RESULT [OUT.png]
Copy this file and change the colours, the threshold or the layer.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

import phusong

mpl.use("Agg")
from matplotlib import pyplot as plt

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/demo")
picture = Path(sys.argv[2] if len(sys.argv) > 2 else "coverage.png")

result = phusong.Result.read(folder)
west, south, east, north = result.grid.bounds

figure, axes = plt.subplots(figsize=(8, 9), constrained_layout=True)
# best-server RSRP where anybody is heard; white elsewhere
image = axes.imshow(result.rsrp_dbm, extent=(west, east, south, north), cmap="cividis", vmin=-115, vmax=-70)
result.access.communes.boundary.plot(ax=axes, color="black", linewidth=0.3)

# villages without any signal at hall and clusters
villages = result.access.settlements
if villages is not None and "white" in villages:
    villages[villages["white"]].plot(ax=axes, color="crimson", markersize=12, label="village with no signal")
    axes.legend(loc="lower right")

covered = np.isfinite(result.rsrp_dbm)[result.access.classes > 0].mean()
axes.set_title(f"{result.summary['region']}: RSRP of the best station; {covered:.0%} of the land is covered")
axes.set_xlabel(f"easting, m ({result.grid.crs})")
axes.set_ylabel("northing, m")
figure.colorbar(image, ax=axes, shrink=0.6, label="RSRP, dBm (modelled)")
figure.savefig(picture, dpi=150)
print(f"Wrote {picture}")
