"""Our sources run no shell, evaluate no text and unpickle nothing; read from their syntax trees."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "coverage" / "phusong").rglob("*.py"))
FORBIDDEN_MODULES = {
    "pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "code", "pty", "telnetlib",
    "ftplib", "xmlrpc", "jsonpickle",
}  # fmt: skip
FORBIDDEN_CALLS = {
    "eval", "exec", "__import__", "os.system", "os.popen", "os.execv", "os.execvp", "os.spawnv", "tempfile.mktemp",
    "builtins.eval", "builtins.exec", "pd.read_pickle", "pandas.read_pickle", "pd.eval", "pandas.eval",
    "subprocess.getoutput", "subprocess.getstatusoutput", "types.FunctionType", "ctypes.CDLL",
    "zipfile.ZipFile.extractall", "shutil.unpack_archive", "ssl._create_unverified_context",
}  # fmt: skip
FORBIDDEN_METHODS = {"extractall", "to_pickle", "read_pickle", "load_extension", "enable_load_extension"}
WITH_TEXT = {"query", "eval"}  # of a frame; a tree is asked with points
FORBIDDEN_SWITCHES = {"shell": True, "allow_pickle": True, "verify": False, "autoescape": False}


def offences(tree: ast.AST) -> list[str]:
    """Return what in a module could run what it reads."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module] if (node.module or "").split(".")[0] in FORBIDDEN_MODULES else []
            found += [
                f"{node.module}.{a.name}" for a in node.names if f"{node.module}.{a.name}" in FORBIDDEN_CALLS
            ]
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in FORBIDDEN_CALLS | {"compile"} or method in FORBIDDEN_METHODS:
                found.append(name)
            if method in WITH_TEXT and not isinstance(
                node.args[0] if node.args else None, ast.Call | ast.Name | ast.Attribute | ast.Subscript
            ):
                found.append(name)
            # a file of arrays says for itself whether it wants to be unpickled
            if name in {"np.load", "numpy.load"} and not any(k.arg == "allow_pickle" for k in node.keywords):
                found.append(f"{name} without allow_pickle=False")
            for switch in node.keywords:
                if switch.arg in FORBIDDEN_SWITCHES and isinstance(switch.value, ast.Constant):
                    forbidden = FORBIDDEN_SWITCHES[switch.arg]
                    found += [f"{name}({switch.arg}={forbidden})"] if switch.value.value is forbidden else []
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import yaml\nyaml.load(x)",
        "eval(x)",
        "exec(x)",
        "compile(x, 'f', 'exec')",
        "subprocess.run(x, shell=True)",
        "np.load(p)",
        "np.load(p, allow_pickle=True)",
        "requests.get(u, verify=False)",
        "tempfile.mktemp()",
        "frame.query(f'{a} > 1')",
        "archive.extractall(p)",
        "Environment(autoescape=False)",
        "from os import system",
    ],
)
def test_each_offence_would_be_seen(source):
    assert offences(ast.parse(source))


def test_our_sources_hold_none():
    assert len(SOURCES) > 100
    found = {
        str(path.relative_to(ROOT)): offences(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES
    }
    assert {path: names for path, names in found.items() if names} == {}


def test_no_process_is_started_but_by_name_and_list():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if "subprocess" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess."):
                    assert isinstance(node.args[0], ast.List), f"{path}: {ast.unparse(node)}"


@pytest.mark.slow
def test_bandit_finds_nothing():
    if shutil.which("bandit", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("bandit is not installed; it comes with phusong[test]")
    command = [sys.executable, "-m", "bandit", "-q", "-c", "pyproject.toml", "-r", "coverage/phusong"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
