"""``segue report``: what is looked at, chosen, replayed and told."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from compared_runs import APART, ENV, write_run
from reported_runs import CAMERAS, TUNES, train_runs, write_work
from typer.testing import CliRunner

from segue.envs.base.errors import SegueError
from segue.experiments.cli import app
from segue.experiments.compare_runs import Run, find_runs, grouped
from segue.experiments.compare_scores import measure_of
from segue.experiments.run_folder import RunFolder
from segue.experiments.run_report import report_verb
from segue.experiments.run_report_cards import Card, beaten, within
from segue.experiments.run_report_facts import about, origin, settings, versions_of
from segue.experiments.run_report_html import wide_table, with_code
from segue.experiments.run_report_media import Budget, animation
from segue.experiments.run_report_page import POLICY
from segue.experiments.run_report_replay import choose, replay, restored
from segue.experiments.run_report_runs import parted, survey

COMMAND = ["segue", "report"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_runs(tmp_path_factory.mktemp("runs"))


def run_of(folder: Path) -> Run:
    (run,), _ = find_runs([folder])
    return run


class Reader(HTMLParser):
    """Addresses that a page loads or leads to, and its tags, which must close as they opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_folder_is_looked_through(trained: Path) -> None:
    found = survey([trained, trained / "ppo-0"])
    assert [run.path.name for run in found.runs] == ["ppo-0", "ppo-1", "table", "torn"]
    assert [(one.path.name, one.kind) for one in found.troubles] == [
        ("forged", "damaged"),
        ("stopped", "unfinished"),
    ]
    assert [path.name for path in found.works] == ["film"]
    assert "no result of a run" in found.troubles[0].reason
    with pytest.raises(SegueError, match="is no folder"):
        survey([trained / "nowhere"])
    with pytest.raises(SegueError, match="holds no run"):
        survey([trained / "plan"])


def test_runs_tested_on_other_episodes_are_apart(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0, 2.0])
    write_run(tmp_path / "b", [1.0, 2.0], seed=1)
    write_run(tmp_path / "c", [1.0, 2.0, 3.0], agent="dqn")
    parts = parted(survey([tmp_path]).runs)
    assert [[run.path.name for run in part] for part in parts] == [["c"], ["a", "b"]]


def test_cloning_beside_runs_is_in_their_table(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0, 2.0])
    write_run(tmp_path / "b", [1.0, 2.0], agent="bc", demonstrations="shown")
    ((first, second),) = parted(survey([tmp_path / "a"]).runs)
    assert (first.path.name, second.result.agent) == ("a", "bc")


def test_episodes_are_chosen_from_best_to_worst(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0, 2.0, 2.5, 0.5])
    write_run(tmp_path / "b", [3.0, 0.0, 1.5, 3.5], seed=1)
    (group,), _ = grouped(survey([tmp_path]).runs)
    measure = measure_of(group.runs[0].result)

    def shown(count: int) -> list[tuple[str, float]]:
        return [(one.rank, one.value) for one in choose(group, measure, count)]

    assert shown(3) == [("Best", 3.5), ("Median", 2.0), ("Worst", 0.0)]
    assert shown(1) == [("Median", 2.0)]
    assert shown(0) == []
    assert len(shown(99)) == 8
    assert ("Number 2 of 8", 3.0) in shown(99)
    best = choose(group, measure, 2)[0]
    assert (best.run.result.seed, best.seed, best.score) == (1, 10_003, 3.5 / 4)
    assert beaten(group.runs, "greedy") == (5, 8)


def test_the_same_work_is_shown_once(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0])
    write_run(tmp_path / "b", [1.0], seed=1)
    (group,), _ = grouped(survey([tmp_path]).runs)
    (one,) = choose(group, measure_of(group.runs[0].result), 3)
    assert one.rank == "Best, worst"


@pytest.mark.parametrize("name", ["ppo-0", "table"])
def test_a_replay_is_the_test_episode(trained: Path, name: str) -> None:
    run = run_of(trained / name)
    act, steps, damage = restored(run.config, RunFolder(run.path))
    assert (steps, damage) == (run.result.steps, [])
    for episode in (0, 2):
        played = replay(run, act, run.result.test_seeds[episode])
        assert played.value == pytest.approx(run.result.returns[episode], abs=1e-9)
        assert sum(played.terms.values()) == pytest.approx(played.value)
        assert played.media.picture is not None
        assert np.array_equal(played.media.picture, played.media.frames[-1])
        assert (played.tune is not None) == (run.config.env == TUNES)


def test_damage_is_told_with_its_cause(trained: Path) -> None:
    run = run_of(trained / "torn")
    with pytest.raises(SegueError, match=r"table-0+\.safetensors.*no undamaged table"):
        restored(run.config, RunFolder(run.path))


def test_a_damaged_checkpoint_is_passed_over_and_told(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "ppo-0", tmp_path / "run")
    place = tmp_path / "run" / "checkpoints"
    (newest,) = place.iterdir()
    shutil.copytree(newest, place / "checkpoint-00000009")
    run = run_of(tmp_path / "run")
    _, steps, damage = restored(run.config, RunFolder(run.path))
    assert steps == run.result.steps
    assert len(damage) == 1
    assert "checkpoint-00000009" in damage[0]


def test_a_page_tells_everything_and_loads_nothing(trained: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "report.html"
    record, lines = report_verb([trained], page, 3, COMMAND)
    text = page.read_text(encoding="utf-8")
    assert record["bytes"] == len(text.encode()) < 3_000_000
    assert {(Path(one["run"]).name, one["kind"]) for one in record["troubles"]} == {
        ("forged", "damaged"),
        ("stopped", "unfinished"),
        ("torn", "damaged"),
    }
    assert all(any(one["run"] in line for line in lines) for one in record["troubles"])
    assert set(record["environments"]) == {TUNES, CAMERAS}
    shown = record["environments"][TUNES]["episodes"]["ppo"]
    assert [one["rank"] for one in shown] == ["Best", "Median", "Worst"]
    assert all(one["media"] == ["picture", "sound", "moving"] for one in shown)
    assert not any(one["problem"] for one in shown)
    json.dumps(record, allow_nan=False)
    found = Reader(text)
    assert not {"script", "link", "iframe", "object", "form"} & set(found.tags)
    outside = [one for one in found.addresses if not one.startswith(("data:", "#"))]
    film = os.path.relpath((trained / "film").resolve(), page.parent.resolve())
    assert set(outside) == {f"{film}/film.mp4", f"{film}/report.html"}
    assert f'content="{POLICY}"' in text
    said = re.sub(r"<[^>]*>", " ", text)
    assert "Write a melody over a chord progression" in said
    assert "segue train --seed 1" in said
    assert "It has made its 64 steps and was not tested" in said
    assert "a &lt;film&gt;.mp4" in said
    assert "A &amp; B" in said
    assert "piece_seed 1000" in said
    assert re.search(r"random play on \d of 8, greedy play on \d of 8", said)


def test_equal_runs_give_equal_pages(trained: Path, tmp_path: Path) -> None:
    texts = []
    for name in ("a.html", "b.html"):
        report_verb([trained / "ppo-0"], tmp_path / name, 1, COMMAND)
        texts.append((tmp_path / name).read_text(encoding="utf-8"))
    first, second = (re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", text) for text in texts)
    assert first == second


def test_runs_without_checkpoints_are_told_by_their_figures(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "a", [1.0, 2.0])
    record, _ = report_verb([tmp_path / "runs"], tmp_path / "r.html", 3, COMMAND)
    shown = record["environments"][ENV]["episodes"]["ppo"]
    assert [one["return"] for one in shown] == [2.0, 1.0]
    assert all("no whole checkpoint" in one["problem"] for one in shown)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "no run of behaviour cloning" in text
    assert "--no-bc" not in text


def test_a_replay_that_goes_another_way_is_told(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "table", tmp_path / "run")
    file = tmp_path / "run" / "result.json"
    result = json.loads(file.read_text())
    result["returns"] = [value - 0.5 for value in result["returns"]]
    file.write_text(json.dumps(result))
    record, _ = report_verb([tmp_path / "run"], tmp_path / "r.html", 1, COMMAND)
    (shown,) = record["environments"][CAMERAS]["episodes"]["q-learning"]
    assert re.match(r"The replay ended with [\d.]+ and not with", shown["problem"])


def test_only_unfinished_runs_and_only_works_are_pages_too(trained: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("stopped", "film")):
        record, _ = report_verb([trained / name], tmp_path / f"{number}.html", 3, COMMAND)
        assert record["environments"] == {}
        assert len(record["troubles"]) == 1 - number
        Reader((tmp_path / f"{number}.html").read_text(encoding="utf-8"))


def test_a_work_that_is_damaged_is_told(tmp_path: Path) -> None:
    write_work(tmp_path / "film")
    (tmp_path / "film" / "timeline.png").write_bytes(b"no picture")
    (tmp_path / "film" / "manifest.json").write_text("{")
    report_verb([tmp_path / "film"], tmp_path / "r.html", 3, COMMAND)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "timeline.png is no picture" in text
    assert "film/film.mp4" in text


def test_media_keep_within_their_budget(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0, 2.0])
    (group,), _ = grouped(survey([tmp_path]).runs)
    chosen = choose(group, measure_of(group.runs[0].result), 2)
    cards = [
        Card(one, {}, None, picture="p" * 40, sound="s" * 30, moving="m" * 20) for one in chosen
    ]
    budget = Budget(135)
    ((first, second),) = within([cards], budget)
    assert (len(first.picture), len(first.sound), len(first.moving)) == (40, 30, 20)
    assert (len(second.picture), len(second.sound), len(second.moving)) == (40, 0, 0)
    assert second.dropped == ("sounds", "animations")
    assert budget.refused == {"sounds": 1, "animations": 1}
    assert budget.left == 5


def test_settings_that_differ_come_first(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1.0], agent="ppo", hyperparameters={"gamma": 0.9})
    write_run(tmp_path / "b", [1.0], agent="dqn")
    groups, _ = grouped(survey([tmp_path]).runs)
    first, *rest = settings(groups)
    assert (first.name, first.values) == ("hyperparameters.gamma", ("default", "0.9"))
    assert not any(one.differs for one in rest)
    told = {one.name: one.values for one in rest}
    assert told["test_options.cantus_seed"] == ("1000", "1000")
    assert APART["test_options"]["cantus_seed"] == 1000
    assert "seed" not in told


def test_an_environment_speaks_for_itself(trained: Path) -> None:
    run = run_of(trained / "ppo-0")
    told = about(run)
    assert told.title == "Write a melody over a chord progression, one eighth note at a time."
    assert told.description[0].startswith("A lead sheet gives chords;")
    assert told.facts["actions"] == "Discrete(27)"
    other = about(
        replace(run, config=replace(run.config, env="CartPole-v1", env_options={}, test_options={}))
    )
    assert other.title == ""
    assert other.description[0].startswith("This environment corresponds to")


def test_versions_that_differ_are_all_told(tmp_path: Path) -> None:
    write_work(tmp_path / "film")
    one = origin(tmp_path / "film")
    assert one.command == "segue edit 'a film.mp4'"
    other = replace(one, versions={**one.versions, "Python": "3.13.0"})
    assert versions_of([one, other, one]) == {"segue": "0.1.0", "Python": "3.11.7 and 3.13.0"}
    assert origin(tmp_path).versions == {}


def test_pieces_of_html() -> None:
    assert with_code("a `b<c` d") == "a <code>b&lt;c</code> d"
    assert with_code("it`s <b>") == "it`s &lt;b&gt;"
    table = wide_table("A & B", ["x", "y"], [("base", ["1", "2"])], numbers=(1,))
    Reader(table)
    assert '<tr class="base"><th scope="row" class="name">1</th><td class="number">2</td>' in table
    assert animation([np.zeros((4, 4, 3), np.uint8)]) == ""
    moving = animation([np.full((900, 1800, 3), value, np.uint8) for value in (0, 255)])
    assert moving.startswith("data:image/webp;base64,UklGR")


def test_wrong_input_is_told_in_a_sentence(trained: Path, tmp_path: Path) -> None:
    for out, episodes, said in (
        (tmp_path / "page.pdf", 3, "ends with .html"),
        (tmp_path, 3, "is no page"),
        (tmp_path / "r.html", -1, "give 0 or more"),
    ):
        with pytest.raises(SegueError, match=re.escape(said)):
            report_verb([trained], out, episodes, COMMAND)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SegueError, match="cannot be made"):
        report_verb([trained], blocked / "r.html", 3, COMMAND)


def test_the_command_line(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    words = ["report", str(trained / "table"), "--out", str(out), "--episodes", "1", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout.strip().splitlines()[-1])
    assert (record["out"], record["format"]) == (str(out), "segue.report.v1")
    assert "segue report" in CliRunner().invoke(app, ["report", "--help"]).output
