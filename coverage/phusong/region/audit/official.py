"""Today's official communes, and which of them an old code became part of."""

from functools import cache

import pandas as pd

from phusong.region.vietnam.units import read_units

__all__ = ["codes_of_province", "official_communes", "successor"]


@cache
def official_communes() -> pd.DataFrame:
    """Return code, name, kind, province_code and province of all communes of today, by code."""
    columns = ["commune_code", "name", "kind", "province_code", "province"]
    return read_units().communes[columns].set_index("commune_code")


@cache
def codes_of_province(province_code: str) -> frozenset[str]:
    """Return the codes of all communes of a province."""
    known = official_communes()
    return frozenset(known.index[known["province_code"] == province_code])


@cache
def _successors() -> dict[str, str]:
    old = read_units().old
    return dict(zip(old["old_code"], old["commune_code"], strict=True))


def successor(old_code: str) -> str | None:
    """Return the code of the commune that an old unit became part of, None where it is no old code.

    Examples
    --------
    >>> successor("00001")
    '00008'
    """
    return _successors().get(old_code)
