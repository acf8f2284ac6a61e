"""Public names of a package, each loaded when it is first asked for (PEP 562)."""

from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["lazy_names"]


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package whose names stand in modules that take long to load.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : mapping of str to str
        Public name = module that holds it; a module that has the name itself is meant whole.

    Examples
    --------
    >>> load, names = lazy_names("phusong", {"InputError": "phusong.errors", "errors": "phusong.errors"})
    >>> load("InputError").__name__, load("errors").__name__, names()
    ('InputError', 'phusong.errors', ['InputError', 'errors'])
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = import_module(homes[name])
        return home if homes[name] == f"{package}.{name}" else getattr(home, name, home)

    return load, lambda: sorted(homes)
