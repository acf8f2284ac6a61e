"""Measured antenna patterns: files in MSI Planet's format (.msi, .pln), as makers publish them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem, refuse

__all__ = ["AntennaPattern", "antenna_text", "read_antenna", "read_antennas"]


_ENDINGS = {".msi", ".pln"}
_DEGREES = np.arange(360.0)
_DBD_TO_DBI = 2.15
_MOST_LOSS_DB = 100.0
_MOST_BYTES = 2_000_000
_MOST_GAIN_DBI = 60.0


@dataclass(frozen=True)
class AntennaPattern:
    """Loss of an antenna against its strongest direction, in its two main planes.

    Parameters
    ----------
    name : str
        As the file names it.
    gain_dbi : float
        Gain of the strongest direction; NaN if the file does not say.
    frequency_mhz : float
        At which it was measured; NaN if the file does not say.
    horizontal_db : ndarray, shape (360,)
        Loss at each whole degree clockwise from the main lobe. [dB]
    vertical_db : ndarray, shape (360,)
        Loss at each whole degree downwards from the horizon in front of the antenna. [dB]
    """

    name: str
    gain_dbi: float
    frequency_mhz: float
    horizontal_db: Floats
    vertical_db: Floats


def read_antennas(folder: Path) -> dict[str, AntennaPattern]:
    """Return the patterns of a folder by file name; none if there is no such folder.

    Raises
    ------
    InputError
        Naming everything wrong in all files.
    """
    if not folder.is_dir():
        return {}
    found: dict[str, AntennaPattern] = {}
    problems: list[Problem] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _ENDINGS:
            try:
                found[path.name] = read_antenna(path)
            except InputError as error:
                problems += error.problems
    refuse(problems)
    return found


def read_antenna(path: Path) -> AntennaPattern:
    """Return the pattern in one file.

    The vertical cut counts degrees downwards from the horizon. Some makers count upwards: where the file states an
    electrical downtilt and its main lobe lies as far above the horizon, the cut is turned over.

    Raises
    ------
    InputError
        Naming line and value of everything wrong.
    """
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(Problem(path.name, "is too large for an antenna pattern (2 MB)"))
    # makers write in the code page of their country; the figures are ASCII in all of them
    lines = path.read_text(encoding="latin-1").splitlines()
    head: dict[str, str] = {}
    cuts: dict[str, Floats] = {}
    problems: list[Problem] = []
    at = 0
    while at < len(lines):
        words = lines[at].split()
        at += 1
        if not words:
            continue
        key = words[0].upper()
        if key in {"HORIZONTAL", "VERTICAL"}:
            count = _count(words, path.name, at, problems)
            cuts[key] = _cut(lines[at : at + count], path.name, at, count, problems)
            at += count
        else:
            head.setdefault(key, " ".join(words[1:]))
    problems += [
        Problem(path.name, f"has no {key} section; an MSI Planet file has HORIZONTAL and VERTICAL")
        for key in ("HORIZONTAL", "VERTICAL")
        if key not in cuts
    ]
    refuse(problems)
    vertical = _downwards(cuts["VERTICAL"], head)
    gain = _gain_dbi(head.get("GAIN", ""), path.name)
    return AntennaPattern(
        head.get("NAME", path.stem), gain, _first_number(head.get("FREQUENCY", "")), cuts["HORIZONTAL"], vertical
    )  # fmt: skip


def antenna_text(pattern: AntennaPattern) -> str:
    """Return a pattern as an MSI Planet file, which reads back the same."""
    lines = [f"NAME {pattern.name}"]
    if np.isfinite(pattern.frequency_mhz):
        lines.append(f"FREQUENCY {pattern.frequency_mhz:g}")
    if np.isfinite(pattern.gain_dbi):
        lines.append(f"GAIN {float(pattern.gain_dbi)!r} dBi")
    for word, cut in (("HORIZONTAL", pattern.horizontal_db), ("VERTICAL", pattern.vertical_db)):
        lines += [f"{word} 360", *(f"{k} {loss!r}" for k, loss in enumerate(cut.tolist()))]
    return "\n".join(lines) + "\n"


def _count(words: list[str], where: str, row: int, problems: list[Problem]) -> int:
    try:
        count = int(words[1])
    except (IndexError, ValueError):
        count = 0
    if not 2 <= count <= 36_000:
        problems.append(
            Problem(where, f"must be followed by the number of its lines, e.g. {words[0]} 360", row=row)
        )
        return 0
    return count


def _cut(lines: list[str], where: str, before: int, count: int, problems: list[Problem]) -> Floats:
    """Return the loss at each whole degree from lines of angle and loss."""
    angle, loss = [], []
    for k, line in enumerate(lines):
        try:
            degree, value = (float(w.replace(",", ".")) for w in line.split()[:2])
        except ValueError:
            problems.append(
                Problem(where, "must read angle and loss, two numbers", row=before + k + 1, value=line.strip()[:40])
            )  # fmt: skip
            continue
        # losses are written without their sign; a minus sign means the same
        if not (np.isfinite(degree) and abs(value) <= _MOST_LOSS_DB):
            problems.append(
                Problem(where, f"is no loss from 0 to {_MOST_LOSS_DB:g} dB", row=before + k + 1, value=value)
            )
            continue
        angle.append(degree % 360.0)
        loss.append(abs(value))
    if len(lines) < count:
        problems.append(Problem(where, f"ends after {len(lines)} of {count} lines; is it cut off?"))
    if len(angle) < 2:
        return np.zeros(360)
    order = np.argsort(angle, kind="stable")
    return np.asarray(np.interp(_DEGREES, np.array(angle)[order], np.array(loss)[order], period=360.0))


def _downwards(vertical: Floats, head: dict[str, str]) -> Floats:
    tilt = _first_number(head.get("ELECTRICAL_TILT", "") or head.get("TILT", ""))
    if not (np.isfinite(tilt) and 1.0 <= abs(tilt) <= 30.0):
        return vertical
    lobe = float((np.argmin(vertical) + 180) % 360 - 180)
    turned = np.roll(vertical[::-1], 1)
    return turned if abs(lobe + abs(tilt)) < abs(lobe - abs(tilt)) else vertical


def _gain_dbi(text: str, where: str) -> float:
    gain = _first_number(text)
    if np.isfinite(gain) and abs(gain) > _MOST_GAIN_DBI:
        raise InputError(Problem(where, "is no gain of an antenna", column="GAIN", value=text))
    # the format's unit is dBd; dBi must be written
    return gain if "DBI" in text.upper() else gain + _DBD_TO_DBI


def _first_number(text: str) -> float:
    for word in text.replace(",", ".").split():
        try:
            return float(word)
        except ValueError:
            continue
    return float("nan")
