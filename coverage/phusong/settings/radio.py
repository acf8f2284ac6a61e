"""How signal is computed, and when a place counts as covered."""

from typing import Annotated, Literal

from pydantic import Field

from phusong.settings.table import NotNegative, Positive, Share, Table

__all__ = ["RadioSettings"]


class RadioSettings(Table):
    """How signal is computed and when a place counts as covered."""

    model: str = Field(
        "bullington",
        description="Propagation model: bullington, p1812, itm, ehata, hata, rma, rma_terrain, uma or free_space.",
    )
    service: Literal["data", "voice"] = Field(
        "data",
        description="What a phone wants; geodata/services.csv holds the least level of each technology.",
    )
    threshold_dbm: Annotated[float, Field(ge=-140.0, le=-60.0)] | None = Field(
        None, description="Least level (RSRP) that covers, instead of the service's. [dBm]"
    )
    least_rate_mbps: NotNegative = Field(
        0.0,
        description="Rate that one phone alone in a cell must reach at the edge; 0: the level alone decides.",
    )
    place: Literal["outdoor", "vehicle", "indoor_traditional", "indoor_efficient"] = Field(
        "outdoor",
        description="Where the phone is: in a car (TR 38.901) or a building (ITU-R P.2109) it hears less.",
    )
    location_probability: Annotated[float, Field(ge=0.5, lt=1.0)] = Field(
        0.75, description="Share of locations in a square that must reach the threshold."
    )
    shadowing_sd_db: NotNegative = Field(6.0, description="Standard deviation of shadowing in a square. [dB]")
    rx_height_m: Positive = Field(1.5, description="Height of the phone above ground. [m]")
    rx_losses_db: NotNegative = Field(4.0, description="Body and antenna losses of the phone. [dB]")
    rx_gain_dbi: Annotated[float, Field(ge=-20.0, le=40.0)] = Field(
        0.0, description="Antenna gain of the receiver. [dBi]"
    )
    noise_figure_db: NotNegative = Field(7.0, description="Noise figure of the receiver. [dB]")
    prach_format: Literal[0, 1, 2, 3] = Field(
        0, description="Random access preamble of the cells: none answers beyond 14.5, 77, 29.5 or 103 km."
    )
    max_radius_km: Positive | None = Field(
        None, description="Cell range set by the operator, where shorter than random access allows. [km]"
    )
    step_m: Annotated[float, Field(ge=10.0, le=5000.0)] | None = Field(
        None, description="Step along the ground; the region's grid square when left out. [m]"
    )
    time_percent: Annotated[float, Field(ge=1.0, le=50.0)] = Field(
        50.0, description="Share of the year for which the loss is not exceeded (p1812). [%]"
    )
    delta_n: Annotated[float, Field(ge=-150.0, le=150.0)] | None = Field(
        None,
        description="Fall of refractivity through the lowest km; by latitude when left out. [N-units/km]",
    )
    n0: Annotated[float, Field(ge=200.0, le=500.0)] | None = Field(
        None, description="Sea-level surface refractivity; by latitude when left out. [N-units]"
    )
    polarization: Literal["vertical", "horizontal"] = Field("vertical", description="Of the transmitters.")
    interference: Literal["margin", "sinr"] = Field(
        "margin", description="What other cells do to a cell's rate: a margin, or the power of each (sinr)."
    )
    interference_margin_db: NotNegative = Field(3.0, description="Rise of noise by other cells. [dB]")
    neighbour_load: Share = Field(
        0.5, description="Share of their resources that other cells use while a phone listens to its own."
    )
    n_servers: Annotated[int, Field(ge=1, le=8)] = Field(
        2, description="Strongest servers kept of each operator and technology on the map."
    )
