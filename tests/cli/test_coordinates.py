"""Coordinates on the command line, north and south, east and west."""

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from phusong.cli.options import CoordinateCommand
from phusong.data.catalogue import parse_bounds
from phusong.errors import InputError
from phusong.report.radio import read_point


def taken(*words: str) -> dict[str, object]:
    """Return what a command with two places and an option is given for these words."""
    heard: dict[str, object] = {}
    app = typer.Typer()

    @app.command(cls=CoordinateCommand)
    def look(a: str, b: str, mhz: float = 900.0, clutter: bool = True) -> None:  # noqa: FBT001, FBT002
        heard.update(a=read_point("a", a), b=read_point("b", b), mhz=mhz, clutter=clutter)

    app(list(words), standalone_mode=False)
    return heard


PLACES = st.tuples(st.floats(-90, 90, allow_subnormal=False), st.floats(-180, 180, allow_subnormal=False))


@given(PLACES, PLACES, st.sampled_from([",", ", ", " ,", ";", " "]))
def test_any_two_places_on_earth_parse(one, two, mark):
    heard = taken(
        f"{one[0]:.5f}{mark}{one[1]:.5f}", f"{two[0]:.5f}{mark}{two[1]:.5f}", "--mhz", "1800", "--no-clutter"
    )
    assert heard["a"] == pytest.approx(one, abs=1e-5)
    assert heard["b"] == pytest.approx(two, abs=1e-5)
    assert (heard["mhz"], heard["clutter"]) == (1800.0, False)


def test_options_stay_options_wherever_they_stand():
    heard = taken("--mhz", "700", "-21.9,105.3", "--no-clutter", "-.5,-105.2")
    assert heard == {"a": (-21.9, 105.3), "b": (-0.5, -105.2), "mhz": 700.0, "clutter": False}
    with pytest.raises(Exception, match="No such option"):
        taken("21.8,105.2", "21.9,105.3", "--nothing")


@pytest.mark.parametrize(
    "text", ["", "21.8", "21.8,105.2,3", "a,b", "91,0", "0,181", "nan,0", "inf,0", "21,8,105,2"]
)
def test_what_is_no_place_is_refused(text):
    with pytest.raises(InputError):
        read_point("transmitter", text)


def test_a_box_may_lie_south_and_west():
    assert parse_bounds("-70.5, -30, -60,-20").south_deg == -30.0
