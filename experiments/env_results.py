"""What is known of each environment's test episodes: a committed file, and what pages tell of it.

``docs/results/environments.json`` is written by ``python -m segue.experiments.env_pictures``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.envs.base.atomic import atomic_path
from segue.envs.base.errors import SegueError
from segue.experiments.compare_scores import Measure, measure_of
from segue.experiments.compare_table import table
from segue.experiments.imitation_table import shares
from segue.experiments.run_result import RunResult, Scores
from segue.experiments.statistics import Floats, interquartile_mean

FILE = Path("docs") / "results" / "environments.json"
"""Where it lies, from the root of the checkout."""
CLONING = Path("docs") / "results" / "demonstrations.json"
PICTURES = Path("docs") / "pictures" / "envs"
FORMAT = "segue.environments.v1"
COMMAND = "python -m segue.experiments.env_pictures"


@dataclass(frozen=True)
class PolicyRow:
    """What one policy reached.

    Attributes
    ----------
    label : str
        Its name; ``random`` and ``greedy`` are the baselines.
    learnt : str
        How it came to play so, in words.
    command : str
        What trains it; empty for baselines.
    steps : int
        Environment steps of its training; 0 where there was none.
    returns : tuple of float
        One a test episode, of the first ones where there are fewer than episodes.
    """

    label: str
    learnt: str
    command: str
    steps: int
    returns: tuple[float, ...]


@dataclass(frozen=True)
class EnvironmentResult:
    """What is known of the test episodes of one environment.

    Attributes
    ----------
    env : str
        Gymnasium id.
    options : mapping
        Keyword arguments of the environment in the test.
    first_seed : int
        Of the first test episode; the next ones have the next seeds.
    bounds : tuple of float
        Best return that each test episode can have, or above.
    exact : bool
        Whether these are the optima.
    rows : tuple of PolicyRow
        Policies, ``random`` among them.
    shown : str
        Label of the policy in the animation, which plays the first test episode.
    """

    env: str
    options: Mapping[str, Any]
    first_seed: int
    bounds: tuple[float, ...]
    exact: bool
    rows: tuple[PolicyRow, ...]
    shown: str

    @property
    def measure(self) -> Measure:
        """How returns become shares, as in ``segue compare``."""
        random = next(row for row in self.rows if row.label == "random")
        count = len(self.bounds)
        return measure_of(
            RunResult(
                env=self.env,
                agent=random.label,
                seed=0,
                steps=0,
                seconds=0.0,
                test_seeds=tuple(range(self.first_seed, self.first_seed + count)),
                returns=random.returns,
                baselines={random.label: Scores(random.returns)},
                bounds=self.bounds,
                exact=self.exact,
            )
        )

    def shares(self, row: PolicyRow) -> Floats:
        """Scores of a policy, (episodes,): 1 is the bound."""
        measure, count = self.measure, len(row.returns)
        some = Measure(measure.name, measure.zero[:count], measure.one[:count])
        found: Floats = some.scores(row.returns)
        return found


def picture_path(env_id: str) -> Path:
    """Where the animation of an environment lies, from the root of the checkout."""
    return PICTURES / f"{env_id.split('/')[1]}.gif"


def write_results(path: Path, results: Sequence[EnvironmentResult]) -> None:
    """Write the file, with the command that makes it."""
    environments = {one.env: _plain(one) for one in results}
    record = {"format": FORMAT, "command": COMMAND, "environments": environments}
    text = json.dumps(record, indent=1, allow_nan=False, ensure_ascii=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_results(path: Path) -> dict[str, EnvironmentResult]:
    """Read what `write_results` wrote, by id; nothing where there is no such file.

    Raises
    ------
    SegueError
        If it is not such a file.
    """
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        return {env: _result(env, one) for env, one in record["environments"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SegueError(f"{path} cannot be read ({error}); make it anew by {COMMAND}.") from error


def results_section(result: EnvironmentResult, root: Path) -> str:
    """Markdown of the animation, the table of policies and the bound.

    Parameters
    ----------
    result : EnvironmentResult
        Of the environment.
    root : Path
        Of the checkout, whose table of demonstrations tells how behaviour cloning does.
    """
    measure, bounds = result.measure, np.array(result.bounds)
    shown = next(row for row in result.rows if row.label == result.shown)
    kind = "exact optimum" if result.exact else "upper bound"
    cells = [
        [
            row.label,
            row.learnt,
            f"{len(row.returns)}",
            f"{np.mean(row.returns):.3f}",
            f"{result.shares(row).mean():.3f}",
            f"{interquartile_mean(result.shares(row)[None]):.3f}",
        ]
        for row in result.rows
    ]
    cells[2:2] = _cloning(root / CLONING, result.env)
    cells.append([kind, "", f"{len(bounds)}", f"{bounds.mean():.3f}", "1.000", "1.000"])
    names = ("policy", "how it learnt", "episodes", "mean return", "mean share", "IQM of shares")
    seeds = f"{result.first_seed:,} to {result.first_seed + len(bounds) - 1:,}"
    options = ", ".join(f"{name}={value!r}" for name, value in result.options.items())
    picture = picture_path(result.env).relative_to("docs").as_posix()
    commands = [f"- {row.label}: `{row.command}`" for row in result.rows if row.command]
    return "\n".join(
        (
            "## Results",
            "",
            f"![{result.shown} plays {result.env}](../{picture})",
            "",
            f"*{result.shown} plays test episode {result.first_seed:,}: return "
            f"{shown.returns[0]:.3f}, {kind} {bounds[0]:.3f}.*",
            "",
            *table(names, cells, left=(0, 1)),
            "",
            f"Test episodes: seeds {seeds} with `{options or 'the default arguments'}`. "
            f"Share: {measure.name}. {_bound_words(result)} A policy that learnt has one seed "
            "here, which gives an idea of the environment and tells nothing of which agent is "
            f"better: for that see the [leaderboard](../leaderboard.md).",
            "",
            *commands,
            "",
            f"Made by `{COMMAND}`, kept in [{FILE.name}](../results/{FILE.name}).",
            "",
        )
    )


def _cloning(path: Path, env: str) -> list[list[str]]:
    """Cells of behaviour cloning, where the study of demonstrations has the environment."""
    places = json.loads(path.read_text(encoding="utf-8"))["places"] if path.is_file() else {}
    if env not in places:
        return []
    place = places[env]
    shown = max((key for key in place["runs"] if key.startswith("bc ")), key=_count)
    scores = shares(place, shown)
    returns = np.mean([run["returns"] for run in place["runs"][shown]])
    learnt = (
        f"from {_count(shown)} shown episodes, [{len(scores)} seeds](../results/{path.stem}.md)"
    )
    figures = (f"{returns:.3f}", f"{scores.mean():.3f}", f"{interquartile_mean(scores):.3f}")
    return [["bc", learnt, f"{scores.shape[1]}", *figures]]


def _count(key: str) -> int:
    """Demonstrations that a row of the study has, such as "bc 100"."""
    return int(key.split(" ")[1])


def _bound_words(result: EnvironmentResult) -> str:
    if result.exact:
        return "The optimum of every episode is computed exactly, so that 1 can be reached."
    return "The bound is an upper one: nothing reaches more, and perhaps nothing reaches it."


def _plain(result: EnvironmentResult) -> dict[str, Any]:
    plain = asdict(result)
    del plain["env"]
    return plain


def _result(env: str, record: Mapping[str, Any]) -> EnvironmentResult:
    rows = tuple(
        PolicyRow(**{**row, "returns": tuple(map(float, row["returns"]))}) for row in record["rows"]
    )
    bounds = tuple(map(float, record["bounds"]))
    return EnvironmentResult(**{**record, "env": env, "rows": rows, "bounds": bounds})


__all__ = [
    "COMMAND",
    "FILE",
    "EnvironmentResult",
    "PolicyRow",
    "picture_path",
    "read_results",
    "results_section",
    "write_results",
]
