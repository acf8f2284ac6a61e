"""Before a cluster is spoken to: whether it is this machine, and whether its certificates are the ones meant."""

import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

from phusong.errors import Problem

__all__ = ["certificate_problems", "is_here"]

_PATIENCE_S = 10.0


def is_here(address: str) -> bool:
    """Return whether an address is this machine's own loop, which no other machine reaches.

    Examples
    --------
    >>> is_here("tcp://127.0.0.1:8786"), is_here("tcp://[::1]:8786"), is_here("tcp://10.0.0.7:8786")
    (True, True, False)
    """
    host, _ = _parts(address)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name may lead anywhere, and elsewhere tomorrow


def certificate_problems(
    address: str, *, tls_ca_file: str, tls_client_cert: str, tls_client_key: str
) -> list[Problem]:
    """Return why files of certificates cannot be used, or do not fit the scheduler; nothing where it does not answer.

    Parameters
    ----------
    address : str
        ``tls://host:port``.
    tls_ca_file, tls_client_cert, tls_client_key : str
        PEM files: the authority, our certificate and its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # as dask does: an authority of the cluster's own vouches for its machines, whatever they are called
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(tls_ca_file)
    except (ssl.SSLError, OSError):
        return [Problem(tls_ca_file, "is no PEM file of an authority's certificate", column="--tls-ca")]
    try:
        # a key under a password would ask for it on the terminal, in the middle of a run
        context.load_cert_chain(tls_client_cert, tls_client_key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError):
        told = "and --tls-key are no PEM certificate and key that belong together and have no password"
        return [Problem(tls_client_cert, told, column="--tls-cert")]
    host, port = _parts(address)
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE_S) as plain, context.wrap_socket(plain):
            return []
    except ssl.SSLCertVerificationError as error:
        told = f"is not who --tls-ca vouches for ({error.verify_message}); nothing was sent to it"
        return [Problem("--cluster", told, value=address)]
    except ssl.SSLError as error:
        told = f"does not speak TLS, or refuses our certificate ({error.reason or 'handshake failed'})"
        return [Problem("--cluster", told, value=address)]
    except OSError:
        return []  # that nobody answers is told where the connection is made


def _parts(address: str) -> tuple[str, int]:
    try:
        found = urlsplit(address)
        return (found.hostname or "").lower(), found.port or 0
    except ValueError:
        return "", 0
