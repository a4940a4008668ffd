from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from PIL import Image

from segue.envs.base.errors import SegueError
from segue.envs.film.synthetic import write_synthetic_film
from segue.experiments import bench as bench_module
from segue.experiments.bench import bench, measure
from segue.experiments.bench_tables import print_tables
from segue.experiments.figures import learning_curve, term_bars
from segue.experiments.manifest import Source, command_line, hide_home, write_manifest
from segue.experiments.progress import progress_bar
from segue.experiments.report import CutRow, Report, ScoreRow, write_report
from segue.experiments.report_html import clock, number
from segue.experiments.run_folder import RunFolder, read_config, write_config
from segue.experiments.typed_yaml import MOST_BYTES, load_yaml


@dataclass(frozen=True)
class Learner:
    rate: float = 3e-4
    layers: tuple[int, ...] = (64, 64)


@dataclass(frozen=True)
class Settings:
    env: str
    steps: int = 1000
    masked: bool = True
    order: Literal["forward", "backward"] = "forward"
    film: Path | None = None
    size: tuple[int, int] = (640, 360)
    names: list[str] = field(default_factory=list)
    weights: Mapping[str, float] = field(default_factory=dict)
    learner: Learner = field(default_factory=Learner)
    extra: Learner | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "house" / "alice"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    return folder


def picture(width: int = 64, height: int = 36, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# Run folders


def test_a_run_folder_is_named_after_what_is_run(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path, "segue/Montage-v0", "tiny run", 3, None)
    second = RunFolder.create(tmp_path, "segue/Montage-v0", "tiny run", 3, None)
    assert re.fullmatch(r"segue-Montage-v0__tiny-run__3__\d{8}T\d{6}Z", first.path.name)
    assert first.path != second.path
    assert first.path.parent == second.path.parent == tmp_path
    assert not list(first.path.iterdir())  # nothing before it is asked for
    for sub in (first.checkpoints,):
        assert sub.is_dir()
    assert sorted(p.name for p in first.path.iterdir()) == ["checkpoints"]


def test_runs_go_to_the_current_folder_unless_out_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert RunFolder.create(None, "env", "x", 0, None).path.parent == Path("runs")
    out = tmp_path / "deep" / "exactly-here"
    assert RunFolder.create(tmp_path, "env", "x", 0, out).path == out
    assert RunFolder.create(tmp_path, "env", "x", 0, out).path == out  # again


def test_a_place_that_cannot_be_written_to_is_said_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for out in (file, file / "run"):
        with pytest.raises(SegueError, match="choose") as caught:
            RunFolder.create(None, "env", "x", 0, out)
        assert str(out) in str(caught.value)
        assert "\n" not in str(caught.value)
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    (run.path / "checkpoints").write_text("")
    with pytest.raises(SegueError, match="checkpoints"):
        _ = run.checkpoints


def test_the_manifest_tells_how_it_was_made_but_not_by_whom(tmp_path: Path, home: Path) -> None:
    run = RunFolder.create(None, "env", "x", 7, tmp_path / "run")
    source = Source("film.mp4", "CC-BY-3.0", "Somebody", "ab" * 32)
    path = write_manifest(
        run,
        command=[f"{home}/bin/segue", "compose", "--film", f"{home}/film.mp4"],
        seed=7,
        config={
            "film": home / "film.mp4",
            "size": (640, 360),
            "deep": {"at": [f"x={home}"], "n": float("nan")},
        },
        sources=[source],
    )
    text = path.read_text()
    manifest = json.loads(text)
    assert manifest["command"] == ["segue", "compose", "--film", "~/film.mp4"]
    assert manifest["config"] == {
        "film": "~/film.mp4",
        "size": [640, 360],
        "deep": {"at": ["x=~"], "n": "nan"},
    }
    assert manifest["sources"] == [vars(source)]
    assert manifest["seed"] == 7
    assert manifest["time"].endswith("+00:00")
    assert {"numpy", "gymnasium", "torch"} <= set(manifest["libraries"])
    assert manifest["libraries"]["numpy"] == np.__version__
    assert "mypy" not in manifest["libraries"]  # of an extra
    assert str(home) not in text
    assert f'"{socket.gethostname()}"' not in text
    assert [p.name for p in run.path.iterdir()] == ["manifest.json"]


def test_only_the_home_folder_itself_is_hidden(home: Path) -> None:
    assert hide_home(f"{home}") == "~"
    assert hide_home(f"a {home}/b:{home}/c") == "a ~/b:~/c"
    assert hide_home(f"{home}-2/film") == f"{home}-2/film"
    assert hide_home(f"/mnt{home}/film") == f"/mnt{home}/film"
    assert command_line([]) == ["segue"]


# Settings


def test_settings_survive_the_way_through_yaml(tmp_path: Path, home: Path) -> None:
    settings = Settings(
        env="segue/Montage-v0",
        steps=5,
        masked=False,
        order="backward",
        film=home / "a b.mp4",
        size=(1, 2),
        names=["x", "no"],
        weights={"sync": np.float64(1.0)},
        learner=Learner(rate=1e-05, layers=()),
        extra=Learner(),
        options={"a": [1, {"b": None}]},
    )
    run = RunFolder(tmp_path)
    path = write_config(run, settings)
    assert read_config(run, Settings) == settings
    assert list(yaml.safe_load(path.read_text()))[:2] == ["env", "steps"]
    assert "~/a b.mp4" in path.read_text()
    assert str(home) not in path.read_text()
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["config.yaml"]


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("env: x\nweights: {sync: 2}\nlearner: {rate: 1e-3}\n")
    settings = load_yaml(path, Settings)
    assert settings == Settings("x", weights={"sync": 2.0}, learner=Learner(rate=0.001))
    assert isinstance(settings.weights["sync"], float)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("env: x\nstep: 3", r"'step'.*env, steps, masked"),
        ("steps: 3", r"lacks the field 'env'.*text"),
        ("env: 3", r"env is 3; give a text"),
        ("env: x\nsteps: 2.5", r"steps is 2.5; give a whole number"),
        ("env: x\nsteps: true", r"steps is True; give a whole number"),
        ("env: x\nmasked: 1", r"masked is 1; give true or false"),
        ("env: x\norder: sideways", r"order.*one of 'forward', 'backward'"),
        ("env: x\nsize: [1]", r"size is \[1\]; give a list of 2"),
        ("env: x\nsize: [1, a]", r"size\[1\] is 'a'; give a whole number"),
        ("env: x\nnames: abc", r"names is 'abc'; give a list \(each a text\)"),
        ("env: x\nweights: {sync: much}", r"weights.sync is 'much'; give a number"),
        ("env: x\nweights: {1: 2}", r"weights.*mapping"),
        ("env: x\nlearner: {lr: 1}", r"learner has an unknown field 'lr'.*rate, layers"),
        ("env: x\nextra: {lr: 1}", r"extra has an unknown field 'lr'"),
        ("env: x\nextra: 3", r"extra is 3; give a mapping or null"),
        ("env: x\nfilm: 3", r"film is 3; give a path or null"),
        ("env: x\nfilm: ~nobody-of-this-name/x", r"film is '~nobody.*give a path or null"),
        ("env: x\nlearner: {rate: nan}", r"learner: rate is 'nan'; give a number"),
        ("- 1", r"mapping"),
        ("env: [", r"not YAML in line 1"),
        ("env: !!python/object/apply:os.getcwd []", r"not YAML"),
        ("[" * 5000, r"not YAML"),
        ("#" * (MOST_BYTES + 1), r"larger"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(SegueError, match=said) as caught:
        load_yaml(path, Settings)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_settings_and_unwritable_values(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match=r"config\.yaml cannot be read"):
        read_config(RunFolder(tmp_path), Settings)
    with pytest.raises(TypeError, match="ndarray"):
        write_config(RunFolder(tmp_path), Settings("x", options={"a": np.zeros(2)}))
    assert not list(tmp_path.iterdir())


# Charts


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_learning_curve_names_its_curves_lines_and_axes() -> None:
    x = np.arange(30) * 1000
    lines = {"random": 0.1, "greedy": 0.5, "bound": 1.0, "optimum": 1.0}
    series = {"ppo": (x, x / 3e4), "q": (x, x / 4e4)}
    svg = learning_curve(series, "steps", "return", lines)
    assert {"ppo", "q", "steps", "return", *lines} <= set(texts(svg))
    assert svg == learning_curve(series, "steps", "return", lines)
    assert svg.count("prefers-color-scheme: dark") == 1
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", svg)
    # Two lines of one height: their names do not lie upon each other.
    nodes = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    heights = {"".join(node.itertext()): float(node.get("y", "nan")) for node in nodes}
    assert abs(heights["bound"] - heights["optimum"]) > 8


def test_term_bars_show_every_term_once_and_draw_its_sign() -> None:
    terms = {"ours": {"sync": 0.4, "jump_cut": -0.2}, "random": {"sync": 0.1, "order": 0.2}}
    found = texts(term_bars(terms))
    for name in ("sync", "jump cut", "order", "ours", "random"):
        assert found.count(name) == 1


def test_charts_leave_no_figure_behind() -> None:
    from matplotlib import pyplot

    learning_curve({"one": ([0, 1], [0, np.nan])}, "x", "y")
    term_bars({})
    assert pyplot.get_fignums() == []


# Reports


VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Checks that every tag is closed, and gathers what a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.script = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.script += data
        elif self.open and self.open[-1] != "style" and data.strip():
            self.texts.append(data)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        found = [attrs for name, attrs in self.tags if name == tag]
        return [attrs for attrs in found if kind in (attrs.get("class") or "").split() or not kind]


def full_report(folder: Path) -> Report:
    for name in ("the film #1.mp4", "tune.wav"):
        (folder / name).write_bytes(b"x" * 2000)
    cuts = [
        CutRow(1, 0.0, 2.0, "bbb 001", "none", "cut", picture(seed=1), {"sync": 0.2, "pace": -0.1}),
        CutRow(2, 2.0, 0.5, "bbb 007", "slow_motion", "wipe", picture(seed=2), {"sync": 0.1}),
    ]
    cuts[0].terms["legality"] = 0.0  # type: ignore[index]
    return Report(
        title="A title",
        lead="What came of it.",
        facts={"Seed": "0"},
        scores=[
            ScoreRow("ppo", 0.8, 0.7, 0.9, 0.91, "10 seeds"),
            ScoreRow("random", 0.1, 0.1, 0.1, None),
            ScoreRow("broken", float("nan"), 0.0, 0.0, None),
        ],
        curves=[("curve", learning_curve({"a": ([0, 1], [0, 1])}, "x", "y")), ("png", PNG)],
        pictures=[("strip", picture(3000, 40))],
        film=folder / "the film #1.mp4",
        tune=folder / "tune.wav",
        cuts=cuts,
        sources=[Source("film.mp4", "CC-BY-3.0", "Somebody", "ab" * 32)],
        command="segue compose --seed 0",
    )


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_report_holds_everything_but_its_media(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, full_report(tmp_path))
    text = path.read_text()
    page = Page(text)
    addresses = [
        address for _, attrs in page.tags for key in ("src", "href") if (address := attrs.get(key))
    ]
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    for address in addresses:
        if address.startswith("#"):
            assert address[1:] in ids
        elif not address.startswith("data:"):
            assert (tmp_path / unquote(address)).is_file()
    assert page.all("video")[0]["src"] == "the%20film%20%231.mp4"
    assert page.all("audio")[0]["src"] == "tune.wav"
    assert all("controls" in player for player in page.all("video") + page.all("audio"))
    assert all(image["alt"] for image in page.all("img"))
    assert not re.search(r"https?://", re.sub(r"data:[^\"')]*", "", text))
    assert "//" not in re.sub(r"data:[^\"')]*", "", "".join(re.findall(r"url\([^)]*\)", text)))
    assert [address[:18] for address in addresses if address.startswith("data:")] == [
        *("data:image/svg+xml", "data:image/png;bas", "data:image/png;bas")
    ]
    for said in ("A title", "What came of it.", "Seed", "CC-BY-3.0", "segue compose --seed 0"):
        assert said in page.texts
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_the_policy_of_a_report_lets_only_its_own_script_run(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, full_report(tmp_path))
    page = Page(path.read_text())
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert len(page.all("script")) == 1
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)


def test_cuts_are_shown_with_a_bar_for_each_term(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, full_report(tmp_path))
    page = Page(path.read_text())
    marks = [attrs for tag, attrs in page.tags if "data-start" in attrs]
    assert [m["data-start"] for m in marks] == ["0.000", "2.000"] * 2  # the strip and the table
    assert [m["data-end"] for m in marks] == ["2.000", "2.500"] * 2
    assert page.all("ol", "strip")[0]["data-total"] == "2.500"
    terms = page.all("td", "term")
    assert [t["data-term"] for t in terms] == ["sync", "pace"] * 3  # and the sums
    assert [t["class"] for t in terms[:2]] == ["term earn", "term cost"]
    assert [re.findall(r"--size:([\d.]+)", t["style"] or "")[0] for t in terms[:4]] == [
        *("1.000", "0.500", "0.500", "0.000")
    ]
    whole = " ".join(page.texts)
    assert "Nought throughout: legality." in whole
    for said in ("+0.200", "\N{MINUS SIGN}0.100", "slow motion", "wipe", "0:02.0"):
        assert said in whole
    assert "+0.300" in page.texts  # sync over the film
    images = re.findall(
        r"\.t\d\{background-image:url\(data:image/jpeg;base64,([^)]*)\)", path.read_text()
    )
    sizes = [Image.open(io.BytesIO(base64.b64decode(data))).size for data in images]
    assert sizes == [(64, 36)] * 2


def test_scores_are_drawn_on_one_scale(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, full_report(tmp_path))
    page = Page(path.read_text())
    dots = [
        float(re.findall(r"left:([\d.]+)%", d["style"] or "")[0]) for d in page.all("span", "dot")
    ]
    # From 0.0 (of the row without a mean) to 0.9.
    assert dots == pytest.approx([3 + 94 * 0.8 / 0.9, 3 + 94 * 0.1 / 0.9], abs=0.01)
    assert "91.0\u202f%" in page.texts


def test_no_text_of_a_report_becomes_markup(tmp_path: Path, home: Path) -> None:
    bad = f"</title><script>alert(1)</script>\"'&\x00\udcff {home}/x"
    report = Report(
        title=bad,
        lead=bad,
        facts={bad: bad},
        scores=[ScoreRow(bad, 0.0, 0.0, 0.0, 0.0, bad)],
        curves=[(bad, "<svg/>")],
        pictures=[(bad, picture())],
        film=tmp_path / "elsewhere" / "<b>.mp4",
        cuts=[CutRow(1, 0.0, 1.0, bad, bad, bad, picture(), {bad: 1.0})],
        sources=[Source(bad, bad, bad, bad)],
        command=bad,
    )
    path = tmp_path / "report.html"
    write_report(path, report)
    page = Page(path.read_text(encoding="utf-8"))
    assert len(page.all("script")) == 1
    assert "alert" not in page.script
    assert page.all("b") == [{}]  # the cut's number
    assert page.all("video") == []
    assert "<b>.mp4 does not lie beside this page." in page.texts
    assert sum("<script>alert(1)</script>" in text for text in page.texts) >= 14
    assert str(home) not in path.read_text()


def test_an_empty_report_is_a_page_too(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, Report("Nothing", ""))
    page = Page(path.read_text())
    assert page.texts == ["Nothing", "Nothing", "Written by segue."]
    assert page.all("section") == page.all("script") == []
    with pytest.raises(SegueError, match="does not exist"):
        write_report(tmp_path / "no" / "report.html", Report("Nothing", ""))


def test_media_below_the_page_are_played_and_others_only_named(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "artefacts").mkdir(parents=True)
    inside, outside = folder / "artefacts" / "a.mp4", tmp_path / "b.wav"
    inside.write_bytes(b"x")
    outside.write_bytes(b"x")
    write_report(folder / "r.html", Report("t", "", film=inside, tune=outside))
    page = Page((folder / "r.html").read_text())
    assert page.all("video")[0]["src"] == "artefacts/a.mp4"
    assert page.all("audio") == []
    assert str(tmp_path) not in (folder / "r.html").read_text()


def test_numbers_of_a_report() -> None:
    assert [clock(s) for s in (0, 59.96, 67.44, 600)] == ["0:00.0", "1:00.0", "1:07.4", "10:00.0"]
    assert number(-0.0001, sign=True) == "0.000"
    assert number(0.5, 1, sign=True) == "+0.5"
    assert number(float("inf")) == "\N{EN DASH}"


# Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_prints_a_line_a_stage_and_a_quarter(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("edit") as tell:
        for frame in range(101):
            tell(frame / 100, f"frame {frame} of 100")
        tell(2.0, "joining")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "edit: 0 % frame 0 of 100",
        "edit: 25 % frame 25 of 100",
        "edit: 50 % frame 50 of 100",
        "edit: 75 % frame 75 of 100",
        "edit: 100 % frame 100 of 100",
        "edit: 100 % joining",
    ]


def test_progress_draws_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    def work() -> None:
        with progress_bar("edit") as tell:
            tell(0.5, "half [/red] way")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        work()
    drawn = terminal.getvalue()
    assert "50 %" in drawn
    assert "half [/red] way" in drawn
    assert drawn.rstrip().endswith("\x1b[2K")  # wiped at the end


# Benchmarks


def test_contestants_run_in_turn_and_the_median_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now, order = [0.0], []

    def contestant(name: str, costs: list[float]) -> Callable[[int], None]:
        def steps(count: int) -> None:
            order.append(name)
            now[0] += count * (costs.pop() if costs else 1.0)

        return steps

    monkeypatch.setattr(bench_module.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(bench_module, "REPEATS", 3)
    calls = {
        "LeadSheet": contestant("LeadSheet", [50.0, 0.1, 0.1, 1.0, 1.0]),
        "Gymnasium CartPole": contestant("Gymnasium CartPole", []),
    }
    told: list[float] = []
    figures = bench_module._race("single", calls, 4, lambda share, text: told.append(share))
    assert figures["steps_per_second"] == {
        "LeadSheet": pytest.approx(40.0),
        "Gymnasium CartPole": pytest.approx(4.0),
    }
    assert figures["ratios"] == [
        {
            "of": "LeadSheet",
            "to": "Gymnasium CartPole",
            "least": 2.0,
            "measured": pytest.approx(10.0),
        }
    ]
    assert order[4:] == ["LeadSheet", "Gymnasium CartPole"] * 3
    assert told[-1] == 1.0


def test_every_environment_is_measured_and_a_missing_rival_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"ENVS": 4, "REPEATS": 1, "SECONDS": 0.001, "_POOL": 4}.items():
        monkeypatch.setattr(bench_module, name, value)
    monkeypatch.setitem(sys.modules, "envpool", None)
    figures = bench(["stepping"])
    shown = capsys.readouterr().out
    rates = figures["vector"]["steps_per_second"]
    assert rates.pop("EnvPool CartPole") is None
    own = {"Counterpoint", "Highlight", "LeadSheet", "Melody", "Montage", "Multicam"}
    assert set(rates) == own | {"Gymnasium CartPole"}
    assert all(
        rate > 0 for rate in (*rates.values(), *figures["single"]["steps_per_second"].values())
    )
    assert [ratio["measured"] is None for ratio in figures["vector"]["ratios"]] == [
        *(True, True, True, True, True, True, False, False)
    ]
    assert "not installed" in shown
    assert "4 environments at once" in shown
    assert "at least 20" in shown
    json.dumps(figures)


def test_rendering_is_shown_beside_ffmpeg(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    figures = {f"{w}_{k}": 2.0 for w in ("segue", "ffmpeg") for k in ("seconds", "frames", "bytes")}
    print_tables({"rendering": {**figures, "ratio": 1.25, "film_seconds": 28.0}}, Console())
    shown = capsys.readouterr().out
    assert "28.0 s" in shown
    assert "segue / ffmpeg: 1.25" in shown


def test_benchmarks_that_cannot_run_say_why(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="'renders'; choose from stepping, rendering, audio"):
        measure(["stepping", "renders"])
    film = tmp_path / "short.mp4"
    write_synthetic_film(film, shots=1, seconds_per_shot=(0.2, 0.2), size=(64, 36), sound=False)
    with pytest.raises(SegueError, match="shorter than a minute"):
        measure(["rendering"], film=film)
