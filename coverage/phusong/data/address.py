"""Addresses and file names: filled in, moved to a mirror, made safe, and shown without secrets."""

import os
import re
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit, urlunsplit

from phusong.data.catalogue import DataSource
from phusong.data.tiles import Tile
from phusong.errors import InputError, Problem

__all__ = ["checked_url", "file_name", "filled", "next_hop", "rebased", "shown", "token_of"]

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,180}")
_DEVICES = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE
)  # names Windows keeps for itself
_SECRET = re.compile(r"token|key|secret|sign?ature|passw|auth|credential|^sig$", re.IGNORECASE)
_SCHEMES = ("http", "https")


def checked_url(url: str, where: str) -> str:
    """Return an address that can be fetched.

    Raises
    ------
    InputError
        If it is no http or https address with a host.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in _SCHEMES or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise InputError(
            Problem(where, "must be an address that begins with https:// or http://", value=shown(url))
        )
    return url


def shown(url: str) -> str:
    """Return an address as messages show it: no user, no password, no token.

    Examples
    --------
    >>> shown("https://ann:pw@example.org/a.tif?token=pk.1&type=mcc")
    'https://example.org/a.tif?token=…&type=mcc'
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "an address that cannot be read"
    query = "&".join(f"{k}={'…' if _SECRET.search(k) else quote(v, safe='/:,{}')}" for k, v in pairs)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def next_hop(url: str, location: str) -> str | None:
    """Return the address a redirection leads to, or None when it may not be followed.

    Only http and https are followed, and never from https down to http.
    """
    try:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
        host = new.hostname
    except ValueError:
        return None
    if new.scheme not in _SCHEMES or not host or (old.scheme == "https" and new.scheme != "https"):
        return None
    return target


def filled(template: str, tile: Tile | None, token: str = "") -> str:
    """Return an address with ``{tile}``, ``{band}`` and ``{token}`` filled in; other braces stay."""
    out = template.replace("{token}", quote(token, safe=""))
    return out if tile is None else out.replace("{tile}", tile.tile).replace("{band}", tile.band)


def rebased(url: str, base: str) -> str:
    """Return the same path on a mirror.

    Examples
    --------
    >>> rebased("https://data.worldpop.org/GIS/a.tif", "http://mirror.local/worldpop/")
    'http://mirror.local/worldpop/GIS/a.tif'
    """
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return base.rstrip("/") + parts.path + query


def file_name(source: DataSource, url: str) -> str:
    """Return the name of a file in the cache: the catalogue's, or the end of the address where it is safe.

    Raises
    ------
    InputError
        If the address ends in no name that is safe on every system.
    """
    name = source.file or unquote(urlsplit(url).path.rpartition("/")[2])
    if not _SAFE_NAME.fullmatch(name) or _DEVICES.fullmatch(name) or name.endswith("."):
        raise InputError(
            Problem(shown(url), "must end in a plain file name (letters, digits, dots, dashes)", value=name)
        )
    return name


def token_of(source: DataSource) -> str:
    """Return the user's token for a source from the environment; empty where none is needed.

    Raises
    ------
    InputError
        If the source needs a token and the variable is not set.
    """
    if not source.token_env:
        return ""
    token = os.environ.get(source.token_env, "").strip()
    if not token:
        raise InputError(
            Problem(
                source.name,
                f"needs a token: get one at {source.page} and set the environment variable {source.token_env}",
            )
        )
    return token
