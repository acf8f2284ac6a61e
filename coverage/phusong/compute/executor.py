"""Ordered parallel map over threads or a dask cluster, same bytes."""

import ipaddress
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from phusong.errors import InputError, PhusongError, Problem, refuse
from phusong.lazy import library_of_extra

if TYPE_CHECKING:
    from distributed import Client

__all__ = [
    "Cluster",
    "Counted",
    "Executor",
    "Pieces",
    "Threads",
    "certificate_problems",
    "cluster",
    "is_here",
    "pieces",
]

_PIECE_NS = 20e6  # long beside what it takes to hand a piece to a thread
_JOURNEY_NS = 600e6  # long beside what it takes to send some to another process, and their outcome back


@dataclass(frozen=True)
class Pieces:
    """A range in pieces.

    Parameters
    ----------
    spans : tuple of slice
        They make up the range, in order.
    together : int
        How many are worth a journey, see :class:`phusong.compute.executor.Executor`.
    """

    spans: tuple[slice, ...]
    together: int


def pieces(n: int, *, cost_ns: float, least: int = 1) -> Pieces:
    """Return 0 to n in pieces of the same length, the last one shorter; one alone where there is little to do.

    Parameters
    ----------
    n : int
        Number of things.
    cost_ns : float
        What one of them takes, roughly.
    least : int
        Things in a piece, however long they take.

    Examples
    --------
    >>> found = pieces(5, cost_ns=8e6)
    >>> [(span.start, span.stop) for span in found.spans], found.together
    ([(0, 2), (2, 4), (4, 5)], 37)
    """
    each = max(cost_ns, 1e-9)
    length = max(least, 1, int(_PIECE_NS / each))
    spans = tuple(slice(first, min(first + length, n)) for first in range(0, n, length))
    return Pieces(spans, max(1, int(_JOURNEY_NS / (length * each))))


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


S = TypeVar("S")
J = TypeVar("J")
R = TypeVar("R")

_AHEAD = 4  # jobs in hand for each worker: enough to keep it busy, few enough to keep memory small
_TOGETHER = 16  # jobs that travel together unless the caller knows better
_TRIES = 4  # workers that may die under a batch before the run gives up


class Executor(Protocol):
    """Does the same work on many jobs."""

    def run(
        self, work: Callable[[S, J], R], shared: S, jobs: Iterable[J], *, together: int = _TOGETHER
    ) -> Iterator[R]:
        """Yield `work(shared, job)` of each job, in the order of the jobs, with only a few in hand at a time.

        Parameters
        ----------
        work : callable
            A function of a module; it must depend on nothing but what it is given.
        shared : object
            What all jobs read; it travels once.
        jobs : iterable
            Each holds what it alone reads.
        together : int
            Jobs that travel to another process at once: the more there are and the shorter each is, the more.
        """
        ...


@dataclass(frozen=True)
class Threads:
    """Threads of this process.

    Parameters
    ----------
    workers : int
        How many.
    """

    workers: int = 2

    def run(
        self, work: Callable[[S, J], R], shared: S, jobs: Iterable[J], *, together: int = _TOGETHER
    ) -> Iterator[R]:
        """Yield what the jobs give; see :class:`Executor`."""
        del together  # nothing travels between threads
        some, rest = _begun(jobs, 2)
        if self.workers <= 1 or len(some) < 2:
            yield from (work(shared, job) for job in rest)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            yield from _in_turn(lambda job: pool.submit(work, shared, job), rest, self.workers * _AHEAD)


@dataclass(frozen=True)
class Counted:
    """An executor that tells which share of its jobs is done, where their number is known.

    Parameters
    ----------
    executor : Executor
        Who does the work.
    tell : callable
        Told the share, from 0 to 1.
    """

    executor: Executor
    tell: Callable[[float], None]

    def run(
        self, work: Callable[[S, J], R], shared: S, jobs: Iterable[J], *, together: int = _TOGETHER
    ) -> Iterator[R]:
        """Yield what the jobs give; see :class:`Executor`."""
        total = len(jobs) if isinstance(jobs, Sized) else 0
        for done, found in enumerate(self.executor.run(work, shared, jobs, together=together), 1):
            if done <= total:
                self.tell(done / total)
            yield found


@dataclass(frozen=True)
class Cluster:
    """The workers of a dask cluster; one that dies is replaced by another, and its jobs are done again.

    Parameters
    ----------
    client : distributed.Client
        Connected to the scheduler.
    fewest : int
        Batches from which work travels: less of it is done here, sooner than what it reads would arrive there.
    """

    client: "Client"
    fewest: int = 2

    def run(
        self, work: Callable[[S, J], R], shared: S, jobs: Iterable[J], *, together: int = _TOGETHER
    ) -> Iterator[R]:
        """Yield what the jobs give; see :class:`Executor`.

        Raises
        ------
        PhusongError
            If the scheduler is gone, or a batch of jobs took several workers with it.
        """
        from distributed import CancelledError, KilledWorker  # noqa: PLC0415 - only a cluster needs dask

        some, rest = _begun(_batches(jobs, together), self.fewest)
        if len(some) < self.fewest:
            yield from Threads().run(work, shared, chain.from_iterable(some))
            return
        try:
            (held,) = self.client.scatter([shared], broadcast=True, hash=False)
            threads = max(1, sum(self.client.nthreads().values()))
            turn = _in_turn(
                lambda batch: self.client.submit(_batch, work, held, batch, pure=False, retries=_TRIES),
                rest,
                threads * 2,
            )
            for found in turn:
                yield from found
        except (KilledWorker, CancelledError, OSError, TimeoutError) as error:
            raise PhusongError(
                f"the cluster gave up ({type(error).__name__}: {str(error)[:200]}); what is done is kept: run again"
            ) from error


def _begun(jobs: Iterable[J], many: int) -> tuple[list[J], Iterator[J]]:
    """Return the first jobs, as far as there are so many, and all of them again."""
    rest = iter(jobs)
    some = list(islice(rest, many))
    return some, chain(some, rest)


def _batches(jobs: Iterable[J], together: int) -> Iterator[list[J]]:
    rest = iter(jobs)
    while batch := list(islice(rest, together)):
        yield batch


def _batch(work: Callable[[S, J], R], shared: S, jobs: Sequence[J]) -> list[R]:
    return [work(shared, job) for job in jobs]


def _in_turn(submit: Callable[[Any], Any], jobs: Iterable[Any], most: int) -> Iterator[Any]:
    waiting: deque[Any] = deque()
    for job in jobs:
        waiting.append(submit(job))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def cluster(
    address: str,
    *,
    workers: int = 2,
    ca: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    trust_network: bool = False,
) -> Iterator[Cluster]:
    """Connect to a dask scheduler, or start one with its workers on this machine.

    Parameters
    ----------
    address : str
        ``tcp://host:port``, ``tls://host:port``, or ``local``.
    workers : int
        Processes of a local cluster.
    ca, certificate, key : Path, optional
        Files of the certificates that a ``tls://`` scheduler asks for.
    trust_network : bool
        Whether ``tcp://`` may lead to another machine: what travels there is code as well as data, and neither side
        knows who the other is.

    Raises
    ------
    InputError
        If the address is none, nobody answers there, the certificates do not fit, or ``tcp://`` leads to another
        machine without consent.
    """
    # sets up the loggers; takes a second
    library_of_extra("distributed", "cluster", "--cluster")
    import dask  # noqa: PLC0415 - comes with it

    # jobs bring what they alone read: a warning that they are not small tells nobody anything
    quiet = dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"})
    with quiet, _errors_told_once(), _connected(
        address, workers, {"tls_ca_file": ca, "tls_client_cert": certificate, "tls_client_key": key},
        trust_network=trust_network,
    ) as executor:  # fmt: skip
        yield executor


@contextmanager
def _connected(
    address: str, workers: int, files: dict[str, Path | None], *, trust_network: bool
) -> Iterator[Cluster]:
    from distributed import Client, LocalCluster, Security  # noqa: PLC0415 - takes a second to import

    if address == "local":
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0") as own,
            Client(own) as client,
        ):
            yield Cluster(client)
        return
    if not address.startswith(("tcp://", "tls://")):
        raise InputError(
            Problem("--cluster", "must be tcp://host:port, tls://host:port or local", value=address)
        )
    if address.startswith("tcp://") and not trust_network and not is_here(address):
        told = (
            "leads to another machine without encryption: whoever answers there, or stands between, can run code here; "
            "use tls:// with certificates, or say --trust-network where nobody else is on that network"
        )
        raise InputError(Problem("--cluster", told, value=address))
    missing = [str(path) for path in files.values() if path is not None and not path.is_file()]
    if missing:
        raise InputError(
            [
                Problem(path, "is no file; --tls-ca, --tls-cert and --tls-key name PEM files")
                for path in missing
            ]
        )
    security = None
    if address.startswith("tls://"):
        named = {name: str(path) for name, path in files.items() if path is not None}
        if len(named) < len(files):
            raise InputError(
                Problem("--cluster", "tls:// needs --tls-ca, --tls-cert and --tls-key", value=address)
            )
        refuse(certificate_problems(address, **named))
        security = Security(require_encryption=True, **named)
    try:
        client = Client(address, security=security, timeout=10)
    except (OSError, TimeoutError, ValueError) as error:
        raise InputError(
            Problem(
                "--cluster",
                f"no scheduler answers there ({type(error).__name__}); is it running?",
                value=address,
            )
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=30)
        except (OSError, TimeoutError) as error:
            raise InputError(Problem("--cluster", "the scheduler has no workers", value=address)) from error
        yield Cluster(client)


@contextmanager
def _errors_told_once() -> Iterator[None]:
    """Keep the library from printing the stacks of calls of errors that we tell in a sentence."""
    loggers = [
        logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado.application")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
