"""`segue check` finds what is wrong with an environment, and nothing where nothing is."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import faulty_envs
import pytest

from segue.envs.base.errors import SegueError
from segue.experiments.check_verb import check_verb, read_options
from segue.experiments.cli import main
from segue.experiments.contract import CHECKS, Outcome, Subject, examine, examine_all
from segue.experiments.contract.runner import run_checks

BY_NAME = {check.name: check for check in CHECKS}

FAULTS = {
    "WrongDtype": "observations: has dtype float64, but its space float32",
    "Outside": "observations: outside 0 to 1",
    "AList": "observations: is a list",
    "NotANumber": "rewards: is nan",
    "IntegerEnd": "ends: terminated is 0",
    "Unseeded": "same seed: self.np_random",
    "GlobalState": "global randomness: state of random",
    "ReseedsNumpy": "global randomness: state of numpy.random",
    "OtherKeys": "info keys: 'odd'",
    "TermsMissing": "reward terms: add up to",
    "MasksDiffer": "masks: differ",
    "NothingLegal": "masks: no legal action",
    "Overwritten": "not overwritten: changes the observation",
    "NeverEnds": "episodes end: max_episode_steps",
    "LowBound": "bound: random play returned",
    "NotPicklable": "pickle: cannot be pickled",
    "LosesState": "pickle: goes on otherwise",
    "FloatPicture": "rendering: dtype float64",
    "FlatPicture": "rendering: shape (8, 160)",
    "RenderMoves": "rendering changes nothing: only look",
    "NoOptions": "made: unexpected keyword argument 'options'",
    "NoInfo": "returns: give an observation and an info dict",
    "FourValues": "returns: 4 values",
    "NoModes": "metadata: render_modes",
    "SameEpisodeAgain": "seeds: again and again",
    "SeedIgnored": "seeds: use the seed",
    "SharedState": "independent: keep state in self",
    "KeepsScore": "reset anew: set everything anew",
    "HashOrder": "other process: hash()",
    "IllegalRaises": "illegal actions: you cannot go there",
    "GreedyOutside": "greedy: not in the space",
    "RaisesLate": "steps: KeyError was raised in faulty_envs.py",
    "ClosesOnce": "close: second close",
    "ChangesSpace": "spaces: a space changed",
    "BadVector": "vector rows: earned",
    "BadAutoreset": "vector autoreset: NEXT_STEP",
    "SameRows": "vector rows: with the seed + i",
    "ByChance": "vector same seed: what the seed sets",
    "Pushed": "actions kept: changed the array",
}
"""Environment, and check and words that tell its fault."""

GYMNASIUMS = (
    "CartPole-v1",
    "Acrobot-v1",
    "MountainCar-v0",
    "MountainCarContinuous-v0",
    "Pendulum-v1",
    "FrozenLake-v1",
    "FrozenLake8x8-v1",
    "Taxi-v4",
    "CliffWalking-v1",
    "CliffWalkingSlippery-v1",
    "Blackjack-v1",
)


def errors(outcome: Outcome) -> list[str]:
    return [one.sentence for one in outcome.findings if one.severity == "error"]


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_by_the_check_that_names_it(name: str) -> None:
    check, _, words = FAULTS[name].partition(": ")
    outcome = examine(BY_NAME[check], Subject(f"faulty_envs:{name}-v0"))
    assert outcome.status == "failed"
    assert any(words in sentence for sentence in errors(outcome)), outcome
    assert all(sentence.rstrip().endswith(".") for sentence in errors(outcome))


@pytest.mark.parametrize("name", ["faulty_envs:Walk-v0", "faulty_envs:Unmasked-v0", *GYMNASIUMS])
def test_sound_environments_have_no_errors(name: str) -> None:
    outcomes = list(examine_all(Subject(name)))
    assert {outcome.name: errors(outcome) for outcome in outcomes if errors(outcome)} == {}
    assert [outcome.name for outcome in outcomes] == list(BY_NAME)
    passed = [outcome for outcome in outcomes if outcome.status in ("passed", "warned")]
    assert len(passed) >= 20


def test_what_is_not_offered_is_no_fault() -> None:
    outcomes = {one.name: one for one in examine_all(Subject("Unmasked-v0"))}
    for name in ("masks", "reward terms", "bound", "greedy", "illegal actions", "vector rows"):
        assert outcomes[name].status == "not offered"
        assert outcomes[name].reason
    offered = {one.name: one for one in examine_all(Subject("Walk-v0"))}
    for name in ("masks", "reward terms", "bound", "greedy", "illegal actions", "vector rows"):
        assert offered[name].status == "passed", offered[name]


def test_where_a_gate_fails_the_rest_is_not_checked() -> None:
    outcomes = list(examine_all(Subject("FourValues-v0")))
    assert [one.status for one in outcomes[:2]] == ["passed", "failed"]
    assert {one.status for one in outcomes[2:]} == {"not checked"}


def test_every_fault_is_told_without_a_traceback() -> None:
    for name in ("NotANumber", "AList", "ChangesSpace", "NoInfo"):
        assert any(errors(outcome) for outcome in examine_all(Subject(f"{name}-v0")))


def test_a_hang_is_bounded_and_a_death_survived() -> None:
    began = time.monotonic()
    outcomes = {one.name: one for one in run_checks("faulty_envs:Hangs-v0", {}, 1.0)}
    assert time.monotonic() - began < 30
    assert "did not end within 1 seconds" in errors(outcomes["returns"])[0]
    assert outcomes["steps"].status == "not checked"
    outcomes = {one.name: one for one in run_checks("faulty_envs:Dies-v0", {}, 60.0)}
    assert "exit status 3" in errors(outcomes["bound"])[0]
    assert outcomes["greedy"].status == outcomes["close"].status == "passed"


@pytest.fixture
def segue(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run the command line in this process."""

    def run(*arguments: str) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", ["segue", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_the_verb_prints_a_table(segue: Any) -> None:
    code, out, err = segue("check", "faulty_envs:TermsMissing-v0")
    assert code == 1
    assert "✗" in out or "NO" in out
    assert "error: first at step" in out
    assert out.splitlines()[-1].startswith("faulty_envs:TermsMissing-v0: 1 fault in ")
    assert "checking" in err
    assert "Traceback" not in out + err


def test_the_verb_gives_json(segue: Any) -> None:
    code, out, _ = segue("check", "faulty_envs:Walk-v0", "--options", '{"wide": 30}', "--json")
    record = json.loads(out)
    assert code == 0
    assert record["passed"]
    assert record["errors"] == 0
    assert record["options"] == {"wide": 30}
    assert [check["name"] for check in record["checks"]] == list(BY_NAME)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere_to_be_found:Walk-v0",), "no module 'nowhere_to_be_found'"),
        (("faulty_envs:Run-v0",), "registers no environment 'Run-v0'"),
        (("Unknown-v7",), "no environment 'Unknown-v7'"),
        (("CartPole-v1", "--options", "[1]"), "give a mapping"),
        (("CartPole-v1", "--options", "{"), "not YAML"),
        (("CartPole-v1", "--options", "{reward: 'faulty_envs:nothing'}"), "no reward 'nothing'"),
        (("CartPole-v1", "--seconds", "0"), "seconds is 0"),
    ],
)
def test_bad_input_is_told_in_a_sentence(segue: Any, words: tuple[str, ...], told: str) -> None:
    code, out, err = segue("check", *words)
    assert code == 2
    assert out == ""
    (line,) = [line for line in err.splitlines() if line.startswith("segue: ")]
    assert told in line
    assert line.endswith(".")


def test_options_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "options.yaml"
    file.write_text("wide: 30\n")
    assert read_options(str(file)) == {"wide": 30}
    with pytest.raises(SegueError, match="give a time above 0"):
        check_verb("CartPole-v1", None, float("nan"))


def test_options_that_do_not_fit_are_a_finding() -> None:
    outcome = examine(BY_NAME["made"], Subject("Walk-v0", {"depth": 3}))
    assert "unexpected keyword argument 'depth'" in errors(outcome)[0]


def test_every_check_has_a_name_and_a_demand_of_its_own() -> None:
    assert len(BY_NAME) == len(CHECKS) == len({check.demands for check in CHECKS})
    assert faulty_envs.Walk in faulty_envs.Walk.__subclasses__()[0].__mro__
