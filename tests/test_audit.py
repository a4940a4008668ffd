"""Audits of melody rewards: what they find, what is held out, and the command."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from segue.envs.base.cache import CACHE_VARIABLE
from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet.env import LeadSheet, LeadSheetEnv
from segue.envs.lead_sheet.generator import piece_from_changes
from segue.envs.melody.corpus_prior import windows_of
from segue.envs.melody.ngram_fit import fit_ngram
from segue.envs.music.changes import parse_changes
from segue.envs.music.corpus import library
from segue.envs.music.corpus.defaults import default_files
from segue.envs.music.corpus.reading import read_tunes
from segue.envs.music.corpus.types import CorpusTune
from segue.envs.music.metre import COMMON_TIME
from segue.experiments import audit_subjects, cli
from segue.experiments.audit import TARGETS, WHOLE, Audit, Part, Rate, Subject, audit, score
from segue.experiments.audit_rivals import (
    MAKERS,
    N_GRAM,
    RANDOM,
    REPEATED,
    RIVALS,
    SCALE,
    Lines,
    Passages,
)
from segue.experiments.audit_subjects import (
    LEAD_SHEET,
    NoPassagesError,
    build,
    chord_passages,
    held_out,
)
from segue.experiments.audit_tables import audit_lines
from segue.rewards.base import FloatArray, WeightedSum
from segue.rewards.melody import ONSET, NoteView

ODE = "E2E2F2G2|G2F2E2D2|C2C2D2E2|E3DD4|E2E2F2G2|G2F2E2D2|C2C2D2E2|D3CC4|"
ODE_CHORDS = (
    '"C"E2E2F2G2|"G7"G2F2E2D2|"C"C2C2D2E2|"G7"E3DD4|'
    '"C"E2E2F2G2|"G7"G2F2E2D2|"C"C2C2D2E2|"G7"D3C"C"C4|'
)


@dataclass(frozen=True)
class PayOnsets:
    """A bad reward: every onset is worth one."""

    name: ClassVar[str] = "onsets"
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def __call__(self, view: NoteView) -> FloatArray:
        return np.where(view.kind == ONSET, 1.0, 0.0)


# --- audits ------------------------------------------------------------------------------------


def subject_of(lines: Lines, reward: WeightedSum[NoteView] | None = None) -> Subject:
    piece = piece_from_changes(parse_changes("C G7 | C", COMMON_TIME), 0, "major", COMMON_TIME, 8)
    task = LeadSheet(pieces=[piece], **({"reward": reward} if reward else {}))  # type: ignore[arg-type]
    count = len(lines)
    c_major = np.isin(np.arange(25) % 12, [0, 2, 4, 5, 7, 9, 11])
    passages = Passages(
        lines, np.broadcast_to(c_major, (count, 25)), np.zeros(count, dtype=np.int64)
    )
    return Subject("test", (Part(task, passages, np.zeros(count, np.uint64), np.arange(count)),))


def test_score_is_what_the_environment_pays() -> None:
    generator = np.random.default_rng(0)
    lines = generator.integers(0, 27, (5, 64))
    lines[generator.random(lines.shape) < 0.5] = 1
    part = subject_of(lines).parts[0]
    assert isinstance(part.task, LeadSheet)
    total = score(part.task, lines, part.draws)
    env = LeadSheetEnv(pieces=part.task.bank.pieces)
    for number, line in enumerate(lines):
        env.reset(seed=0)
        steps = [env.step(int(action)) for action in line]
        assert steps[-1][2]
        assert total[0, number] == pytest.approx(sum(float(step[1]) for step in steps))
        for row, name in enumerate(part.task.term_names, 1):
            paid = sum(step[4]["reward_terms"][name] for step in steps)
            assert total[row, number] == pytest.approx(paid)


def line_of(count: int) -> Lines:
    """So many repetitions of one note."""
    line = np.ones((1, 64), dtype=np.int64)
    line[0, : 2 * count : 2] = 2 + 12
    return line


def test_a_reward_that_pays_for_onsets_is_found_out() -> None:
    (tune,) = read_ode()
    lines = np.stack([line for _, line in chord_passages(tune)])
    found = audit(subject_of(lines, WeightedSum(((PayOnsets(), 1.0),))))
    for kind in (RANDOM, REPEATED, SCALE):
        assert found.rates[WHOLE][kind].share == 0.0
    assert np.isnan(found.rates[WHOLE]["shuffled"].share), "the same onsets"
    assert set(found.missed) == set(TARGETS)
    assert list(found.rates[WHOLE]) == list(TARGETS), "no model writes over chords"
    assert audit(subject_of(lines)).missed == ()


@pytest.mark.parametrize(("count", "rate"), [(7, Rate(1, 0, 0, 1)), (8, Rate(0, 0, 1, 0))])
def test_short_lines_are_not_set_against_their_own_rhythm(count: int, rate: Rate) -> None:
    # Paid for silence, the line beats even notes; in its own rhythm an exploit is as good.
    found = audit(subject_of(line_of(count), WeightedSum(((PayOnsets(), -1.0),))))
    assert found.rates[WHOLE][REPEATED] == rate


def test_of_a_kind_each_rival_must_be_beaten() -> None:
    # More onsets than even notes of two steps, fewer than those of one.
    lines = np.full((1, 64), 2 + 12)
    lines[0, ::3] = 1
    found = audit(subject_of(lines, WeightedSum(((PayOnsets(), 1.0),))))
    assert found.rates[WHOLE][REPEATED] == Rate(0, 1, 0, 1)


def test_parts_are_put_together_term_by_term() -> None:
    (tune,) = read_ode()
    lines = np.stack([line for _, line in chord_passages(tune)])
    one, other = subject_of(lines), subject_of(np.roll(lines, 3, axis=1))
    both = audit(Subject("both", (*one.parts, *other.parts)))
    assert both.lines == 2
    for term, mean in both.means.items():
        assert mean == pytest.approx((audit(one).means[term] + audit(other).means[term]) / 2)


def test_the_reward_of_lead_sheets_passes_on_chorales() -> None:
    tunes = [tune for path in default_files("bach")[:80] for tune in read_tunes(path)]
    found = audit(build(LEAD_SHEET, tunes, None, np.random.default_rng(0)), seed=1)
    assert found.lines > 60
    assert found.missed == ()
    assert "passes" in audit_lines([found])[0]


# --- passages ----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))


def abc(body: str, key: str = "C") -> str:
    return f"X:1\nT:Ode\nM:4/4\nL:1/8\nK:{key}\n{body}\n"


def read_ode(body: str = ODE_CHORDS, key: str = "C") -> tuple[CorpusTune, ...]:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "ode.abc"
        path.write_text(abc(body, key))
        return read_tunes(path)


def test_passages_over_chords() -> None:
    assert chord_passages(read_ode(ODE)[0]) == []
    found = chord_passages(read_ode(ODE_CHORDS * 2 + '"C"C8|')[0])
    assert len(found) == 2
    for piece, line in found:
        assert (piece.bars, len(line)) == (8, 64)
        # Moved into the middle of the range, with its chords.
        assert [chord.chord.symbol for chord in piece.chords][:3] == ["A", "E7", "A"]
        assert (piece.tonic, piece.mode) == (9, "major")
        assert ((line >= 2).sum(), line[0] - line[-4]) == (30, 4)


def test_what_cannot_be_played_is_left_out() -> None:
    strange = ODE_CHORDS.replace("F", "^F")
    assert build(LEAD_SHEET, read_ode(), None, np.random.default_rng(0)).left_out == 0
    both = [*read_ode(), *read_ode(strange)]
    subject = build(LEAD_SHEET, both, None, np.random.default_rng(0))
    assert (subject.left_out, [part.tunes.tolist() for part in subject.parts]) == (1, [[0]])
    with pytest.raises(NoPassagesError, match="keeps to key and chords"):
        build(LEAD_SHEET, both[1:], None, np.random.default_rng(0))


def test_presets_need_their_material() -> None:
    with pytest.raises(NoPassagesError, match="with chords"):
        build(LEAD_SHEET, read_ode(ODE), None, np.random.default_rng(0))
    with pytest.raises(NoPassagesError, match="major key"):
        build("rl-tuner-rules", read_ode(key="Am"), None, np.random.default_rng(0))
    subject = build("rl-tuner-rules", read_ode(), 3, np.random.default_rng(0))
    assert subject.parts[0].passages.lines.shape == (3, 32)


# --- what is held out, and the command ---------------------------------------------------------


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def small_corpora(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[Path, ...]]:
    """Up to forty small files of each default collection instead of all, read once."""

    def few(name: str) -> tuple[Path, ...]:
        paths = default_files(name)
        return tuple(p for p in paths if p.stat().st_size < 6000)[:40] or paths[:1]

    monkeypatch.setattr(library, "default_files", few)
    # The prior of the real corpora would be kept for all that runs later.
    prior = fit_ngram(windows_of(read_ode()))
    monkeypatch.setattr(audit_subjects, "corpus_prior", lambda: prior)
    monkeypatch.setenv(CACHE_VARIABLE, str(shared))
    return few


def test_only_unseen_tunes_are_held_out(
    tmp_path: Path, small_corpora: Callable[[str], tuple[Path, ...]]
) -> None:
    default = library.load_corpus()
    assert held_out(None) == list(default.split("test"))
    chorales = [tune for tune in default.split("test") if tune.source.startswith("bach/")]
    assert held_out(["bach"]) == chorales
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "ode.abc").write_text(abc(ODE))
    trained = next(t for t in default.split("train") if t.source.startswith("ryansMammoth/"))
    name = trained.source.partition("/")[2].partition(":")[0]
    (path,) = (p for p in small_corpora("ryansMammoth") if p.name == Path(name).name)
    shutil.copy(path, folder / "seen.abc")
    library.add_folder(folder)
    assert [tune.title for tune in held_out(["mine"])] == ["Ode"]
    shutil.rmtree(folder)
    folder.mkdir()
    shutil.copy(path, folder / "seen.abc")
    library.add_folder(folder)
    with pytest.raises(SegueError, match="No tune of mine is held out"):
        held_out(["mine"])


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["segue", "audit", "melody", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


@pytest.mark.usefixtures("small_corpora")
def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "ode.abc").write_text(abc(ODE_CHORDS))
    library.add_folder(folder, licence="CC0-1.0")
    out = tmp_path / "out"
    presets = ("--preset", "rl-tuner-rules", "--preset", "lead-sheet")
    assert run(monkeypatch, *presets, "--corpus", "mine", "--out", str(out), "--json") == 0
    said = capsys.readouterr()
    record = json.loads(said.out)
    assert [one["preset"] for one in record["presets"]] == ["rl-tuner-rules", "lead-sheet"]
    rules, sheet = record["presets"]
    assert (rules["lines"], sheet["lines"], sheet["tunes"]) == (7, 1, 1)
    assert sheet["rates"][WHOLE][RANDOM]["share"] == 1.0
    assert list(rules["rates"]["key"]) == list(RIVALS)
    assert list(sheet["rates"]["harmony"]) == list(TARGETS)
    assert sheet["rates"]["contour"][RANDOM]["share"] is None
    assert sheet["missed"] == []
    assert json.loads((out / "audit.json").read_text()) == record["presets"]
    assert "| **whole reward** | 100.0" in (out / "audit.md").read_text()
    for one in ("rl-tuner-rules", "lead-sheet"):
        assert (out / f"audit-{one}.svg").read_text().count("whole reward") == 1
        assert ("n-gram" in (out / f"audit-{one}.svg").read_text()) == (one != "lead-sheet")
    sources = json.loads((out / "manifest.json").read_text())["sources"]
    assert ("collection mine, 1 tunes held out", "CC0-1.0") in [
        (source["name"], source["licence"]) for source in sources
    ]
    assert "audit" in said.err


@pytest.mark.usefixtures("small_corpora")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "mozart"), "'mozart'; choose one of segue, segue-judged, rl-tuner"),
        (("--windows", "0"), "windows is 0"),
        (("--seed", "-1"), "seed is -1"),
        (("--corpus", "nothing"), "no collection 'nothing'"),
        (("--preset", "lead-sheet", "--corpus", "airdsAirs"), "with chords"),
        (("--preset", "lead-sheet", "--windows", "many"), "valid integer"),
    ],
)
def test_bad_input_is_told(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_the_makers_are_those_of_the_table() -> None:
    assert {RANDOM, *(maker.kind for maker in MAKERS), N_GRAM} == set(RIVALS)
    assert Audit("x", 0, 0, 0, {}, {WHOLE: dict.fromkeys(RIVALS, Rate(0, 0, 1, 0))}).missed
