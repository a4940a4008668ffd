"""Pages of the Python reference: which modules it has, and what Sphinx is told to show of each.

Sphinx calls `write_api` before it builds (``docs/conf.py``); the text is that of the docstrings.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import get_origin

from segue.envs.base.errors import SegueError

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Environments": (
            "segue.envs",
            "segue.envs.base.task",
            "segue.envs.base.single",
            "segue.envs.base.vector",
            "segue.envs.base.transition_model",
            "segue.envs.base.references",
            "segue.envs.base.errors",
            "segue.envs.film.timelines",
        ),
        "Rewards": (
            "segue.rewards",
            "segue.rewards.counterpoint",
            "segue.rewards.melody",
            "segue.rewards.rl_tuner",
            "segue.rewards.film",
            "segue.rewards.highlight",
            "segue.rewards.multicam",
        ),
        "Agents": (
            "segue.agents.tabular",
            "segue.agents.deep",
            "segue.agents.demonstrations",
            "segue.agents.registry",
        ),
        "Experiments": (
            "segue.experiments.train_config",
            "segue.experiments.train",
            "segue.experiments.evaluation",
            "segue.experiments.run_result",
            "segue.experiments.statistics",
            "segue.experiments.compare_scores",
        ),
    }
)
"""Modules that a user imports, by the heading that they stand under."""


def public_names(module: ModuleType) -> list[str]:
    """Names that a module gives to others: ``__all__``, or else what it defines itself.

    Raises
    ------
    SegueError
        If one of them has no docstring, as far as it can have one.
    """
    listed = getattr(module, "__all__", None)
    names = list(listed) if listed is not None else _own(module)
    for name in names:
        found = getattr(module, name)
        if (inspect.isclass(found) or inspect.isfunction(found)) and not inspect.getdoc(found):
            raise SegueError(f"{module.__name__}.{name} has no docstring; write one.")
    return names


def api_page(name: str) -> str:
    """Markdown page of one module, in which Sphinx puts the docstrings."""
    module = import_module(name)
    # What a package takes from its own modules is told where it is taken to: there it is imported.
    shown = [one for one in public_names(module) if not inspect.ismodule(getattr(module, one))]
    lines = [f"# {name}", "", "```{eval-rst}", f".. automodule:: {name}", "   :no-members:", ""]
    for one in shown:
        lines += _directive(name, one, getattr(module, one))
    return "\n".join([*lines, "```", ""])


def write_api(folder: Path) -> list[Path]:
    """Write a page a module, and ``index.md`` with all of them; return what there is.

    Pages that stand there already with the same text are left alone, so that Sphinx does not read
    them again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = {folder / f"{name}.md": api_page(name) for names in MODULES.values() for name in names}
    pages[folder / "index.md"] = _index()
    for old in set(folder.glob("*.md")) - set(pages):
        old.unlink()
    for path, text in pages.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return list(pages)


def _own(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def _directive(module: str, name: str, value: object) -> list[str]:
    path = f"{module}.{name}"
    if inspect.isclass(value):
        return [f".. autoclass:: {path}", "   :members:", ""]
    if inspect.isroutine(value):
        return [f".. autofunction:: {path}", ""]
    if get_origin(value) is not None:
        # Of a type's alias, Sphinx would write the types as text that is no reStructuredText.
        return [f".. py:data:: {path}", "", f"   Type: ``{value}``", ""]
    return [f".. autodata:: {path}", "   :no-value:", ""]


def _index() -> str:
    lines = ["# Python reference", "", "What can be imported, from the docstrings.", ""]
    for heading, names in MODULES.items():
        lines += [f"## {heading}", "", "| module | what it is |", "| --- | --- |"]
        lines += [f"| [`{name}`]({name}.md) | {_first_line(name)} |" for name in names]
        lines += ["", "```{toctree}", ":hidden:", "", *names, "```", ""]
    return "\n".join(lines)


def _first_line(name: str) -> str:
    return (inspect.getdoc(import_module(name)) or "").partition("\n")[0].replace("|", "\\|")


__all__ = ["MODULES", "api_page", "public_names", "write_api"]
