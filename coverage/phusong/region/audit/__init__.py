"""How good a region's data are: six principles scored by stated checks, the records to mend, the people affected."""

from phusong.region.audit.inspection import Audit, audit
from phusong.region.audit.rubric import PRINCIPLES, RUBRICS, Rubric, read_rubric
from phusong.region.audit.table import CHECKS

__all__ = ["CHECKS", "PRINCIPLES", "RUBRICS", "Audit", "Rubric", "audit", "read_rubric"]
