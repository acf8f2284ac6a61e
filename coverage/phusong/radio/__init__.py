"""What is heard where: propagation over terrain, link budget, footprints."""

from typing import TYPE_CHECKING

from phusong.lazy import lazy_names

if TYPE_CHECKING:
    from phusong.radio import p1812
    from phusong.radio.area import area_loss
    from phusong.radio.footprints import Footprints
    from phusong.radio.jobs import RadioPlan, Scene
    from phusong.radio.link_budget import LinkBudget
    from phusong.radio.models import Conditions, tr38901

__all__ = ["Conditions", "Footprints", "LinkBudget", "RadioPlan", "Scene", "area_loss", "p1812", "tr38901"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Conditions": "phusong.radio.models",
        "Footprints": "phusong.radio.footprints",
        "LinkBudget": "phusong.radio.link_budget",
        "RadioPlan": "phusong.radio.jobs",
        "Scene": "phusong.radio.jobs",
        "area_loss": "phusong.radio.area",
        "p1812": "phusong.radio.p1812",
        "tr38901": "phusong.radio.models.tr38901",
    },
)
