"""What is loaded when it is first asked for: public names of a package (PEP 562), libraries of extras."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from phusong.errors import InputError, Problem

__all__ = ["lazy_names", "library_of_extra"]


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


def library_of_extra(name: str, extra: str, asked: str) -> Any:  # noqa: ANN401 - a module that may be absent
    """Return a library that only one part needs, so that only an extra of the package brings it.

    Parameters
    ----------
    name, extra : str
        The library, and the extra that brings it.
    asked : str
        What asked for it: an option, or a kind of source.

    Raises
    ------
    InputError
        If it is not installed, with the command that installs it.

    Examples
    --------
    >>> library_of_extra("json", "none", "--json").__name__
    'json'
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        told = f"needs the library {name}, which is not installed: pip install 'phusong[{extra}]'"
        raise InputError(Problem(asked, told)) from error
