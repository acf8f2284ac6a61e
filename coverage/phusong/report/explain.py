"""Explanations in sentences: an option, a remedy, a site, a commune."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from phusong.errors import InputError, Problem
from phusong.invest.plan_book import BOOK_TABLES, PlanBook
from phusong.io.resources import HOURS_YEAR
from phusong.io.text import Text, paragraph, place_words
from phusong.region.read.encoding import places_named
from phusong.report.wording import gaining_communes, option_sentences, plan_sentences
from phusong.result.model import ResultData
from phusong.result.schema import GAP_PARTS, as_words

__all__ = ["explain", "locked_words", "readiness_words", "refused_words", "standing_words"]

_NAMED = 3


def standing_words(result: ResultData, row: Mapping[str, Any], text: Text) -> list[str]:
    """Return what a result says of an option's place beside others, and how sure it is.

    Parameters
    ----------
    result : ResultData
        The result.
    row : mapping
        The option's row.
    text : Text
        The language to speak.
    """
    lines = []
    kept = row.get("keep_probability")
    if kept is not None:
        share = text.number(float(kept), "whole_percent")
        lines.append(text.say("explain.kept", share=share))
    # what it beat and who else could serve its people stands among the reasons; here, what became of them
    for column in ("runner_up", "rival"):
        other = str(row.get(column) or "")
        if other and not (column == "rival" and other == row.get("runner_up")):
            lines.append(text.say("explain.in_the_end", option=other, what=_place(result, other, text)))
    return lines


def refused_words(result: ResultData, name: str, text: Text) -> str:
    """Return why something that could be bought is not among the ranked options; empty for a name that is unknown."""
    if result.bundles.empty:
        return ""
    if name in set(result.bundles["bundle_id"].astype(str)):
        return _refused_bundle(result, name, text)
    if name in set(result.remedies["remedy_id"].astype(str)):
        return _refused_remedy(result, name, text)
    return ""


def _refused_bundle(result: ResultData, name: str, text: Text) -> str:
    book = PlanBook.of_tables({t: getattr(result, t) for t in BOOK_TABLES})
    ids = result.bundles["bundle_id"].to_numpy(str)
    number = {b: k for k, b in enumerate(ids)}
    mine = number[name]
    row = result.bundles.iloc[mine].to_dict()
    lines = [
        text.say("explain.drawn_up", option=name),
        text.say(
            "explain.works_at",
            works=_option_kinds(row["kinds"], text),
            where=", ".join(as_words(row["works_site_ids"])),
            remedies=", ".join(as_words(row["remedies"])),
        ),
        text.say(
            "explain.cost_alone", cost=text.money(row["cost_musd"]), people=text.number(row["people_alone"])
        ),
    ]
    groups = book.groups_of(mine)
    left = np.zeros(book.model.weights.size)
    left[groups] = book.model.weights[groups]
    takers = []
    for option in result.options.sort_values("rank").to_dict("records"):
        at = number.get(str(option["bundle_id"]), -1)
        if at < 0 or not left.any():
            continue
        theirs = book.groups_of(at)
        people = float(left[theirs].sum())
        left[theirs] = 0.0
        if people > 0:
            takers.append((people, option))
    takers.sort(key=lambda t: (-t[0], int(t[1]["rank"])))
    if takers and not left.any():
        lines.append(text.say("explain.refused_all"))
    elif takers:
        lines.append(text.say("explain.refused_part"))
    lines += [
        "  "
        + text.say(
            "explain.taken", people=text.number(people), option=str(o["bundle_id"]), rank=text.number(o["rank"]),
            works=_option_kinds(o["kinds"], text), cost=text.money(o["cost_musd"]), gained=text.number(o["people_gained"]),
        )
        for people, o in takers[:_NAMED]
    ]  # fmt: skip
    if len(takers) > _NAMED:
        rest = text.number(sum(t[0] for t in takers[_NAMED:]))
        lines.append("  " + text.say("explain.taken_more", people=rest, n=len(takers) - _NAMED))
    return "\n".join(lines)


def _refused_remedy(result: ResultData, name: str, text: Text) -> str:
    row = result.remedies[result.remedies["remedy_id"].astype(str) == name].iloc[0]
    within = result.bundles[[name in as_words(r) for r in result.bundles["remedies"]]]
    lines = [
        text.say("explain.remedy", name=name),
        text.say("explain.unused", cost=text.money(row["cost_musd"])),
    ]
    if within.empty:
        lines.append(text.say("explain.unneeded"))
    else:
        shown = within["bundle_id"].astype(str).tolist()
        names = ", ".join(shown[:_NAMED])
        if len(shown) > _NAMED:
            names = text.say("explain.and_more", names=names, n=len(shown) - _NAMED)
        lines.append(text.say("explain.needed", options=names))
    return "\n".join(lines)


def _place(result: ResultData, name: str, text: Text) -> str:
    ranked = result.options[result.options["bundle_id"].astype(str) == name]
    if len(ranked):
        o = ranked.iloc[0]
        people, rank = text.number(o["people_gained"]), text.number(o["rank"])
        parts = {"works": _option_kinds(o["kinds"], text), "cost": text.money(o["cost_musd"])}
        return text.say("explain.place", rank=rank, people=people, **parts)
    drawn = result.bundles
    if drawn.empty or name not in set(drawn["bundle_id"].astype(str)):
        return text.say("explain.not_ranked")
    o = pd.Series(drawn[drawn["bundle_id"].astype(str) == name].iloc[0])
    return text.say(
        "explain.no_longer", works=_option_kinds(o["kinds"], text), cost=text.money(o["cost_musd"])
    )


def _option_kinds(kinds: object, text: Text) -> str:
    return ", ".join(dict.fromkeys(text.code("kind", k) for k in as_words(kinds)))


def locked_words(result: ResultData, site_id: str, text: Text) -> list[str]:
    """Return what a result says of whom a site could serve but may not, and what would change that."""
    assets, twins = result.locked_assets, result.isolated_builds
    lines = []
    for row in _where(assets, "site_id", site_id):
        counts = {
            name: text.number(row[column])
            for name, column in (
                ("behind", "people_behind"), ("out", "people_locked_out"), ("only", "people_only_here"),
                ("room", "room_people"),
            )
        }  # fmt: skip
        lines.append(text.say("explain.locked_hear", reason=text.code("lock", row["lock_reason"]), **counts))
        if not row["stable"]:
            fix = row["stabilise_musd"]
            lines.append(
                text.say("explain.stabilise", cost=text.money(fix))
                if pd.notna(fix)
                else text.say("explain.stabilise_not")
            )
        allowed = {
            c.removeprefix("cost_").removesuffix("_musd"): v for c, v in row.items() if c.startswith("cost_")
        }
        named = [
            text.say("explain.allowed", remedy=text.code("remedy", name), cost=text.money(cost))
            for name, cost in allowed.items()
            if pd.notna(cost)
        ]
        if named:
            lines.append(text.say("explain.allows", remedies="; ".join(named)))
        if row["best_remedy"]:
            best = text.code("remedy", row["best_remedy"])
            lines.append(text.say("explain.best", remedy=best, people=text.number(row["people_per_musd"])))
    for row in _where(twins, "site_id", site_id):
        parts = {"twin": str(row["twin_id"]), "owner": text.named("owner", row["twin_owner"])}
        free = text.number(row["twin_spare_slots"])
        lines.append(text.say("explain.twin", metres=text.number(row["distance_m"]), free=free, **parts))
    return lines


def readiness_words(result: ResultData, commune_code: str, text: Text) -> list[str]:
    """Return what a result says of signal, power and backhaul together in a commune."""
    lines = []
    for row in _where(result.readiness, "commune_code", commune_code):
        shares = {
            name: text.number(row[column], "percent")
            for name, column in (
                ("ready", "ready_share"), ("signal", "has_signal"), ("power", "has_power"), ("backhaul", "has_backhaul"),
            )
        }  # fmt: skip
        lines.append(text.say("explain.ready", **shares))
        if row["stranded_assets"]:
            value = text.money(row["stranded_musd"])
            lines.append(text.say("explain.stranded", n=int(row["stranded_assets"]), value=value))
        if not row["reaches_core"]:
            lines.append(text.say("explain.no_core"))
        elif row["single_homed"]:
            lines.append(text.say("explain.single"))
        if row["cut_point"]:
            people = text.number(row["people_behind"])
            lines.append(text.say("explain.cut", n=int(row["communes_behind"]), people=people))
    return lines


def _where(frame: pd.DataFrame, column: str, value: str) -> list[dict[str, Any]]:
    if frame.empty:
        return []
    return [
        {str(k): v for k, v in r.items()}
        for r in frame[frame[column].astype(str) == value].to_dict("records")
    ]


_LISTED = 3
_MOST_NAMESAKES = 20


def explain(result: ResultData, name: str, *, lang: str | None = None) -> str:
    """Return what a result says about one thing, in plain words.

    Parameters
    ----------
    result : ResultData
        As a run made it or as read from its folder.
    name : str
        A commune code or name, a bundle id, the rank of an option, a site id or a remedy id.
    lang : str, optional
        ``en`` or ``vi``; that of the result's scenario when left out.

    Raises
    ------
    InputError
        If nothing in the result has that name; the nearest known name is proposed.
    """
    wanted, said = str(name).strip(), Text(lang or result.lang)
    for find in (
        _find_commune_code,
        _find_option,
        _find_remedy,
        refused_words,
        _find_site,
        _find_rank,
        _find_commune_name,
    ):
        text = find(result, wanted, said)
        if text:
            return text
    known = [
        *result.communes["commune_code"].astype(str),
        *result.communes["name"].astype(str),
        *result.options["bundle_id"].astype(str),
        *_remedies(result),
        *result.sites["site_id"].astype(str),
        *(result.bundles["bundle_id"].astype(str) if len(result.bundles) else ()),
    ]
    if wanted.isdecimal() and len(wanted) < len(known[0]):
        told = said.say("problem.no_rank", last=len(result.options))
    else:
        told = said.say("problem.no_name", hint=said.hint(wanted, known))
    raise InputError(Problem("id", told, value=wanted))


def _find_commune_code(result: ResultData, wanted: str, text: Text) -> str:
    return _each(result.communes, "commune_code", wanted, lambda row: _commune(result, row, text))


def _find_commune_name(result: ResultData, wanted: str, text: Text) -> str:
    communes = result.communes
    rows, in_full = places_named(wanted, communes["name"].astype(str).tolist())
    if in_full or len(rows) == 1:
        return "\n\n".join(_commune(result, row, text) for row in _records(communes.iloc[rows]))
    if not rows:
        return ""
    province = communes["province"].astype(str) if "province" in communes.columns else None
    listed = [
        f"  {communes['commune_code'].iloc[k]}  {communes['name'].iloc[k]}"
        + ("" if province is None else f", {province.iloc[k]}")
        for k in rows[:_MOST_NAMESAKES]
    ]
    rest = len(rows) - _MOST_NAMESAKES
    more = ["  " + text.say("explain.more_names", n=rest)] if rest > 0 else []
    return "\n".join([text.say("explain.namesakes", n=len(rows)), *listed, *more])


def _find_option(result: ResultData, wanted: str, text: Text) -> str:
    return _each(result.options, "bundle_id", wanted, lambda row: _option(result, row, text))


_WORKS_TOLD = 3  # options told of one site


def _find_rank(result: ResultData, wanted: str, text: Text) -> str:
    number = wanted.removeprefix("#").removeprefix("rank").strip()
    if not number.isdecimal():
        return ""
    return _each(result.options, "rank", str(int(number)), lambda row: _option(result, row, text))


def _find_remedy(result: ResultData, wanted: str, text: Text) -> str:
    if wanted not in _remedies(result):
        return ""
    bundles = [r for r in _records(result.options) if wanted in as_words(r["remedies"])]
    lines = [text.say("explain.remedy", name=wanted)]
    lines += [
        text.say(
            "explain.in_plan", kind=text.code("kind", row.get("kind") or "–"), year=str(row["year"]),
            fund=text.code("fund", row["fund"]), cost=text.money(row["cost_musd"]),
            people=text.number(row["people_gained"]),
        )
        for row in _records(result.plan[result.plan["remedy_id"].astype(str) == wanted])
    ]  # fmt: skip
    if len(lines) == 1:
        lines.append(text.say("explain.farther"))
    else:
        lines += [*_places_of_remedy(result, wanted, text), *_plan_said(result, text)]
    lines += [
        text.say(
            "explain.part_of",
            option=row["bundle_id"],
            rank=text.number(row["rank"]),
            why=_why(result, row, text),
        )
        for row in bundles[:_LISTED]
    ]
    if len(bundles) > _LISTED:
        lines.append(text.say("explain.of_more", n=len(bundles) - _LISTED))
    return "\n".join(lines)


def _find_site(result: ResultData, wanted: str, text: Text) -> str:
    return _each(result.sites, "site_id", wanted, lambda row: _site(result, row, text))


def _commune(result: ResultData, row: Mapping[str, Any], text: Text) -> str:
    code, population = str(row["commune_code"]), float(row["population"])
    kind = text.code("commune_kind", row["kind"]) if row.get("kind") else ""
    place = ", ".join(part for part in (kind, str(row.get("province") or "")) if part)
    lines = [f"{row['name']} ({code}{', ' + place if place else ''})"]
    if population <= 0:
        return "\n".join([*lines, text.say("explain.nobody")])
    share = text.number(row["share_served"], "percent")
    lines.append(
        text.say(
            "explain.served",
            people=text.number(population),
            served=text.number(row["people_served"]),
            share=share,
        )
    )
    gaps = sorted(((float(row[p]), p) for p in GAP_PARTS), key=lambda g: (-g[0], g[1]))
    shown = [(n, p) for n, p in gaps if n >= 0.5]
    if shown:
        lines.append(text.say("explain.others"))
        lines += [
            "  "
            + text.say(
                "explain.cause", people=text.number(n), share=text.number(n / population, "percent"),
                cause=text.code("cause", p), means=text.code("cause", f"{p}_means"),
            )
            for n, p in shown
        ]  # fmt: skip
    lines.append(text.say("explain.hours", hours=text.number(row["hours_lost_year"])))
    if row.get("share_measured") is not None:
        lines.append(text.say("explain.measured", share=text.number(row["share_measured"], "percent")))
    served, every = text.number(row["facilities_served"]), row.get("facilities")
    facilities = (
        text.say("explain.facilities", served=served)
        if every is None
        else text.say("explain.facilities_of", served=served, all=text.number(every))
    )
    remote = text.say("explain.remote", rank=text.number(row["rank_remote"]), all=len(result.communes))
    lines.append(f"{facilities} {remote}")
    lines += readiness_words(result, code, text)
    return "\n".join([*lines, *_options_of_commune(result, code, text)])


def _why(result: ResultData, row: Mapping[str, Any], text: Text) -> str:
    """Return why an option stands where it does, in the language asked for where its columns hold it."""
    gains = result.option_communes
    mine = gains[gains["bundle_id"].astype(str) == str(row["bundle_id"])] if len(gains) else gains
    living = gaining_communes(mine).get(str(row["bundle_id"]), [])
    said = option_sentences(row, _names(result), living)
    return paragraph(said, text) if said else str(row["why"])


def _places_of_remedy(result: ResultData, name: str, text: Text) -> list[str]:
    """Return where a remedy of the plan stands, and where the people live whom it serves."""
    names, lines = _names(result), []
    row = _records(result.plan[result.plan["remedy_id"].astype(str) == name])[0]
    if row.get("commune_code"):
        commune = place_words(row["commune_code"], names)
        site = str(row.get("site_id") or "")
        lines.append(text.say("explain.stands_at" if site else "explain.stands", site=site, commune=commune))
    table = result.plan_line_communes
    mine = table[table["remedy_id"].astype(str) == name] if len(table) else table
    if len(mine):
        told = [
            text.say("explain.lives", commune=place_words(r["commune_code"], names), people=text.number(r["people_gained"]),
                     year=str(r["year"]))
            for r in mine.to_dict("records")
        ]  # fmt: skip
        lines.append(text.say("explain.live_in", communes=text.listed(told)))
    return lines


def _options_of_commune(result: ResultData, code: str, text: Text) -> list[str]:
    """Return the options that serve people of a commune, wherever their works stand, and what the plan brings there."""
    table = result.option_communes
    if len(table):
        own = table[table["commune_code"].astype(str) == code]
        people = dict(zip(own["bundle_id"].astype(str), own["people_gained"], strict=True))
    else:
        rows = result.options
        people = {
            str(b): n for b, n, c in zip(rows["bundle_id"], rows["people_gained"], rows["commune_code"], strict=True)
            if code in as_words(c)
        }  # fmt: skip
    records = _records(result.options)
    here = sorted((r for r in records if str(r["bundle_id"]) in people), key=lambda r: int(r["rank"]))
    lines = []
    if here:
        lines.append(text.say("explain.options_here", n=len(here)))
        lines += [
            "  "
            + text.say(
                "explain.option_line", rank=text.number(r["rank"]), option=r["bundle_id"], works=_kinds(r, text),
                cost=text.money(r["cost_musd"]), people=text.number(people[str(r["bundle_id"])]),
                commune=place_words(r.get("main_commune_code") or code, _names(result)),
            )
            for r in here[:_LISTED]
        ]  # fmt: skip
    else:
        lines.append(text.say("explain.no_option"))
    built = sum(r.get("main_commune_code") == code for r in records)
    if built:
        lines.append(text.say("explain.built_here", n=built))
    gained = result.plan_communes
    mine = gained[gained["commune_code"].astype(str) == code] if len(gained) else gained
    if len(mine):
        told = [
            text.say("explain.from_year", people=text.number(r["people_gained"]), year=str(r["year"]))
            for r in mine.to_dict("records")
        ]
        lines.append(text.say("explain.plan_here", people=text.listed(told)))
    return lines


def _names(result: ResultData) -> dict[str, str]:
    return dict(
        zip(result.communes["commune_code"].astype(str), result.communes["name"].astype(str), strict=True)
    )


def _option(result: ResultData, row: Mapping[str, Any], text: Text) -> str:
    names = _names(result)
    main = str(row.get("main_commune_code") or "")
    codes = [main] if main else as_words(row["commune_code"])
    where = ", ".join(place_words(c, names) for c in codes)
    cost = float(row["cost_musd"])
    rank, every = text.number(row["rank"]), len(result.options)
    gain = {"people": text.number(row["people_gained"]), "alone": text.number(row["people_alone"])}
    money = {"build": text.money(row["capex_musd"]), "run": text.money(row["opex_musd_year"])}
    lines = [
        text.say("explain.option", option=row["bundle_id"], rank=rank, all=every, where=where),
        text.say("explain.works", works=_kinds(row, text), remedies=", ".join(as_words(row["remedies"]))),
        text.say("explain.why", why=_why(result, row, text)),
        text.say("explain.cost", cost=text.money(cost), **money),
        text.say("explain.gain", **gain),
        text.say("explain.per", people=text.number(row["people_per_musd"]))
        if cost > 0
        else text.say("explain.free"),
    ]
    operators = ", ".join(text.named("owner", o) for o in as_words(row["operators"]))
    if operators:
        lines.append(text.say("explain.whose", operators=operators))
    if pd.notna(row["rank_p05"]) and pd.notna(row["rank_p95"]):
        low, high = text.number(row["rank_p05"]), text.number(row["rank_p95"])
        lines.append(text.say("explain.ranks", low=low, high=high))
    lines += standing_words(result, row, text)
    modelled = as_words(row.get("modelled_layers"))
    if modelled:
        lines.append(text.say("explain.rests", layers=", ".join(text.code("input", m) for m in modelled)))
    elif "modelled_layers" in row:
        lines.append(text.say("explain.rests_not"))
    chosen = set(result.plan["remedy_id"].astype(str)) & set(as_words(row["remedies"]))
    total = len(as_words(row["remedies"]))
    if chosen:
        lines += [text.say("explain.chosen", chosen=len(chosen), all=total), *_plan_said(result, text)]
    else:
        lines.append(_left_out(result, row, text))
    return "\n".join(lines)


def _plan_said(result: ResultData, text: Text) -> list[str]:
    """Return what is said of the plan as a whole: what to expect of it first, then what is modelled."""
    said = plan_sentences(result.summary)
    return [paragraph(said, text)] if said else []


def _left_out(result: ResultData, row: Mapping[str, Any], text: Text) -> str:
    budget = (result.summary.get("plan") or {}).get("budget_musd")
    if budget is None or float(row["cumulative_cost_musd"]) <= float(budget):
        return text.say("explain.together")
    above = text.money(float(row["cumulative_cost_musd"]) - float(row["cost_musd"]))
    return text.say("explain.beyond", cost=above, budget=text.money(budget))


def _site(result: ResultData, row: Mapping[str, Any], text: Text) -> str:
    site = str(row["site_id"])
    lines = [
        text.say("explain.site_of", site=site, owner=text.named("owner", row["owner"]))
        if row.get("owner")
        else text.say("explain.site", site=site)
    ]
    operators = ", ".join(text.named("owner", o) for o in as_words(row.get("operators")))
    if operators:
        lines.append(text.say("explain.on_it", operators=operators))
    heard, served = text.number(row["people_heard"]), text.number(row["people_served"])
    lines.append(text.say("explain.heard", heard=heard, served=served))
    availability, load = float(row["availability"]), float(row["load"])
    if np.isfinite(availability):
        hours = text.number(HOURS_YEAR * (1 - availability))
        share = text.number(availability, "exact_percent")
        lines.append(text.say("explain.works_share", share=share, hours=hours))
    if np.isfinite(load):
        lines.append(text.say("explain.load", share=text.number(load, "whole_percent")))
    bottleneck = str(row["bottleneck"] or "none")
    held = text.say("explain.nothing") if bottleneck == "none" else text.code("bottleneck", bottleneck)
    lines.append(text.say("explain.holds_back", what=held))
    if row.get("power_source"):
        lines.append(text.say("explain.power", power=text.code("power_source", row["power_source"])))
    reason = str(row.get("lock_reason") or "none")
    if reason not in {"none", "nan"}:
        lines.append(text.say("explain.closed", reason=text.code("lock", reason)))
    lines += [*_works_here(result, site, text), *locked_words(result, site, text)]
    return "\n".join(lines)


def _works_here(result: ResultData, site: str, text: Text) -> list[str]:
    """Return which of the first options buy works at a site, whomever they serve."""
    options = result.options
    if "works_site_ids" not in options:
        return []
    here = options[[site in as_words(ids) for ids in options["works_site_ids"]]].sort_values("rank")
    told = [
        text.say(
            "explain.work_rank", kind=", ".join(text.code("kind", k) for k in as_words(row["kinds"])),
            rank=int(row["rank"]), people=text.number(row["people_gained"]),
        )
        for row in _records(here.head(_WORKS_TOLD))
    ]  # fmt: skip
    return [text.say("explain.works_here", works="; ".join(told))] if told else []


def _each(frame: pd.DataFrame, column: str, wanted: str, tell: Callable[[Mapping[str, Any]], str]) -> str:
    # namesakes are all told, one paragraph each
    return "\n\n".join(tell(row) for row in _records(frame[frame[column].astype(str) == wanted]))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = pd.DataFrame(frame.drop(columns=[c for c in ("geometry", "folded") if c in frame.columns]))
    return [
        {str(k): None if isinstance(v, float) and np.isnan(v) and k not in {"availability", "load"} else v
         for k, v in row.items()}
        for row in plain.to_dict("records")
    ]  # fmt: skip


def _remedies(result: ResultData) -> list[str]:
    bundled = [r for cell in result.options["remedies"] for r in as_words(cell)]
    return list(dict.fromkeys([*bundled, *result.plan["remedy_id"].astype(str)]))


def _kinds(row: Mapping[str, Any], text: Text) -> str:
    return ", ".join(dict.fromkeys(text.code("kind", k) for k in as_words(row["kinds"])))
