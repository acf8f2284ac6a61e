"""Program fingerprints: the modules, tables and libraries that a piece of the program depends on, as one digest.

Nothing is listed by hand. The import statements of the package are followed from the functions that compute; so a
constant at the far end of a chain of imports counts, and a module that nothing of it imports does not.
"""

import ast
import fnmatch
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from types import ModuleType
from typing import Any

from platformdirs import user_cache_path

__all__ = [
    "Entry",
    "Module",
    "Sources",
    "own_sources",
    "program_fingerprint",
    "program_parts",
    "whole_program",
]

_PACKAGE = Path(__file__).resolve().parent.parent
_BYTES = 20
_READER = "io.resources.geodata_path"  # whatever reads a shipped table asks it for the place
_BY_NAME = frozenset({"__import__", "distribution", "files", "find_spec", "import_module", "version"})
_KERNELS = "numba"
_KERNEL_DOOR = "compute.kernels"  # the module of ours that hands numba on
_FORM = 1  # of a note: another form, another name
_OLD_S = 30 * 86_400.0
# what numba compiles with, though no module of ours imports it
_BELOW_KERNELS = ("numba", "llvmlite", "numpy")

Entry = Callable[..., object] | ModuleType | type | str


@dataclass(frozen=True)
class Module:
    """What one module's text says of others.

    Parameters
    ----------
    digest : str
        Of its text.
    imports : tuple of str
        Modules of the package that it imports, anywhere in it.
    libraries : tuple of str
        Other packages that it imports or names, by the name they are imported by; none of Python's own.
    kernel_imports : tuple of str
        Modules of the package whose names stand in its constants, classes and decorated functions: what a compiled
        kernel may have taken a value from.
    reads : tuple of (str, str)
        Functions it calls with a text, and the text, ``*`` for what is only known when it runs.
    passes : tuple of (str, str, str)
        Its functions that hand a text they are given on to another function: own name, the other's, and the text with
        ``{}`` for what is given.
    """

    digest: str
    imports: tuple[str, ...]
    libraries: tuple[str, ...]
    kernel_imports: tuple[str, ...]
    reads: tuple[tuple[str, str], ...]
    passes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Sources:
    """The modules of a package, and what each says of the others.

    Parameters
    ----------
    folder : Path
        Of the package.
    modules : mapping of str to Module
        By full name; a package has the name of its folder.
    shipped : tuple of Path
        Folders of the tables that come with the package; the first that holds a file counts.
    """

    folder: Path
    modules: Mapping[str, Module]
    shipped: tuple[Path, ...] = ()

    @classmethod
    def read(cls, folder: Path, shipped: Iterable[Path] = (), notes: Path | None = None) -> "Sources":
        """Return the sources of a package.

        Parameters
        ----------
        folder : Path
            Of the package.
        shipped : iterable of Path
            Folders of its tables.
        notes : Path, optional
            Folder in which is noted what each text says, so that the next process parses only those that are new.
        """
        texts = {_name_of(path, folder): path.read_bytes() for path in sorted(folder.rglob("*.py"))}
        packages = {n for n in texts if (folder.parent / n.replace(".", "/")).is_dir()}
        mark = _digest(f"{sys.version_info[:2]} {folder} {_FORM} {' '.join(texts)}".encode())
        noted = _noted(notes, mark)
        known: dict[str, Module] = {}
        for name, text in texts.items():
            before = noted.get(name)
            same = before is not None and before.digest == _digest(text)
            known[name] = before if before is not None and same else _said(text, name, texts, packages)
        if known != noted:
            _note(notes, mark, known)
        return cls(folder, known, tuple(shipped))

    @property
    def root(self) -> str:
        """Name of the package."""
        return self.folder.name

    def closure(self, *modules: str) -> frozenset[str]:
        """Return the modules that some of them may run: themselves and, again and again, what those import.

        The packages that they lie in count too, as Python runs them first. Of the outermost one only the text counts:
        it imports the whole program for people's convenience.
        """
        found: set[str] = set()
        waiting = list(modules)
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            if name not in self.modules:
                raise KeyError(name)
            found.add(name)
            waiting += self.modules[name].imports
            above = name.rpartition(".")[0]
            if above and above != self.root:
                waiting.append(above)
        return frozenset(found | {self.root})

    def kernels(self) -> frozenset[str]:
        """Return the modules with compiled kernels, and all from which a kernel may have taken a value."""
        found: set[str] = set()
        door = f"{self.root}.{_KERNEL_DOOR}"
        waiting = [
            name
            for name, module in self.modules.items()
            if _KERNELS in module.libraries or door in module.imports
        ]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.modules[name].kernel_imports
        return frozenset(found)

    def tables(self, modules: Iterable[str]) -> Mapping[str, Path]:
        """Return the shipped files that some modules read, by name; all that may be meant where the text does not say."""
        asked = {
            self._readers[function].replace("{}", text)
            for name in modules
            for function, text in self.modules[name].reads
            if function in self._readers
        }
        found: dict[str, Path] = {}
        for place in self.shipped:
            for path in sorted(place.rglob("*")):
                name = path.relative_to(place).as_posix()
                if path.is_file() and any(fnmatch.fnmatchcase(name, pattern) for pattern in asked):
                    found.setdefault(name, path)
        return found

    def parts(self, *modules: str, around: Iterable[str] = ()) -> dict[str, str]:
        """Return digests of all that some modules depend on, each by a name for people.

        Parameters
        ----------
        *modules : str
            Those that compute.
        around : iterable of str
            Modules of which the text counts, but not what they import: those that call the others.

        Returns
        -------
        dict
            ``program`` (texts of modules), ``shipped tables`` and ``libraries`` (versions).
        """
        names = self.closure(*modules)
        texts = {n: self.modules[n].digest for n in (*names, *around)}
        tables = {n: _digest(path.read_bytes()) for n, path in self.tables(names).items()}
        libraries = _versions({library for n in names for library in self.modules[n].libraries})
        found = {"program": texts, "shipped tables": tables, "libraries": libraries}
        return {name: _digest(json.dumps(held, sort_keys=True).encode()) for name, held in found.items()}

    def kernel_fingerprint(self) -> str:
        """Return a digest of all that compiled kernels were made from."""
        total = hashlib.blake2b(digest_size=_BYTES)
        for name in sorted(self.kernels()):
            total.update(f"{name} {self.modules[name].digest};".encode())
        for library, known in sorted(_versions(_BELOW_KERNELS).items()):
            total.update(f"{library} {known};".encode())
        return total.hexdigest()

    @cached_property
    def _readers(self) -> Mapping[str, str]:
        """Functions that lead to a shipped file, and its name with ``{}`` for the text they are given."""
        found = {f"{self.root}.{_READER}": "{}"}
        passes = [held for module in self.modules.values() for held in module.passes]
        for _ in passes:  # a chain of functions is no longer than their number
            more = {own: found[other].replace("{}", text) for own, other, text in passes if other in found}
            if more.keys() <= found.keys():
                break
            found = more | found
        return found


@cache
def own_sources() -> Sources:
    """Return the sources of phusong, read once."""
    candidates = (_PACKAGE / "shipped" / "geodata", _PACKAGE.parents[1] / "geodata")
    return Sources.read(
        _PACKAGE, [c for c in candidates if c.is_dir()], user_cache_path("phusong") / "sources"
    )


@cache
def program_parts(*entries: Entry, around: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Return digests of the program behind some functions, classes or modules, of what it reads, and of libraries.

    Parameters
    ----------
    *entries : function, class, module or str
        Those that compute, or names of modules.
    around : tuple of str
        See :meth:`Sources.parts`; names that are none of ours are left out.

    Examples
    --------
    >>> from phusong.compute import serialize, store
    >>> program_parts(serialize) == program_parts("phusong.compute.serialize", serialize.pack)
    True
    >>> program_parts(serialize) == program_parts(store)
    False
    """
    sources = own_sources()
    modules = sorted({_module_of(entry) for entry in entries})
    return sources.parts(*modules, around=[name for name in around if name in sources.modules])


@cache
def program_fingerprint(*entries: Entry) -> str:
    """Return one digest of :func:`program_parts`."""
    return _digest(json.dumps(dict(program_parts(*entries)), sort_keys=True).encode())


@cache
def whole_program() -> str:
    """Return a digest of every module and every shipped table of phusong; versions of libraries are told apart."""
    sources = own_sources()
    total = hashlib.sha256()
    for name, module in sorted(sources.modules.items()):
        total.update(f"{name} {module.digest};".encode())
    for place in sources.shipped:
        for path in sorted(p for p in place.rglob("*") if p.is_file()):
            total.update(path.relative_to(place).as_posix().encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _module_of(entry: Entry) -> str:
    if isinstance(entry, str):
        return entry
    return entry.__name__ if isinstance(entry, ModuleType) else entry.__module__


def _name_of(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=_BYTES).hexdigest()


def _noted(notes: Path | None, mark: str) -> dict[str, Module]:
    """Return what was noted under a mark; nothing if nothing was, or the note is damaged."""
    if notes is None:
        return {}
    try:
        total, _, body = (notes / f"{mark}.json").read_bytes().partition(b"\n")
        if total.decode() != _digest(body):
            return {}
        return {name: Module(*(_frozen(part) for part in said)) for name, said in json.loads(body).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _frozen(part: Any) -> Any:  # noqa: ANN401 - text, or lists of it
    return tuple(_frozen(p) for p in part) if isinstance(part, list) else part


def _note(notes: Path | None, mark: str, known: Mapping[str, Module]) -> None:
    if notes is None:
        return
    body = json.dumps({name: astuple(module) for name, module in known.items()}).encode()
    try:
        notes.mkdir(parents=True, exist_ok=True)
        for old in notes.iterdir():
            if time.time() - old.stat().st_mtime > _OLD_S:
                old.unlink(missing_ok=True)  # of a program that is gone
        handle, draft = tempfile.mkstemp(dir=notes)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(body).encode() + b"\n" + body)
            Path(draft).replace(notes / f"{mark}.json")
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError:
        return  # the next process parses again


@cache
def _version(library: str) -> tuple[str, str]:
    """Return the distribution that a library is imported from, and its version."""
    try:
        return library, version(library)
    except PackageNotFoundError:
        names = sorted(set(packages_distributions().get(library, ())))
        return ";".join(names) or library, ";".join(version(name) for name in names) or "absent"


def _versions(libraries: Iterable[str]) -> dict[str, str]:
    named = dict(_version(library) for library in libraries)
    if _KERNELS in named:
        named |= dict(_version(library) for library in _BELOW_KERNELS)
    return {**named, "python": platform.python_version(), "machine": platform.machine()}


def _said(text: bytes, name: str, texts: Mapping[str, bytes], packages: set[str]) -> Module:
    tree = ast.parse(text)
    names = _Names(name, texts, packages)
    for node in _run_parts(tree):
        names.see(node)
    root = name.partition(".")[0]
    own, others = set(), set()
    for module in names.modules:
        top = module.partition(".")[0]
        if top == root:
            own.add(module)
        elif top not in sys.stdlib_module_names:
            others.add(top)
    reads, passes = _texts_passed(tree, names)
    used = _names_in_values(tree)
    return Module(
        _digest(text),
        tuple(sorted(own - {name})),
        tuple(sorted(others)),
        tuple(sorted({names.origin[n] for n in used if names.origin.get(n, "").startswith(f"{root}.")})),
        tuple(sorted(reads)),
        tuple(sorted(passes)),
    )


def _run_parts(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node, but for what only type checkers see."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        only_types = isinstance(node, ast.If) and "TYPE_CHECKING" in (
            getattr(node.test, "id", ""), getattr(node.test, "attr", ""),
        )  # fmt: skip
        waiting += node.orelse if only_types and isinstance(node, ast.If) else ast.iter_child_nodes(node)


class _Names:
    """Where the names of a module come from."""

    def __init__(self, module: str, texts: Mapping[str, bytes], packages: set[str]) -> None:
        self.module, self._texts = module, texts
        self._package = module if module in packages else module.rpartition(".")[0]
        self.modules: set[str] = set()
        self.origin: dict[str, str] = {}  # name here -> module it is of
        self.full: dict[str, str] = {}  # name here -> full name

    def see(self, node: ast.AST) -> None:
        """Take in an import, in whatever way it is written."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.modules.add(alias.name)
                bound = alias.asname or alias.name.partition(".")[0]
                self.origin[bound] = alias.name
                self.full[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom):
            start = self._package
            for _ in range(node.level - 1):
                start = start.rpartition(".")[0]
            base = ".".join(part for part in (start if node.level else "", node.module or "") if part)
            for alias in node.names:
                below = f"{base}.{alias.name}"
                module = below if below in self._texts else base
                self.modules.add(module)
                bound = alias.asname or alias.name
                self.origin[bound], self.full[bound] = module, below
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            if called in _BY_NAME and node.args and isinstance(node.args[0], ast.Constant):
                named = str(node.args[0].value)
                if named.replace("-", "_").replace(".", "_").isidentifier():
                    self.modules.add(named if named in self._texts else named.partition(".")[0])

    def called(self, function: ast.expr) -> str:
        """Return the full name of what an expression names; empty where it is no name."""
        if isinstance(function, ast.Name):
            return self.full.get(function.id, f"{self.module}.{function.id}")
        if isinstance(function, ast.Attribute):
            before = self.called(function.value)
            return f"{before}.{function.attr}" if before else ""
        return ""


def _texts_passed(tree: ast.Module, names: _Names) -> tuple[set[tuple[str, str]], set[tuple[str, str, str]]]:
    """Return which functions are called with which texts, and which functions hand on a text they are given."""
    reads: set[tuple[str, str]] = set()
    passes: set[tuple[str, str, str]] = set()

    def walk(node: ast.AST, inside: ast.FunctionDef | None) -> None:
        if isinstance(node, ast.FunctionDef):
            inside = node
        if isinstance(node, ast.Call) and (function := names.called(node.func)):
            given = node.args[0] if node.args else None
            first = inside.args.args[0].arg if inside is not None and inside.args.args else ""
            text, from_outside = _pattern(given, first)
            if from_outside and inside is not None and inside in tree.body:
                passes.add((f"{names.module}.{inside.name}", function, text))
            else:
                reads.add((function, text.replace("{}", "*")))
            for child in (*node.args, *node.keywords):
                walk(child, inside)
            return
        named = names.called(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""
        if named and isinstance(node.ctx, ast.Load):  # type: ignore[attr-defined]
            reads.add((named, "*"))  # a function that is handed about may be called with anything
            return
        for child in ast.iter_child_nodes(node):
            walk(child, inside)

    walk(tree, None)
    root = names.module.partition(".")[0]
    ours = {(f, t) for f, t in reads if f.startswith(f"{root}.")}
    return ours, {p for p in passes if p[1].startswith(f"{root}.")}


def _pattern(given: ast.expr | None, parameter: str) -> tuple[str, bool]:
    """Return a text with ``*`` for what is not known and ``{}`` for the parameter, and whether the latter stands there."""
    if isinstance(given, ast.Constant):
        return str(given.value), False
    if isinstance(given, ast.Name) and given.id == parameter:
        return "{}", True
    if isinstance(given, ast.JoinedStr):
        parts = [
            _pattern(v.value if isinstance(v, ast.FormattedValue) else v, parameter) for v in given.values
        ]
        return "".join(text for text, _ in parts), any(outside for _, outside in parts)
    return "*", False


def _names_in_values(tree: ast.Module) -> set[str]:
    """Return the names in constants, classes and decorated functions, and in what those use of the same module."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: set[str] = set()
    waiting: list[ast.AST] = [
        node for node in tree.body
        if not isinstance(node, (ast.FunctionDef, ast.Import, ast.ImportFrom)) or getattr(node, "decorator_list", [])
    ]  # fmt: skip
    # kernels made inside of functions
    waiting += [f for f in functions.values() if any(_decorated(n) for n in ast.walk(f))]
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Name) and node.id not in found:
                found.add(node.id)
                if node.id in functions:
                    waiting.append(functions[node.id])
    return found


def _decorated(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and bool(node.decorator_list)
