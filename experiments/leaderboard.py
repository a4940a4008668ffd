"""The leaderboard: what agents reached on each environment, from the committed result files.

``python -m segue.experiments.documentation`` writes ``docs/leaderboard.md`` by it. Nothing is
entered by hand: a row comes from a file in ``docs/results``, with the command that makes it.
"""

from __future__ import annotations

from pathlib import Path

from segue.experiments.compare_scores import LEAST_SEEDS
from segue.experiments.compare_table import table
from segue.experiments.leaderboard_boards import Board, Line
from segue.experiments.leaderboard_files import READERS, RESAMPLES
from segue.experiments.leaderboard_submitted import SUBMITTED, submitted_boards

PAGE = Path("docs") / "leaderboard.md"
RESULTS = Path("docs") / "results"

_COLUMNS = ("rank", "agent", "score", "95 %", "whole runs drawn", "seeds", "command")
_LEFT = (1, 6)

_INTRODUCTION = f"""# Leaderboard

What agents reached in the test, environment by environment, best first. Every row comes from a
committed file, which is named with the command that makes it anew.

- **Score**: the share of the optimum or of the bound that stands above the table; 1 is the best,
  but where a table counts from the score at which a task is called solved. It is the interquartile
  mean over seeds and test episodes, or the mean where the table says so.
- **95 %**: the stratified bootstrap ({RESAMPLES:,} times) of Agarwal et al. (2021); *whole runs
  drawn* draws a seed with all its episodes, see [how results are judged](judging.md).
- **Rank**: only of agents with at least {LEAST_SEEDS} seeds. What has fewer stands where its score
  puts it, without a rank, and so do random and greedy play, solvers and people.
- Tables of one environment differ in their test episodes: compare rows within a table only.
"""

_SUBMITTING = f"""## Your own row

Train your agent with at least {LEAST_SEEDS} seeds by `segue train` (an agent of your own as
`module:attribute`, see [extending](extending.md)), compare it with others by
`segue compare RUNS --out table/`, and open a pull request that adds `table/compare.json` as
`docs/results/{SUBMITTED}/<your-name>.json` with one more key at its top, `commands`: for each
trained row its label and the command that trains it, such as
`"commands": {{"my-agent": "segue train segue/Multicam-v0 --agent my_package:MyAgent --seeds 5"}}`.
Figures are worked out anew from the scores in the file, and a row without a command is refused. The
file also keeps what `segue compare` found on whether training and test episodes are kept apart;
where they are not, the table says so.
"""


def leaderboard_page(root: Path) -> str:
    """Write the page out of the result files of a checkout.

    Parameters
    ----------
    root : Path
        Root of the checkout.

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    SegueError
        If a file lacks what is shown of it, or a submitted one breaks a rule.
    """
    boards = [
        board
        for name, read in READERS.items()
        if (root / RESULTS / name).is_file()
        for board in read(root / RESULTS / name)
    ]
    boards += submitted_boards(root / RESULTS / SUBMITTED)
    # Segue's own first, each with its tables side by side, in the order in which they are found.
    ids = sorted({board.env for board in boards}, key=lambda env: (not _own(env), env))
    lines = [_INTRODUCTION]
    for env in ids:
        lines += [f"## {_title(env)}", ""]
        for board in boards:
            if board.env == env:
                lines += _table(board)
    return "\n".join([*lines, _SUBMITTING])


def _own(env: str) -> bool:
    return env.startswith("segue/")


def _title(env: str) -> str:
    return f"[{env}](envs/{env.split('/')[1]}.md)" if _own(env) else env


def _table(board: Board) -> list[str]:
    cells = []
    # Those that look the same in the table share a rank.
    shown = [f"{line.score.value:.3f}" for line in board.lines if _ranked(line)]
    for line in sorted(board.lines, key=lambda one: -one.score.value):
        score = f"{line.score.value:.3f}"
        rank = 1 + sum(float(other) > float(score) for other in shown)
        cells.append(
            [
                str(rank) if _ranked(line) else "",
                line.label,
                score,
                _ends(line, whole=False),
                _ends(line, whole=True),
                f"{line.seeds}" if line.seeds else "",
                f"`{line.command}`" if line.command else "",
            ]
        )
    return [
        f"**{board.test}.** Score: {board.measure}.",
        "",
        *_without_empty(cells),
        "",
        f"From [{board.source}](results/{board.source}), made by `{board.command}`.",
        "",
    ]


def _without_empty(cells: list[list[str]]) -> list[str]:
    """Write a table without the columns in which nothing stands."""
    kept = [number for number in range(len(_COLUMNS)) if any(row[number] for row in cells)]
    left = [place for place, number in enumerate(kept) if number in _LEFT]
    names = [_COLUMNS[number] for number in kept]
    return table(names, [[row[number] for number in kept] for row in cells], left)


def _ranked(line: Line) -> bool:
    return line.learnt and line.seeds >= LEAST_SEEDS


def _ends(line: Line, whole: bool) -> str:
    """Say the ends of an interval, where several runs tell one."""
    of = line.whole if whole else line.score
    if of is None or line.seeds < 2 or not line.has_interval:
        return ""
    return f"{of.low:.3f} to {of.high:.3f}"


__all__ = ["PAGE", "RESULTS", "leaderboard_page"]
