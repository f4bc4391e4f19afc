"""The reference lists every public name, and only names that exist."""

import functools
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import calcml as cm

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def modules(package: ModuleType) -> list[str]:
    """Return the names of a package and of the modules that its __all__ names, down to the last."""
    inner = [thing for name in package.__all__ if isinstance(thing := getattr(package, name), ModuleType)]
    return [package.__name__, *(name for module in inner for name in modules(module))]


MODULES = modules(cm)


def listed() -> set[str]:
    """Return the full names that stand in the autosummary tables of docs/api."""
    names = set()
    for page in sorted((DOCS / "api").glob("*.rst")):
        module, inside = "", False
        for line in page.read_text("utf-8").splitlines():
            if line.startswith((".. currentmodule::", ".. module::")):
                module = line.split()[-1]
            if line and not line.startswith(" "):
                inside = line.startswith(".. autosummary::")
            elif inside and (entry := re.fullmatch(r" {3}([A-Za-z_][\w.]*)", line)):
                names.add(f"{module}.{entry[1]}")
    return names


def public(module: str) -> dict[str, object]:
    """Return what a module's __all__ names, but for modules and plain constants."""
    package = importlib.import_module(module)
    things = {name: getattr(package, name) for name in package.__all__}
    return {name: thing for name, thing in things.items() if callable(thing)}


def resolve(full_name: str) -> object:
    """Return the object of a dotted name, None if there is none."""
    parts = full_name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        return functools.reduce(lambda thing, part: getattr(thing, part, None), parts[cut:], found)
    return None


@pytest.mark.parametrize("module", MODULES)
def test_reference_lists_every_public_name(module):
    documented = [resolve(name) for name in listed()]
    missing = [n for n, thing in public(module).items() if not any(thing is other for other in documented)]
    assert not missing, f"add these names of {module} to a page of docs/api"


@pytest.mark.parametrize("module", MODULES)
def test_every_public_object_has_an_example(module):
    lacking = [
        name
        for name, thing in public(module).items()
        if ">>>" not in (thing.__doc__ or "")
        and not inspect.isabstract(thing)  # its children show how
        and not (isinstance(thing, type) and issubclass(thing, Exception))  # raised, not called
    ]
    assert not lacking


def test_reference_lists_only_what_exists():
    assert len(listed()) > 50  # the tables were found
    assert not [name for name in listed() if resolve(name) is None]


def test_every_page_is_reachable():
    targets = set(re.findall(r"^   ([\w/]+)$", (DOCS / "index.rst").read_text("utf-8"), re.MULTILINE))
    assert {page.stem for page in DOCS.glob("*.rst")} - {"index"} == targets - {"api/index"}


def test_links_of_the_markdown_files_exist():
    for page in ROOT.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert target.startswith("https://") or (ROOT / target).exists(), f"{page.name}: {target}"
