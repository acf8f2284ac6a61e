"""Where the shipped scenarios and public tables are, in a checkout and in an installed wheel alike."""

from pathlib import Path

__all__ = ["geodata_path", "scenario_names", "scenario_path"]

_PACKAGE = Path(__file__).resolve().parent


def geodata_path(name: str) -> Path:
    """Return the path of a shipped table, e.g. ``geodata_path("provinces.csv")``.

    Raises
    ------
    FileNotFoundError
        If no such file is shipped.
    """
    return _find("geodata", name)


def scenario_path(name: str) -> Path:
    """Return the path of a shipped scenario by its name without ``.toml``.

    Raises
    ------
    FileNotFoundError
        If no such scenario is shipped.
    """
    return _find("scenarios", f"{name}.toml")


def scenario_names() -> list[str]:
    """Return the names of the shipped scenarios, sorted."""
    return sorted({p.stem for folder in _folders("scenarios") for p in folder.glob("*.toml")})


def _folders(kind: str) -> list[Path]:
    # a wheel carries them inside the package; an editable install finds them at the checkout's root
    candidates = [_PACKAGE / "shipped" / kind, _PACKAGE.parents[1] / kind]
    return [c for c in candidates if c.is_dir()]


def _find(kind: str, name: str) -> Path:
    for folder in _folders(kind):
        path = folder / name
        if path.is_file():
            return path
    raise FileNotFoundError(f"{kind}/{name} is not shipped with phusong")
