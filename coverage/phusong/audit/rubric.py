"""The rubric: weights, thresholds, refresh times and classes, as one versioned file that anyone may read and change."""

import hashlib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from phusong.errors import InputError, Problem, nearest_name
from phusong.io.limits import MOST_TOML_BYTES, read_bytes, toml_value
from phusong.io.resources import geodata_path

__all__ = ["PRINCIPLES", "RUBRICS", "RecordKind", "Rubric", "Sharing", "Thresholds", "read_rubric"]

PRINCIPLES = ("correct", "sufficient", "clean", "live", "unified", "shared")
"""What is asked of data, in the order in which it is asked."""

RUBRICS = ("pilot", "official")
"""Shipped rubrics: geodata/audit_rubric_NAME.toml."""

Class = Literal["A", "B", "C"]
_CLASSES: tuple[Class, ...] = ("A", "B")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordKind(_Part):
    """What a layer of one kind (measured, official, modelled, assumed) can reach at most.

    Parameters
    ----------
    best_class : str
        Its best class.
    caps : dict
        Highest score by principle, and ``overall``.
    """

    best_class: Class
    caps: dict[str, float]


class Thresholds(_Part):
    """Thresholds of the checks; the rubric's file says what each is for."""

    commune_tolerance_m: float = Field(ge=0)
    region_margin_m: float = Field(ge=0)
    same_owner_m: float = Field(ge=0)
    other_owner_m: float = Field(ge=0)
    name_near_m: float = Field(ge=0)
    overlap_share: float = Field(ge=0, le=1)
    area_ratio: float = Field(ge=1)
    people_ratio: float = Field(ge=1)
    official_ratio: float = Field(ge=1)
    people_km2: float = Field(gt=0)
    line_ratio: float = Field(ge=1)
    line_slack_km: float = Field(ge=0)
    mast_slack_m: float = Field(ge=0)
    site_reach_m: float = Field(gt=0)
    site_life_years: float = Field(gt=0)
    elevation_m: tuple[float, float]
    eirp_dbm: tuple[float, float]
    bands_mhz: tuple[float, ...]
    band_slack_mhz: float = Field(ge=0)
    default_share: float = Field(gt=0, le=1)
    least_rows: int = Field(ge=1)
    least_owners: int = Field(ge=1)
    height_m: dict[str, tuple[float, float]]


class Sharing(_Part):
    """Words of open licences, and how far each file format fails to be open and complete (0: not at all)."""

    open_licences: tuple[str, ...]
    formats: dict[str, float]


class Rubric(_Part):
    """How a region is graded.

    Parameters
    ----------
    name, version, since, status, source : str
        Which rubric, and what it stands on.
    principles, layers : dict of float
        Weights.
    zero_at : dict of float
        Share of failing rows at which a check of the principle scores 0.
    classes : dict of float
        Least overall score of A, B and C.
    kinds : dict of RecordKind
        What a layer can reach, by its kind.
    groups : dict of float
        ``modelled_share``: above it a region, province or owner is held to the best class of a modelled layer.
    refresh_years : dict of float
        By layer.
    limits, defaults, sharing : Thresholds, dict, Sharing
        Thresholds, columns that must not be one default throughout, licences and formats.
    sha256 : str
        Of the file.
    """

    name: str
    version: str
    since: str
    status: str
    source: str
    principles: dict[str, float]
    layers: dict[str, float]
    zero_at: dict[str, float]
    classes: dict[Class, float]
    kinds: dict[str, RecordKind]
    groups: dict[str, float]
    refresh_years: dict[str, float]
    limits: Thresholds
    defaults: dict[str, tuple[str, ...]]
    sharing: Sharing
    sha256: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for field in ("principles", "zero_at"):
            given = set(getattr(self, field))
            if given != set(PRINCIPLES):
                raise ValueError(f"{field} must name {', '.join(PRINCIPLES)}, each once")
        if min(self.zero_at.values()) <= 0 or max(self.zero_at.values()) > 1:
            raise ValueError("zero_at must lie above 0 and not above 1")
        if min((*self.principles.values(), *self.layers.values())) < 0 or sum(self.principles.values()) <= 0:
            raise ValueError("weights must not be negative, nor all be 0")
        if set(self.kinds) != {"measured", "official", "modelled", "assumed"}:
            raise ValueError("kinds must say what measured, official, modelled and assumed layers can reach")
        if set(self.layers) != set(self.refresh_years) or min(self.refresh_years.values()) <= 0:
            raise ValueError("layers and refresh_years must name the same layers, with years above 0")
        if set(self.classes) != {"A", "B", "C"}:
            raise ValueError("classes must say the least score of A, B and C")
        return self

    def cap(self, kind: str, principle: str) -> float:
        """Return the highest score that a layer of a kind can reach; ``overall`` is a principle here."""
        return self.kinds[kind].caps.get(principle, 100.0)

    def grade(self, score: float, best: str = "A") -> str:
        """Return the class of an overall score, not above the best one allowed.

        Examples
        --------
        >>> read_rubric("pilot").grade(95.0), read_rubric("pilot").grade(95.0, best="C")
        ('A', 'C')
        """
        earned = next((c for c in _CLASSES if score >= self.classes[c]), "C")
        return max(earned, best)


def read_rubric(name_or_path: str | Path) -> Rubric:
    """Return a shipped rubric by its name, or one in a file of your own.

    Parameters
    ----------
    name_or_path : str or Path
        ``pilot``, ``official``, or the path of a TOML file of the same form.

    Raises
    ------
    InputError
        If there is none of that name, or the file is not a rubric; every fault of it is named.
    """
    text = str(name_or_path)
    if text in RUBRICS:
        path = geodata_path(f"audit_rubric_{text}.toml")
    else:
        path = Path(name_or_path)
        if not path.is_file():
            hint = nearest_name(text, RUBRICS)
            raise InputError(
                Problem("rubric", f"is no rubric{hint}; there are {', '.join(RUBRICS)}", value=text)
            )
    try:
        content = read_bytes(path, MOST_TOML_BYTES)
        tree = toml_value(content.decode("utf-8"), path.name)
    except UnicodeDecodeError as error:
        raise InputError(Problem(path.name, f"is not valid TOML: {error}")) from None
    try:
        return Rubric.model_validate({**tree, "sha256": hashlib.sha256(content).hexdigest()})
    except ValidationError as error:
        raise InputError(
            [
                Problem(path.name, e["msg"], column=".".join(str(p) for p in e["loc"]) or None)
                for e in error.errors()
            ]
        ) from None
