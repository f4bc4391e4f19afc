#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.5.1"]
# ///
"""The checks one by one, each in an environment of its own; `.ci/run` does all of them in one."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"

PROJECT = nox.project.load_toml("pyproject.toml")
EXTRAS = ".[plot,progress,dask]"


def install(session: nox.Session, *groups: str) -> None:
    session.install("-e", EXTRAS, *nox.project.dependency_groups(PROJECT, *groups))


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run the tests with branch coverage."""
    install(session, "test")
    session.run("pytest", *session.posargs)


@nox.session(python="3.11", venv_backend="uv", default=False)
def lowest(session: nox.Session) -> None:
    """Run the tests on the oldest dependencies that pyproject.toml allows."""
    groups = nox.project.dependency_groups(PROJECT, "test")
    session.install("--resolution=lowest-direct", "-e", EXTRAS, *groups)
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, docstrings, spelling and the project's metadata."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("repo-review", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "lint")
    session.run("mypy")


@nox.session
def doctests(session: nox.Session) -> None:
    """Run the examples of the docstrings, the README and the documentation."""
    install(session, "test")
    options = ("--no-cov", "--doctest-modules", "--doctest-glob=*.md", "--doctest-glob=*.rst")
    session.run("pytest", *options, "src/calcml", "README.md", "docs")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; needs npm for the formulas."""
    install(session, "docs")
    session.run("python", "docs/vendor_mathjax.py")
    session.run("sphinx-build", "-n", "-W", "-b", "html", "docs", "docs/_build/html")
    session.run("python", "docs/check_offline.py", "docs/_build/html")


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the wheel and the source archive."""
    session.install("build")
    session.run("python", "-m", "build")


if __name__ == "__main__":
    nox.main()
