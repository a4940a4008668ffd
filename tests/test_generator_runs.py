"""``segue train attention``: run folders, going on, growing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from segue.agents.generators.melody_model import MelodyModel
from segue.envs.base.errors import SegueError
from segue.experiments.attention_run import MODEL
from segue.experiments.cli import app
from segue.experiments.generator_training import RESULT, resume_generator, train_generator
from segue.experiments.generator_verb import Wanted, settled

SMALL = [
    "size.width=16",
    "size.layers=1",
    "size.heads=2",
    "size.context=64",
    "learning.batch_tokens=4000",
    "learning.warmup=2",
    "learning.validate_every=4",
    "learning.precision=float32",
    "checkpoint_every=4",
]


def silent(share: float, text: str) -> None:
    pass


def wanted(*assignments: str, updates: int = 8, start: str | None = None) -> Wanted:
    corpus = ["bach"] if start is None else ["airdsAirs"]
    texts = [*SMALL, *assignments]
    return Wanted("attention", None, texts, updates, None, start, corpus, None, False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "first"
    train_generator(settled(wanted()), out, ["segue", "train", "attention"], silent)
    return out


def test_a_run_leaves_a_model_and_what_came_of_it(run: Path) -> None:
    result = json.loads((run / RESULT).read_text())
    assert result["updates"] == 8
    assert result["collections"] == ["bach"]
    assert result["licences"] == {"bach": "public-domain"}
    test = result["test"]["bach"]
    assert 0 < test["nll"] < 4
    assert test["tunes"] > 20
    model = MelodyModel.load(run / MODEL)
    assert model.facts["test"] == result["test"]
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["sources"][0]["name"] == "bach"
    assert len(manifest["sources"][0]["digest"]) == 64


def test_an_interrupted_run_ends_as_an_uninterrupted_one(run: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(run, cut)
    shutil.rmtree(cut / "checkpoints" / "checkpoint-00000001")
    (cut / MODEL).unlink()
    (cut / RESULT).unlink()
    resume_generator(cut, silent)
    assert (cut / MODEL).read_bytes() == (run / MODEL).read_bytes()
    ours, theirs = (json.loads((path / RESULT).read_text()) for path in (cut, run))
    assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


def test_a_run_grows_out_of_another_and_tells_what_it_forgot(run: Path, tmp_path: Path) -> None:
    config = settled(wanted("learning.rehearsal=0.5", updates=4, start=str(run)))
    _, result = train_generator(config, tmp_path / "grown", ["segue"], silent)
    assert result["collections"] == ["bach", "airdsAirs"]
    first = json.loads((run / RESULT).read_text())
    assert result["before"]["bach"] == pytest.approx(first["test"]["bach"])
    assert result["before"]["airdsAirs"]["nll"] > result["test"]["airdsAirs"]["nll"]


def test_the_command_line(run: Path, tmp_path: Path) -> None:
    invoke = CliRunner().invoke
    sets = [part for text in SMALL for part in ("--set", text)]
    given = ["train", "attention", "--corpus", "bach", "--steps", "4", *sets]
    said = invoke(app, [*given, "--dry-run"])
    assert said.exit_code == 0, said.output
    assert "updates: 4" in said.output
    said = invoke(app, [*given, "--out", str(tmp_path / "run"), "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout.splitlines()[-1])["updates"] == 4
    said = invoke(app, ["train", "attention", "--from", str(run), *given[2:], "--dry-run"])
    assert f"start: {run}" in said.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["attention", "--agent", "ppo"], "a generator takes no --agent"),
        (["segue/Melody-v0", "--agent", "ppo", "--from", "run"], "are for generators"),
        (["attention", "--corpus", "nobody"], "no collection 'nobody'"),
        (["attention", "--from", "nowhere.safetensors"], "is no melody model"),
        (["attention", "--set", "learning.updates=0"], "updates is 0"),
        (["attention", "--set", "size.widht=3"], "widht"),
        (["attention", "--seed", "-1"], "seed is -1"),
    ],
)
def test_wrong_input_is_told_in_a_sentence(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    arguments = ["train", *arguments, "--out", str(tmp_path / "out")]
    with pytest.raises(SegueError, match=message):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert not (tmp_path / "out" / "config.yaml").exists()


def test_a_run_is_not_made_over_another(run: Path) -> None:
    with pytest.raises(SegueError, match="holds another run"):
        train_generator(settled(wanted()), run, ["segue"], silent)


def test_resuming_needs_a_checkpoint(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "bare", ignore=shutil.ignore_patterns("checkpoints"))
    with pytest.raises(SegueError, match="no whole checkpoint"):
        resume_generator(tmp_path / "bare", silent)
    with pytest.raises(SegueError, match="give it alone"):
        CliRunner().invoke(
            app, ["train", "--resume", str(run), "--seed", "3"], catch_exceptions=False
        )


def test_verbs_for_agents_leave_a_generator_alone(run: Path) -> None:
    with pytest.raises(SegueError, match="is the run of a generator"):
        CliRunner().invoke(app, ["evaluate", str(run)], catch_exceptions=False)
    for verb in ("report", "compare"):
        with pytest.raises(SegueError, match="holds no"):
            CliRunner().invoke(app, [verb, str(run.parent)], catch_exceptions=False)


def test_a_gan_is_trained_gone_on_with_and_told_of(tmp_path: Path) -> None:
    sets = ["steps=6", "likelihood_steps=3", "critic_start=1", "batch=4", "sampled=20", "width=8"]
    given = [f"learning.{text}" for text in (*sets, "critic_width=8", "latent=2")]
    given += ["checkpoint_every=3", "validate_every=5"]
    asked = Wanted("gan", None, given, None, 2, None, ["bach"], None, False)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    _, result = train_generator(settled(asked), whole, ["segue"], silent)
    assert (result["updates"], result["seed"]) == (6, 2)
    assert 0.0 < result["distinct"] <= 1.0
    shutil.copytree(whole, cut)
    shutil.rmtree(cut / "checkpoints" / "checkpoint-00000001")
    (cut / "gan.safetensors").unlink()
    resume_generator(cut, silent)
    assert (cut / "gan.safetensors").read_bytes() == (whole / "gan.safetensors").read_bytes()
    with pytest.raises(SegueError, match="for the attention model"):
        settled(Wanted("gan", None, [], None, None, str(whole), [], None, False))
