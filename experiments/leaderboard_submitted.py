"""Rows that others hand in: what ``segue compare --out`` wrote, with the commands that train."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segue.envs.base.errors import SegueError
from segue.experiments.compare import FORMAT
from segue.experiments.leaderboard_boards import Board, Line, line_of

SUBMITTED = "submitted"
"""Folder in ``docs/results``."""
LARGEST = 16 * 2**20
"""Bytes of the largest file."""


def submitted_boards(folder: Path) -> list[Board]:
    """Tables of the files in a folder; none where there is no such folder.

    Raises
    ------
    SegueError
        If a file is none that ``segue compare`` wrote, its scores are not numbers for each seed
        and test episode, or a row does not say what trains it.
    """
    return [board for path in sorted(folder.glob("*.json")) for board in _boards(path)]


def _boards(path: Path) -> list[Board]:
    if path.stat().st_size > LARGEST:
        raise SegueError(f"{path} has more than {LARGEST:,} bytes; hand in fewer runs.")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        commands = record["commands"]
        return [_board(path, env, one, commands) for env, one in record["environments"].items()]
    except KeyError as error:
        raise SegueError(f"{path} has no {error}; add it, as docs/leaderboard.md says.") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise SegueError(f"{path} cannot be shown ({error}); hand in compare.json.") from error


def _board(path: Path, env: str, record: Mapping[str, Any], commands: Mapping[str, str]) -> Board:
    lines = tuple(_line(path, row, commands) for row in record["rows"])
    warnings = record["separation"]["warnings"]
    kept = "" if not warnings else f" Not kept apart from training: {'; '.join(warnings)}"
    episodes = np.shape(record["rows"][0]["scores"])[1]
    test = f"{episodes} test episodes.{kept}".rstrip(".")
    source = f"{SUBMITTED}/{path.name}"
    return Board(
        env,
        test,
        f"IQM of the {record['measure']}",
        source,
        "segue compare RUNS --out FOLDER",
        lines,
    )


def _line(path: Path, row: Mapping[str, Any], commands: Mapping[str, str]) -> Line:
    label, scores = row["label"], np.array(row["scores"], dtype=np.float64)
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        raise ValueError(f"the scores of {label} are not a finite number a seed and episode")
    if row["trained"] and len(scores) != len(set(row["seeds"])):
        raise ValueError(f"{label} has {len(scores)} runs and not as many seeds")
    if row["trained"] and label not in commands:
        raise SegueError(f"{path} does not say what trains {label}; add it to its commands.")
    return line_of(label, scores, learnt=row["trained"], command=commands.get(label, ""))


__all__ = ["SUBMITTED", "submitted_boards"]
