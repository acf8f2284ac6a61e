"""The folder of reference cases, where there is one beside the checkout."""

from pathlib import Path

import pytest

REFERENCE = Path(__file__).resolve().parents[2] / "shared"
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the folder of reference cases is not beside the checkout"
)
