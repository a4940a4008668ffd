"""Settings of Sphinx, which `make docs` builds the site with."""

from __future__ import annotations

import re
from importlib import metadata
from itertools import takewhile
from pathlib import Path

from sphinx.application import Sphinx

from segue.experiments.api_pages import write_api

project = "segue"
author = "the contributors of segue"
release = metadata.version("segue")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
# index.md takes README.md in, so that a folder of files and the site begin with the same text.
exclude_patterns = ["README.md", "site"]

# Nothing is fetched by who reads the site: it opens from a folder, without a network.
html_theme = "furo"
html_title = "segue"
html_copy_source = False
html_show_sourcelink = False

# Docstrings are NumPy's, and write code in single backticks, as Markdown does.
default_role = "literal"
napoleon_google_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False

myst_heading_anchors = 4
suppress_warnings = [
    "myst.header",  # Tables of results begin without a heading, so that verbs can print them.
    "ref.python",  # Which of the names that several classes have is meant, Sphinx cannot know.
]


_NAMED = re.compile(r"(\w+(?:, \w+)*) : (.+)")
"""A parameter or attribute, or several of one type, as NumPy's docstrings have them."""


def _plain_types(
    app: Sphinx, what: str, name: str, of: object, options: object, lines: list[str]
) -> None:
    """Give names that share a line one each, and show types as they are written.

    Sphinx takes "low, high : float" for one name, and links every word of "ndarray (values,)".
    """
    found: list[str] = []
    for number, line in enumerate(lines):
        named = _NAMED.fullmatch(line)
        told = lines[number + 1 :]
        if not named or not told or not told[0].startswith("  "):
            found.append(line)
            continue
        block = list(takewhile(lambda one: one.startswith("  "), told))
        *others, last = named[1].split(", ")
        for one in others:
            found += [f"{one} : ``{named[2]}``", *block]
        found.append(f"{last} : ``{named[2]}``")
    lines[:] = found


def _in_no_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """Keep tables of results out of the table of contents; results/README.md lists them."""
    if page.startswith("results/") and page != "results/README":
        source[0] = f"---\norphan: true\n---\n\n{source[0]}"


def setup(app: Sphinx) -> None:
    """Write the pages of the Python reference before Sphinx looks what pages there are."""
    # Before napoleon, which reads the sections of a docstring.
    app.connect("autodoc-process-docstring", _plain_types, priority=400)
    app.connect("source-read", _in_no_contents)
    app.connect("builder-inited", lambda built: write_api(Path(built.srcdir) / "api"))
