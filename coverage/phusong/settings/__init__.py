"""What a planner may ask: one table of settings for each part of the way."""

from phusong.settings.access import AccessSettings
from phusong.settings.invest import InvestSettings
from phusong.settings.radio import RadioSettings
from phusong.settings.region import RegionSettings
from phusong.settings.report import ReportSettings
from phusong.settings.service import ServiceSettings
from phusong.settings.sharing import AgreementSettings, SharingSettings
from phusong.settings.table import Policy, Table

__all__ = [
    "AccessSettings",
    "AgreementSettings",
    "InvestSettings",
    "Policy",
    "RadioSettings",
    "RegionSettings",
    "ReportSettings",
    "ServiceSettings",
    "SharingSettings",
    "Table",
]
