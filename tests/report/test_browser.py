"""The page as a browser shows it, offline."""

import shutil
import subprocess
from pathlib import Path

import pytest

from phusong.report.page import report_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_page_draws_itself_without_a_network(result, tmp_path: Path):
    page = tmp_path / "report.html"
    page.write_text(report_html(result), encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ]
    flags += ["--disable-background-networking", "--disable-component-update", "--virtual-time-budget=8000"]
    # a proxy that refuses everything: what the page needs must be in it
    flags += ["--proxy-server=127.0.0.1:9", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [str(CHROMIUM), *flags, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.count("main-svg") >= 2  # Plotly drew the curve and the causes
    assert "Nà Hang" in done.stdout
