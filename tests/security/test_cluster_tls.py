"""A cluster behind certificates: only who the authority vouches for is spoken to; plain TCP elsewhere needs consent."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phusong.compute.executor import Threads, cluster, is_here
from phusong.errors import InputError

trustme = pytest.importorskip("trustme")
pytest.importorskip("distributed")


def write_identity(folder: Path, name: str) -> dict[str, Path]:
    folder.mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", common_name=name)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for k, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(folder / "cert.pem", append=k > 0)
    return {"ca": folder / "ca.pem", "certificate": folder / "cert.pem", "key": folder / "key.pem"}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    return {name: write_identity(folder / name, name) for name in ("ours", "stranger")}


@pytest.fixture(scope="module")
def scheduler(identities):
    """Give the address of a scheduler with one worker, both in processes of their own, behind our certificates."""
    own = identities["ours"]
    tls = ["--tls-ca-file", own["ca"], "--tls-cert", own["certificate"], "--tls-key", own["key"]]
    address = f"tls://127.0.0.1:{free_port()}"
    here = str(Path(__file__).parent)
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    commands = (
        [*start, "--host", address, "--no-dashboard", "--no-show", *tls],
        [
            sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-dashboard", "--no-nanny",
            "--nthreads", "1", *tls,
        ],
    )  # fmt: skip
    running = [subprocess.Popen([str(c) for c in command], cwd=here, **quiet) for command in commands]
    host = ("127.0.0.1", int(address.rpartition(":")[2]))
    for _ in range(300):
        with socket.socket() as s:
            if s.connect_ex(host) == 0:
                break
        time.sleep(0.1)
    yield address
    for process in reversed(running):
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.slow
def test_work_done_behind_certificates_is_the_work_of_threads(scheduler, identities):
    with cluster(scheduler, **identities["ours"]) as executor:
        assert list(executor.run(pow, 3, range(20))) == list(Threads(1).run(pow, 3, range(20)))


@pytest.mark.slow
def test_a_scheduler_of_another_authority_is_refused(scheduler, identities):
    with (
        pytest.raises(InputError, match=r"not who --tls-ca vouches for"),
        cluster(scheduler, **identities["stranger"]),
    ):
        pass


def listening_with(identity):
    import ssl
    import threading

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity["certificate"], identity["key"])
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    heard: list[bytes] = []

    def answer():
        plain, _ = server.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as safe:
                heard.append(safe.recv(1000))
        except (ssl.SSLError, OSError):
            heard.append(b"")
        server.close()

    thread = threading.Thread(target=answer)
    thread.start()
    return f"tls://127.0.0.1:{server.getsockname()[1]}", thread, heard


def test_nothing_is_said_to_who_pretends_to_be_the_scheduler(identities):
    address, thread, heard = listening_with(identities["stranger"])
    with (
        pytest.raises(InputError, match=r"not who --tls-ca vouches for.*nothing was sent"),
        cluster(address, **identities["ours"]),
    ):
        pass
    thread.join(timeout=10)
    assert heard == [b""]


@pytest.mark.parametrize(
    ("which", "words"), [("ca", "--tls-ca"), ("certificate", "--tls-cert"), ("key", "--tls-key")]
)
def test_files_that_are_no_certificates_are_named(identities, tmp_path, which, words):
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    with (
        pytest.raises(InputError, match=words),
        cluster("tls://127.0.0.1:1", **{**identities["ours"], which: broken}),
    ):
        pass


def test_a_key_of_somebody_else_is_refused(identities):
    with (
        pytest.raises(InputError, match="belong together"),
        cluster("tls://127.0.0.1:1", **{**identities["ours"], "key": identities["stranger"]["key"]}),
    ):
        pass


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.1.2.3:8786",
        "tcp://scheduler:8786",
        "tcp://127.0.0.1.evil.example:1",
        "tcp://[fe80::1]:1",
        "tcp://",
    ],
)
def test_plain_tcp_to_another_machine_needs_consent(address):
    with pytest.raises(InputError, match=r"--trust-network"), cluster(address):
        pass


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "tcp://localhost:1", "tcp://[::1]:1", "tcp://127.9.9.9:1"]
)
def test_this_machine_is_told_from_others(address):
    assert is_here(address)


def test_consent_is_a_flag_of_its_own(monkeypatch):
    import distributed

    real = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda *a, **k: real(*a, **{**k, "timeout": 0.2}))
    with (
        pytest.raises(InputError, match="no scheduler answers"),
        cluster("tcp://192.0.2.1:9", trust_network=True),
    ):
        pass
