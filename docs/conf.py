"""Sphinx configuration: every page is complete on a machine without a network."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path(__file__).parent.parent.joinpath("pyproject.toml").read_text("utf-8"))["project"]

project = PROJECT["name"]
author = copyright = "calcml developers"
version = release = PROJECT["version"]

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "code"
nitpicky = True

# The reference.  Type hints stay out of the signatures: the parameter tables say it in words.
autosummary_generate = True
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"

# The class template lists the members; numpydoc must not list them a second time.
numpydoc_show_class_members = False
# On imported objects the linter knows fields and properties, so here the checks apply that it has to leave
# out on bare source (see pyproject.toml); tests/test_docs.py sees to the examples.  A result, which nobody
# builds by hand, describes its fields as Attributes and not as Parameters.
numpydoc_validation_checks = {"all", "ES01", "EX01", "GL01", "SA01"}
numpydoc_validation_overrides = {"PR01": [r"\n *Attributes\n *-+\n"]}
numpydoc_validation_exclude = {
    r"^calcml\.(chain|descent\.\w+|schemes)\.\w+\.\w",  # one protocol's methods, described at its base
    r"State\.\w",  # the loop's own methods of a state
    r"\.Status$",  # an enumeration's call signature is not its own
}

# Formulas are drawn by a file of our own (see vendor_mathjax.py), never by a content network.  Without the
# file a page shows the TeX source.
mathjax_path = "tex-svg-full.js"

plot_formats = ["svg"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = True
plot_rcparams = {
    "figure.constrained_layout.use": True,
    "figure.figsize": (6.4, 4.0),
    "svg.hashsalt": "calcml",
}
plot_apply_rcparams = True

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = f"calcml {version}"
html_static_path = ["_static"]
html_css_files = ["calcml.css"]
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {"**": ["sidebar-pages"]}
html_theme_options = {
    "navbar_center": [],
    "footer_end": [],
    "footer_start": ["copyright"],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
