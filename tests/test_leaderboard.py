"""The leaderboard says what the committed files say, and refuses what it cannot vouch for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from segue.envs.base.errors import SegueError
from segue.experiments.cli import app
from segue.experiments.compare_scores import LEAST_SEEDS
from segue.experiments.leaderboard import PAGE, RESULTS, leaderboard_page
from segue.experiments.leaderboard_boards import Board, Line, line_of
from segue.experiments.leaderboard_files import READERS
from segue.experiments.leaderboard_submitted import SUBMITTED, submitted_boards
from segue.experiments.statistics import interquartile_mean

ROOT = Path(__file__).parents[1]


def boards_of(name: str) -> list[Board]:
    return READERS[name](ROOT / RESULTS / name)


def line(board: Board, label: str) -> Line:
    (found,) = (one for one in board.lines if one.label == label)
    return found


def rows_of(text: str) -> list[list[str]]:
    lines = [one for one in text.splitlines() if one.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", one)[1:-1]] for one in lines]


def submission(**changes: Any) -> dict[str, Any]:
    """What `segue compare` writes of an agent and random play, with the commands."""
    scores = [[0.5, 0.6], [0.6, 0.7], [0.7, 0.8], [0.4, 0.5], [0.6, 0.6]]
    trained = {"label": "mine", "trained": True, "seeds": [0, 1, 2, 3, 4], "scores": scores}
    baseline = {"label": "random", "trained": False, "seeds": [], "scores": [[0.1, 0.2]]}
    return {
        "format": "segue.compare.v1",
        "commands": {"mine": "segue train their:Env-v0 --agent mine --seeds 5"},
        "environments": {
            "their:Env-v0": {
                "measure": "fraction of the optimum",
                "rows": [trained, baseline],
                "separation": {"warnings": []},
            }
        },
        **changes,
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / RESULTS / SUBMITTED).mkdir(parents=True)
    return tmp_path


def hand_in(root: Path, record: Any) -> Path:
    path = root / RESULTS / SUBMITTED / "they.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def test_every_committed_file_of_results_has_rows() -> None:
    text = leaderboard_page(ROOT)
    for name in READERS:
        assert (ROOT / RESULTS / name).is_file()
        assert f"From [{name}](results/{name}), made by `" in text
    assert text == (ROOT / PAGE).read_text(encoding="utf-8")


def test_scores_are_those_of_the_returns_in_the_file() -> None:
    record = json.loads((ROOT / RESULTS / "demonstrations.json").read_text(encoding="utf-8"))
    for board in boards_of("demonstrations.json"):
        place = record["places"][board.env]
        optima = np.array(place["optima"])
        shares = np.array([run["returns"] for run in place["runs"]["bc 100"]]) / optima
        found = line(board, "behaviour cloning, 100 shown")
        assert found.score.value == pytest.approx(float(interquartile_mean(shares)), abs=1e-12)
        assert found.seeds == len(shares)
        assert found.whole is not None
        assert found.score.low < found.score.value < found.score.high
        assert found.whole.low < found.score.value < found.whole.high
        assert found.whole != found.score


def test_gaps_are_turned_into_scores() -> None:
    record = json.loads((ROOT / RESULTS / "counterpoint.json").read_text(encoding="utf-8"))
    six, unseen = boards_of("counterpoint.json")
    dqn, ppo = line(six, "DQN"), line(unseen, "MaskablePPO")
    assert dqn.score.value == 1 - record["agents"]["dqn"]["gap"]
    low, high = record["unseen"]["ppo"]["interval"]
    assert (ppo.score.low, ppo.score.high) == (1 - high, 1 - low)
    assert ppo.seeds == len(record["unseen"]["ppo"]["gap_by_seed"])


def test_the_order_is_by_score_and_ranks_need_seeds() -> None:
    head: list[str] = []
    scores: list[float] = []
    tables = 0
    for row in rows_of(leaderboard_page(ROOT)):
        if "agent" in row:
            head, scores, tables = row, [], tables + 1
            continue
        cells = dict(zip(head, row, strict=True))
        if "--" in cells["agent"]:
            continue
        scores.append(float(cells["score"]))
        assert scores == sorted(scores, reverse=True)
        if cells.get("rank"):
            assert int(cells["seeds"]) >= LEAST_SEEDS
            assert cells["agent"] not in ("random", "greedy")
    assert tables > len(READERS)


def test_a_row_with_few_seeds_has_no_rank_and_equal_scores_share_one(checkout: Path) -> None:
    record = submission(commands={"mine": "a", "same": "b", "few": "c"})
    rows = record["environments"]["their:Env-v0"]["rows"]
    few = {**rows[0], "label": "few", "seeds": [0, 1], "scores": [[0.9, 0.9], [0.9, 0.8]]}
    rows += [{**rows[0], "label": "same"}, few]
    hand_in(checkout, record)
    ranks = {row[1]: row[0] for row in rows_of(leaderboard_page(checkout))[2:]}
    assert ranks == {"few": "", "mine": "1", "same": "1", "random": ""}


def test_one_run_has_no_interval() -> None:
    one = line_of("one", np.array([[0.2, 0.4, 0.6, 0.8]]))
    assert (one.seeds, one.has_interval, one.whole) == (1, False, None)
    assert one.score.value == pytest.approx(0.5)
    assert line_of("greedy", np.array([[0.2]]), learnt=False).seeds == 0


def test_a_submitted_row_stands_with_its_command(checkout: Path) -> None:
    hand_in(checkout, submission())
    text = leaderboard_page(checkout)
    assert "## their:Env-v0" in text
    assert "segue train their:Env-v0 --agent mine --seeds 5" in text
    (board,) = submitted_boards(checkout / RESULTS / SUBMITTED)
    scores = np.array(submission()["environments"]["their:Env-v0"]["rows"][0]["scores"])
    assert line(board, "mine").score.value == float(interquartile_mean(scores))


def test_what_was_not_kept_apart_is_said(checkout: Path) -> None:
    record = submission()
    apart = {"warnings": ["mine is tested on pieces that it was trained on."]}
    record["environments"]["their:Env-v0"]["separation"] = apart
    hand_in(checkout, record)
    assert "Not kept apart from training: mine is tested on" in leaderboard_page(checkout)


def broken(where: str, value: Any) -> dict[str, Any]:
    record = submission()
    record["environments"]["their:Env-v0"]["rows"][0][where] = value
    return record


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (submission(commands={}), "does not say what trains mine"),
        (submission(format="segue.compare.v9"), "its format is not"),
        ({"format": "segue.compare.v1"}, "has no 'commands'"),
        (broken("scores", [[0.1], [float("nan")]]), "finite number"),
        (broken("scores", [[0.1, 0.2]]), "has 1 runs and not as many seeds"),
        (broken("scores", "many"), "cannot be shown"),
        ([], "cannot be shown"),
    ],
)
def test_what_breaks_a_rule_is_refused(checkout: Path, record: Any, told: str) -> None:
    path = hand_in(checkout, record)
    with pytest.raises(SegueError, match=told) as error:
        leaderboard_page(checkout)
    assert str(path) in str(error.value)


def test_commands_of_rows_are_commands_of_segue() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    boards = [board for name in READERS for board in boards_of(name)]
    boards += submitted_boards(ROOT / RESULTS / SUBMITTED)
    commands = {one.command for board in boards for one in board.lines if one.command}
    commands |= {board.command for board in boards}
    for command in commands - {"python -m segue.experiments.env_pictures"}:
        program, verb, *_ = command.split()
        assert program == "segue"
        assert verb in known
