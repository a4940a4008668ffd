"""Pages and the table of the environments, and the leaderboard, written from what they tell of.

``python -m segue.experiments.documentation`` writes them into the checkout in the current folder,
``--check`` tells which are out of date.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

import segue.envs
from segue.envs.base.errors import SegueError
from segue.envs.base.single import SegueEnv
from segue.envs.counterpoint.env import Counterpoint
from segue.envs.highlight.env import Highlight
from segue.envs.lead_sheet.env import LeadSheet
from segue.envs.melody.env import Melody
from segue.envs.melody.types import STEPS
from segue.envs.montage.env import Montage
from segue.envs.multicam.task import Multicam
from segue.experiments.env_results import FILE, read_results, results_section
from segue.experiments.leaderboard import PAGE, leaderboard_page

BEGIN, END = "<!-- environments -->", "<!-- /environments -->"
"""Markers in README.md; what stands between them is written here."""

PAGES = Path("docs") / "envs"

SECTIONS = (
    "Description",
    "Action Space",
    "Observation Space",
    "Rewards",
    "Starting State",
    "Episode End",
    "Arguments",
    "Version History",
)
"""Sections of an environment's docstring, as Gymnasium orders them."""

_COMMAND = "python -m segue.experiments.documentation"


FEW = 8
"""Dimensions of a MultiDiscrete space that are told one by one."""


def environment_rows() -> list[dict[str, str]]:
    """Return of each registered id, at its default arguments, what the table tells.

    Returns
    -------
    list of dict
        With the keys id, description, actions, observation, horizon and bound.
    """
    return [dict(_row(env_id)) for env_id in segue.envs.IDS]


def environment_table() -> str:
    """Return the registry as a Markdown table: one row an id, at its default arguments."""
    lines = [
        "| id | what it is | actions | observation | horizon | bound |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in environment_rows():
        cells = (
            f"[`{row['id']}`]({page_path(row['id']).as_posix()})",
            row["description"],
            f"`{row['actions']}`",
            f"`{row['observation']}`",
            row["horizon"],
            row["bound"],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def environment_page(env_id: str, root: Path | None = None) -> str:
    """Return the page of an environment: spaces, the sections of its docstring, then results.

    Parameters
    ----------
    env_id : str
        A registered id, such as ``"segue/LeadSheet-v0"``.
    root : Path or None
        Root of the checkout whose results are told; None for none.

    Raises
    ------
    SegueError
        If the id is unknown or its class's docstring lacks one of `SECTIONS`.
    """
    if env_id not in segue.envs.IDS:
        raise SegueError(
            f"Unknown environment {env_id!r}; choose one of {', '.join(segue.envs.IDS)}."
        )
    row, env = _row(env_id), _made(env_id)
    source = f"{type(env).__module__}.{type(env).__qualname__}"
    title, body = _docstring(env)
    results = {} if root is None else read_results(root / FILE)
    told = [results_section(results[env_id], root)] if root and env_id in results else []
    return "\n".join(
        (
            f"<!-- Written by `{_COMMAND}` from the docstring of {source}: edit it there. -->",
            "",
            f"# {env_id}",
            "",
            title,
            "",
            "| at the default arguments | |",
            "| --- | --- |",
            f'| make | `gymnasium.make("segue.envs:{env_id}")` |',
            f"| actions | `{row['actions']}` |",
            f"| observation | `{row['observation']}` |",
            f"| horizon | {row['horizon']} |",
            f"| bound | {row['bound']} |",
            "",
            body,
            "",
            *told,
        )
    )


def page_path(env_id: str) -> Path:
    """Where the page of an environment lies, relative to the root of the checkout."""
    return PAGES / f"{env_id.split('/')[1]}.md"


def write_docs(root: Path) -> None:
    """Write the page of every environment, the leaderboard, and the table into ``README.md``.

    Parameters
    ----------
    root : Path
        Root of the checkout.

    Raises
    ------
    SegueError
        If there is no ``README.md``, or it lacks the markers; the pages are written all the same.
    """
    (root / PAGES).mkdir(parents=True, exist_ok=True)
    for path, text in _pages(root).items():
        path.write_text(text, encoding="utf-8")
    for path in _left_over(root):
        path.unlink()
    readme = root / "README.md"
    readme.write_text(_with_table(readme), encoding="utf-8")


def stale_docs(root: Path) -> list[Path]:
    """Return what `write_docs` would change: pages that are wrong, missing or of no id, the table.

    Parameters
    ----------
    root : Path
        Root of the checkout.

    Raises
    ------
    SegueError
        If there is no ``README.md``, or it lacks the markers.
    """
    stale = [
        path
        for path, text in _pages(root).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    readme = root / "README.md"
    if _with_table(readme) != readme.read_text(encoding="utf-8"):
        stale.append(readme)
    return stale + _left_over(root)


def space_text(space: spaces.Space[Any]) -> str:
    """Return a space in one line: bounds that differ from place to place by their extremes."""
    if isinstance(space, spaces.Dict):
        return f"Dict({', '.join(f'{key}: {space_text(part)}' for key, part in space.items())})"
    if isinstance(space, spaces.MultiDiscrete):
        sizes = np.asarray(space.nvec).ravel().tolist()
        if len(sizes) > FEW:
            return f"MultiDiscrete({len(sizes)} integers, each below {max(sizes)})"
        return f"MultiDiscrete({sizes})"
    if isinstance(space, spaces.Box):
        low, high = space.low.min().item(), space.high.max().item()
        return f"Box({low:g} to {high:g}, {space.shape}, {space.dtype})"
    return str(space)


def horizon_text(env: SegueEnv[Any]) -> str:
    """Return how long an episode lasts, in steps.

    Raises
    ------
    SegueError
        For an environment whose length is not known here.
    """
    if isinstance(env.task, Counterpoint):
        lengths = [len(cantus.pitches) for cantus in env.task.bank.cantus_firmi]
        return f"{min(lengths)} to {max(lengths)} steps"
    if isinstance(env.task, Highlight):
        return f"{env.task.bank.most_shots} steps"
    if isinstance(env.task, LeadSheet):
        return f"{env.task.bank.slots} steps"
    if isinstance(env.task, Melody):
        return f"{STEPS} steps"
    if isinstance(env.task, Montage):
        bank = env.task.bank
        return f"at most {min(bank.shots, bank.beats)} steps"
    if isinstance(env.task, Multicam):
        return f"{env.task.bank.steps} steps"
    raise SegueError(f"{type(env).__name__} has no horizon; say in horizon_text how long it lasts.")


def _made(env_id: str) -> SegueEnv[Any]:
    env = gym.make(env_id).unwrapped
    assert isinstance(env, SegueEnv)
    env.reset(seed=0)
    return env


@cache
def _row(env_id: str) -> dict[str, str]:
    env = _made(env_id)
    return {
        "id": env_id,
        "description": _docstring(env)[0],
        "actions": space_text(env.action_space),
        "observation": space_text(env.observation_space),
        "horizon": horizon_text(env),
        "bound": "exact optimum" if env.bound().exact else "upper bound",
    }


def _docstring(env: SegueEnv[Any]) -> tuple[str, str]:
    """First line of the class's docstring, and its sections."""
    title, _, body = inspect.cleandoc(type(env).__doc__ or "").partition("\n\n")
    found = tuple(line[3:] for line in body.splitlines() if line.startswith("## "))
    if found != SECTIONS:
        raise SegueError(
            f"The docstring of {type(env).__name__} has the sections {', '.join(found) or 'none'}; "
            f"give it {', '.join(SECTIONS)}."
        )
    return title, body


def _pages(root: Path) -> dict[Path, str]:
    pages = {root / page_path(env_id): environment_page(env_id, root) for env_id in segue.envs.IDS}
    return {**pages, root / PAGE: leaderboard_page(root)}


def _left_over(root: Path) -> list[Path]:
    """Pages of ids that are registered no longer."""
    current = {root / page_path(env_id) for env_id in segue.envs.IDS}
    return sorted(set((root / PAGES).glob("*.md")) - current)


def _with_table(readme: Path) -> str:
    """Text of the file with the table between its markers."""
    if not readme.is_file():
        raise SegueError(f"{readme} does not exist; give the root of a checkout of segue.")
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SegueError(
            f"{readme} lacks the markers of the table; put {BEGIN} and {END} where it shall stand."
        )
    return f"{before}{BEGIN}\n\n{environment_table()}\n{END}{after}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the pages; the exit code is 1 where something is stale, 2 on wrong input."""
    parser = argparse.ArgumentParser(prog=_COMMAND, description=inspect.getdoc(write_docs))
    parser.add_argument("root", nargs="?", type=Path, default=Path(), help="root of the checkout")
    parser.add_argument("--check", action="store_true", help="write nothing, list what is stale")
    options = parser.parse_args(arguments)
    try:
        if not options.check:
            write_docs(options.root)
            return 0
        stale = stale_docs(options.root)
    except SegueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in stale:
        print(path)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
