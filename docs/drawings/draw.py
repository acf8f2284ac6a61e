"""Draws the concept pictures: python docs/drawings/draw.py writes each as an SVG beside this file."""
# ruff: noqa: D103, PLC0415 - drawings, not a library

import ast
import tomllib
from collections.abc import Iterable
from html import escape
from importlib.util import find_spec
from pathlib import Path

from phusong.report.map_style import GAP_HEX, SERVED_HEX

# a colour means the same here as in the report
SERVED = SERVED_HEX
NO_SIGNAL, LOCKED, UNSTABLE, CONGESTED = GAP_HEX.values()
FIRST, SECOND = "#56b4e9", "#1b1b1b"  # lines that are no cause
INK, FAINT, PAPER = "#1b1b1b", "#8a8a8a", "#ffffff"

Drawing = tuple[str, str]
"""Name of the file and its text."""


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 15,
    anchor: str = "middle",
    colour: str = INK,
    bold: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(words)}</text>'


def box(
    x: float,
    y: float,
    w: float,
    h: float,
    lines: Iterable[str],
    *,
    fill: str = PAPER,
    ink: str = INK,
    edge: str = INK,
) -> str:
    lines = list(lines)
    out = [
        f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="8" fill="{fill}" stroke="{edge}" stroke-width="1.5"/>'
    ]
    top = y + h / 2 - (len(lines) - 1) * 9 + 5
    out += [
        text(x + w / 2, top + 18 * k, line, colour=ink, bold=k == 0 and len(lines) > 1)
        for k, line in enumerate(lines)
    ]
    return "".join(out)


def arrow(x1: float, y1: float, x2: float, y2: float, *, dash: bool = False, colour: str = INK) -> str:
    style = ' stroke-dasharray="5 4"' if dash else ""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" stroke-width="1.8"{style} marker-end="url(#tip)"/>'


def line(
    x1: float, y1: float, x2: float, y2: float, *, colour: str = INK, width: float = 1.8, dash: bool = False
) -> str:
    style = ' stroke-dasharray="5 4"' if dash else ""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" stroke-width="{width}"{style}/>'


def curve(
    points: list[tuple[float, float]], *, colour: str = INK, dash: bool = False, fill: str = "none"
) -> str:
    style = ' stroke-dasharray="7 5"' if dash else ""
    way = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{way}" fill="{fill}" stroke="{colour}" stroke-width="2.5"{style}/>'


def mast(x: float, y: float, name: str, *, colour: str = INK) -> str:
    legs = f'<path d="M{x - 12:g},{y:g} L{x:g},{y - 46:g} L{x + 12:g},{y:g} M{x - 8:g},{y - 15:g} H{x + 8:g} M{x - 5:g},{y - 28:g} H{x + 5:g}" fill="none" stroke="{colour}" stroke-width="2"/>'
    waves = f'<path d="M{x - 14:g},{y - 56:g} a14,14 0 0 1 28,0 M{x - 8:g},{y - 52:g} a8,8 0 0 1 16,0" fill="none" stroke="{colour}" stroke-width="2"/>'
    return legs + waves + text(x, y + 19, name, size=14)


def picture(name: str, title: str, width: int, height: int, parts: Iterable[str]) -> Drawing:
    marks = f'<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0,0 L10,5 L0,10 z" fill="{INK}"/></marker></defs>'
    body = "\n".join(parts)
    return name, (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t" '
        f'font-family="Noto Sans, DejaVu Sans, Arial, sans-serif">\n<title id="t">{escape(title)}</title>\n'
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>\n{marks}\n{body}\n</svg>\n'
    )


def gaps() -> Drawing:
    steps = [
        ("heard?", "is any station", NO_SIGNAL, "no signal"), ("usable?", "may one be used", LOCKED, "locked"),
        ("stable?", "does one work enough", UNSTABLE, "unstable"), ("room?", "is one free enough", CONGESTED, "congested"),
    ]  # fmt: skip
    parts = [
        box(10, 40, 124, 74, ["element", "a square and", "an operator"]),
        text(380, 20, "Four questions, in this order: the first no gives the gap part", size=15, colour=INK),
    ]
    for k, (ask, say, colour, gap) in enumerate(steps):
        x = 165 + 140 * k
        parts += [
            arrow(x - (31 if k == 0 else 34), 77, x, 77),
            box(x, 40, 106, 74, [ask, *_two(say)]),
            arrow(x + 53, 114, x + 53, 158),
            text(x + 63, 140, "no", anchor="start", size=14),
            box(x, 160, 106, 40, [gap], fill=colour, ink=PAPER, edge=colour),
            text(x + 122, 70, "yes", size=13),
        ]
    parts += [
        arrow(691, 77, 728, 77), box(730, 57, 96, 40, ["served"], fill=SERVED, ink=PAPER, edge=SERVED),
        text(418, 228, "The five parts of a commune add up to its population, to the person.", size=15),
    ]  # fmt: skip
    return picture(
        "gap-parts", "An element is asked four questions; the first no names its gap part", 836, 244, parts
    )


def _two(words: str) -> list[str]:
    pieces = words.split()
    half = (len(pieces) + 1) // 2
    return [" ".join(pieces[:half]), " ".join(pieces[half:])]


def sharing() -> Drawing:
    rows = ["structure, rent", "backhaul", "radio, its power", "spectrum", "radios opened"]
    columns = [
        ("none", "-----", "none"), ("passive", "s----", "none"), ("passive_\nbackhaul", "ss---", "none"),
        ("moran", "sss--", "unlocked, free slot"), ("mocn", "ssss-", "every unlocked site"), ("roaming", "ssss-", "all but security"),
    ]  # fmt: skip
    parts = []
    for r, name in enumerate(rows):
        parts.append(text(128, 91 + 36 * r, name, anchor="end"))
    for c, (name, shared, who) in enumerate(columns):
        x = 140 + 116 * c
        for k, piece in enumerate(name.split("\n")):
            parts.append(text(x + 53, (42 if "\n" not in name else 30) + 17 * k, piece, bold=True))
        for r in range(4):
            on = shared[r] == "s"
            parts.append(
                f'<rect x="{x}" y="{68 + 36 * r}" width="106" height="32" rx="5" fill="{SERVED if on else PAPER}" stroke="{SERVED if on else FAINT}"/>'
            )
            parts.append(
                text(
                    x + 53,
                    89 + 36 * r,
                    "divided" if on else "each its own",
                    colour=PAPER if on else FAINT,
                    size=14,
                )
            )
        lines = [who] if len(who) < 13 else _two(who)
        for k, piece in enumerate(lines):
            parts.append(text(x + 53, 229 + 17 * k, piece, size=13))
    parts.append(
        text(
            430,
            276,
            "neutral_host (as moran) and srn (all, and the core): one radio for everybody in remote communes, nothing elsewhere.",
            size=14,
        )
    )
    return picture(
        "sharing",
        "What operators share under each policy, and whose subscribers a site then serves",
        850,
        292,
        parts,
    )


def power() -> Drawing:
    parts = [
        text(190, 24, "power: a tree below each substation", bold=True), text(640, 24, "backhaul: a tree below each exchange", bold=True),
        box(140, 42, 110, 36, ["substation"]), line(195, 78, 105, 128), line(195, 78, 285, 128),
        box(50, 128, 110, 36, ["transformer"]), box(230, 128, 110, 36, ["transformer"]),
        line(160, 146, 230, 146, dash=True), text(195, 182, "open line", size=13, colour=INK), text(195, 198, "(closed in a fault)", size=13),
        line(105, 164, 105, 222), line(285, 164, 285, 222),
        mast(105, 292, "site A, battery 4 h"), mast(285, 292, "site B, no battery"),
        f'<path d="M228,92 l14,10 l-10,4 l14,12" fill="none" stroke="{NO_SIGNAL}" stroke-width="3"/>', text(280, 94, "a fault here: B off at once,", anchor="start", size=13), text(280, 110, "until the open line is closed", anchor="start", size=13),
        box(590, 42, 100, 36, ["exchange"]), line(640, 78, 640, 150), mast(640, 206, ""), text(662, 186, "site C", anchor="start", size=14), text(650, 118, "fibre", anchor="start", size=13),
        line(628, 208, 540, 252), line(652, 208, 740, 252), text(545, 226, "microwave", anchor="end", size=13), text(742, 226, "microwave", anchor="start", size=13),
        mast(540, 310, "site D"), mast(740, 310, "site E"),
        text(640, 352, "C takes D and E down with it; the fault counts once.", size=14),
        text(195, 352, "Faults shorter than a site's autonomy are not felt.", size=14),
    ]  # fmt: skip
    return picture("power-backhaul", "Power and backhaul trees: what takes a site down", 850, 368, parts)


def bundles() -> Drawing:
    parts = [
        text(105, 24, "remedies", bold=True),
        text(105, 42, "single works, each with a cost", size=13),
        text(400, 24, "bundles", bold=True),
        text(400, 42, "smallest sets that serve somebody", size=13),
        text(710, 24, "plan", bold=True),
        text(710, 42, "in order of people per money", size=13),
    ]
    works = ["build site", "add microwave hop", "battery at site 12", "open site 12"]
    for k, name in enumerate(works):
        parts.append(box(15, 62 + 56 * k, 180, 40, [name]))
    sets = [("A", "1,900 people, 0.14 M$"), ("B", "640 people, 0.02 M$")]
    for k, (name, words) in enumerate(sets):
        parts.append(box(300, 78 + 112 * k, 200, 56, [f"bundle {name}", words], edge=FIRST))
    for k, to in ((0, 106), (1, 106), (2, 218), (3, 218)):
        parts.append(arrow(195, 82 + 56 * k, 299, to))
    parts += [
        box(620, 62, 190, 56, ["1. bundle B, 2027", "32,000 people per M$"], edge=SERVED), box(620, 134, 190, 56, ["2. bundle A, 2028", "13,600 people per M$"], edge=SERVED),
        arrow(500, 212, 619, 98), arrow(500, 112, 619, 156),
        text(715, 222, "what A and B share is paid once;", size=13), text(715, 240, "people both reach count once;", size=13), text(715, 258, "figures made up for this picture", size=13),
    ]  # fmt: skip
    return picture("bundles-plan", "Remedies make bundles, bundles make a plan", 850, 296, parts)


def frontier() -> Drawing:
    x0, y0 = 80, 270
    # a made-up concave frontier: people = 1 - exp(-money)
    import math

    best = [(x0 + 6.4 * m, y0 - 220 * (1 - math.exp(-m / 32))) for m in range(0, 101, 4)]
    bound = [(x0 + 6.4 * m, y0 - 228 * (1 - math.exp(-m / 29))) for m in range(0, 101, 4)]
    parts = [
        arrow(x0, y0, x0, 20), arrow(x0, y0, 760, y0), text(x0 - 12, 26, "people", anchor="end"), text(764, y0 + 5, "money", anchor="start"),
        curve(bound, colour=SECOND, dash=True), curve(best, colour=FIRST),
        text(560, 34, "bound: no plan of that money serves more", anchor="middle", size=14), text(600, 106, "best plan known", size=14),
    ]  # fmt: skip
    m = 40
    top = y0 - 228 * (1 - math.exp(-m / 29))
    low = y0 - 220 * (1 - math.exp(-m / 32))
    x = x0 + 6.4 * m
    parts += [
        line(x, y0, x, top, dash=True, colour=FAINT), text(x, y0 + 20, "budget"),
        f'<circle cx="{x}" cy="{low:g}" r="5" fill="{FIRST}"/>', f'<circle cx="{x}" cy="{top:g}" r="5" fill="{SECOND}"/>',
        text(x + 14, low + 26, "the distance between the two is reported:", anchor="start", size=14), text(x + 14, low + 44, "how far our plan can be from the best possible", anchor="start", size=14),
        f'<circle cx="{x}" cy="{low + 66:g}" r="5" fill="{UNSTABLE}"/>', text(x + 14, low + 71, "somebody's plan: `phusong evaluate` says what it lacks", anchor="start", size=14),
    ]  # fmt: skip
    return picture(
        "frontier-bound", "The curve of people against money, and the bound above it", 830, 306, parts
    )


def events() -> Drawing:
    parts = [
        box(10, 60, 160, 58, ["one event", "a line of JSON"]), arrow(170, 89, 213, 89),
        box(215, 60, 160, 58, ["journal", "on disk first"]), arrow(375, 89, 418, 89),
        box(420, 60, 170, 58, ["what it touches", "sites and squares"]), arrow(590, 89, 633, 89),
        box(635, 60, 190, 58, ["communes, KPIs", "same as from scratch"]),
        text(418, 28, "Events change what is so; figures follow in milliseconds", bold=True),
        text(15, 160, "A KPI's light", anchor="start", bold=True),
        f'<circle cx="30" cy="184" r="8" fill="{SERVED}"/>', text(48, 189, "met: the actual figure reaches the target", anchor="start", size=14),
        f'<path d="M30,202 l9,15 h-18 z" fill="{UNSTABLE}"/>', text(48, 215, "in time: the line through past works reaches it by its date", anchor="start", size=14),
        '<rect x="22" y="228" width="16" height="16" fill="#d55e00"/>', text(48, 241, "late: it does not", anchor="start", size=14),
        arrow(560, 245, 560, 150), arrow(560, 245, 815, 245), line(560, 176, 800, 176, colour=SERVED, dash=True), text(800, 170, "target", anchor="end", size=13),
        curve([(565, 236), (620, 236), (620, 222), (680, 222), (680, 204), (700, 204)], colour=FIRST), line(700, 204, 790, 184, dash=True, colour=FIRST), text(690, 262, "time", size=13),
    ]  # fmt: skip
    return picture("kpis-events", "Events, journal, what is touched, KPIs and their lights", 836, 274, parts)


def storms() -> Drawing:
    parts = [
        text(140, 24, "1. many versions of a track", bold=True), text(430, 24, "2. gusts break assets", bold=True), text(700, 24, "3. crews repair them", bold=True),
        *(curve([(262 - 3 * k, 60 + 26 * k), (190, 92 + 22 * k), (120, 112 + 20 * k), (40, 126 + 22 * k)], colour=FAINT, dash=True) for k in (0, 2)),
        curve([(262, 86), (190, 112), (120, 130), (40, 148)], colour=FIRST),
        f'<circle cx="190" cy="112" r="24" fill="none" stroke="{FIRST}" stroke-width="2"/>', f'<circle cx="190" cy="112" r="5" fill="{FIRST}"/>',
        text(140, 226, "shifted, scaled, each drawn once", size=14),
        arrow(330, 200, 330, 60), arrow(330, 200, 545, 200), text(540, 220, "gust", size=13, anchor="end"), text(338, 58, "chance to break", anchor="start", size=13),
        curve([(330, 198), (370, 196), (400, 182), (425, 140), (450, 98), (480, 82), (535, 78)], colour=FIRST),
        curve([(330, 199), (420, 198), (455, 184), (480, 142), (505, 100), (535, 84)], colour=SECOND), text(404, 128, "pole", size=13, anchor="end"), text(500, 150, "mast", size=13, anchor="start"),
        arrow(600, 200, 600, 60), arrow(600, 200, 815, 200), text(608, 58, "people cut off", anchor="start", size=13), text(812, 220, "hours after", anchor="end", size=13),
        curve([(600, 150), (620, 96), (640, 84), (665, 106), (710, 150), (770, 182), (805, 190)], colour=NO_SIGNAL),
        curve([(600, 168), (620, 138), (640, 132), (665, 146), (710, 172), (770, 190), (805, 195)], colour=SERVED, dash=True), text(704, 112, "today", anchor="start", size=13), text(636, 176, "with", size=13), text(636, 191, "the plan", size=13),
        text(430, 254, "Means and 5 to 95 % ranges over all versions, by commune and cause: tower, power, backhaul.", size=14),
    ]  # fmt: skip
    return picture("storms", "A storm in many versions: gusts, damage, repair", 836, 270, parts)


def rooms() -> Drawing:
    """Which room imports from which, read from the code: the rooms in the order of the contract in pyproject.toml."""
    package = Path(next(iter(find_spec("phusong").submodule_search_locations)))
    contract = tomllib.loads((package.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contract["tool"]["importlinter"]["contracts"][0]["layers"]
    order = [room for layer in layers for room in layer.split(" | ")]
    found = {
        (path.relative_to(package).with_suffix("").parts[0], name.split(".")[1])
        for path in package.rglob("*.py")
        for name in _imported(ast.parse(path.read_text(encoding="utf-8")))
    }
    side, left, top = 26, 110, 92
    parts = []
    for k, room in enumerate(order):
        y = top + side * k
        parts += [
            text(left - 10, y + 18, room, anchor="end", size=14),
            f'<g transform="translate({left + side * k + 17},{top - 8}) rotate(-60)">{text(0, 0, room, anchor="start", size=14)}</g>',
            f'<rect x="{left + side * k:g}" y="{y:g}" width="{side}" height="{side}" fill="{INK}"/>',
        ]
        for j, other in enumerate(order):
            if j != k:
                fill = SERVED if (room, other) in found else PAPER
                parts.append(
                    f'<rect x="{left + side * j:g}" y="{y:g}" width="{side}" height="{side}" fill="{fill}" stroke="{FAINT}" stroke-width="0.6"/>'
                )
    end = top + side * len(order)
    parts += [
        f'<rect x="{left}" y="{end + 14}" width="16" height="16" fill="{SERVED}"/>',
        text(
            left + 24,
            end + 27,
            "the room of the row imports from that of the column",
            anchor="start",
            size=14,
        ),
        text(
            left, end + 52, "Below the diagonal nothing: no room knows one above it.", anchor="start", size=14
        ),
    ]
    return picture("rooms", "Which room imports from which", left + side * len(order) + 50, end + 66, parts)


def _imported(module: ast.AST) -> list[str]:
    """Return what a module imports from the package, within functions and for types too."""
    names = []
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            names += (
                [f"{node.module}.{a.name}" for a in node.names]
                if node.module == "phusong"
                else [node.module or ""]
            )
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name.startswith("phusong.")]


DRAWINGS = (gaps, sharing, power, bundles, frontier, events, storms, rooms)

if __name__ == "__main__":
    for draw in DRAWINGS:
        name, svg = draw()
        (Path(__file__).parent / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")
