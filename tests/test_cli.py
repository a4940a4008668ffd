"""The command line as a user meets it: wrong input, help, run folders, interruption."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segue.envs.film.synthetic import write_synthetic_film
from segue.envs.music.audio import default_soundfont, write_audio
from segue.envs.music.chords import Chord
from segue.envs.music.metre import Metre
from segue.envs.music.tune import ChordSpan, Note, Tune
from segue.experiments.cli import main

SEGUE = [sys.executable, "-m", "segue.experiments.cli"]
VERBS = ("compose", "edit", "train", "evaluate", "envs", "demo", "bench")


@pytest.fixture
def inside(monkeypatch, capsys):
    """Run the command line in this process, which has the libraries loaded already."""

    def run(*arguments, cwd, **environment):
        monkeypatch.chdir(cwd)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["segue", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def one_sentence(stderr):
    """Last line of stderr, after making sure that there is no traceback."""
    assert "Traceback" not in stderr, stderr
    lines = [line for line in stderr.splitlines() if line.startswith("segue: ")]
    assert len(lines) == 1, stderr
    assert lines[0].rstrip().endswith("."), lines[0]
    return lines[0]


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """A film, a silent film, a film of one frame, a tune and a text named as a film."""
    folder = tmp_path_factory.mktemp("media")
    write_synthetic_film(folder / "film.mp4", shots=24, size=(160, 90))
    write_synthetic_film(folder / "short.mp4", shots=2, size=(160, 90))
    write_synthetic_film(folder / "silent.mp4", shots=24, size=(160, 90), sound=False)
    with av.open(str(folder / "one.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        picture = np.zeros((90, 160, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    chords = tuple(ChordSpan(4.0 * bar, 4.0, Chord(0, "maj")) for bar in range(8))
    notes = tuple(Note(float(beat), 1.0, 60 + beat % 8) for beat in range(32))
    write_audio(
        Tune("Scale", 0, "major", 120.0, Metre(4, 4), 8, "hopeful", notes, chords),
        folder / "tune.wav",
    )
    (folder / "text.mp4").write_text("this is not a film\n")
    return folder


WRONG = (
    (("edit", "missing.mp4", "--music", "tune.wav"), "missing.mp4"),
    (("edit", "text.mp4", "--music", "tune.wav"), "text.mp4"),
    (("edit", "one.mp4", "--music", "tune.wav"), "one.mp4"),
    (("edit", "silent.mp4"), "silent.mp4 has no sound"),
    (("edit", "film.mp4", "--music", "silent.mp4"), "silent.mp4 has no sound"),
    (("edit", "film.mp4", "--music", "missing.wav"), "missing.wav"),
    (("edit", "short.mp4", "--music", "tune.wav"), "give more footage"),
    (("edit", "film.mp4", "--music", "tune.wav", "--length", "-3"), "length"),
    (("compose", "--mood", "grumpy"), "grumpy"),
    (("compose", "--bars", "0"), "bars"),
    (("compose", "--bars", "many"), "--bars"),
    (("compose", "--seed", "-1"), "seed"),
    (("train", "segue/Nothing-v0"), "segue/Nothing-v0"),
    (("train", "no_such_module:Thing-v0"), "no_such_module:Thing-v0"),
    (("train", "segue/Montage-v0", "--agent", "sarsa"), "sarsa"),
    (("train", "segue/Montage-v0", "--agent", "q-learning"), "segue/Montage-v0"),
    (("train", "segue/Montage-v0", "--steps", "0"), "steps"),
    (("train",), "no environment"),
    (("train", "--resume", "nowhere"), "nowhere"),
    (("evaluate", "nowhere"), "nowhere"),
    (("nonsense",), "nonsense"),
    (
        ("bench", "nonsense"),
        "'nonsense'; choose from stepping, rendering, audio, analysis, training, attention, ",
    ),
    (("bench", "montage", "--set", "seeds=0"), "seeds of the table is 0"),
)


@pytest.mark.parametrize(("arguments", "named"), WRONG, ids=lambda value: str(value)[:60])
def test_wrong_input_is_one_sentence_and_code_2(arguments, named, media, tmp_path, inside):
    given = [media / part if (media / part).exists() else part for part in arguments]
    no_folder = arguments[0] in ("evaluate", "nonsense", "bench") or "--resume" in arguments
    extra = () if no_folder else ("--out", tmp_path / "out")
    code, out, err = inside(*given, *extra, cwd=tmp_path, SEGUE_CACHE=str(media / "cache"))
    assert code == 2, err
    assert named in one_sentence(err)
    assert out == ""
    assert list(tmp_path.iterdir()) == []


ARTEFACTS = (".mp4", ".wav", ".mid", ".otio", ".edl", ".html", ".png", ".musicxml")


def test_wrong_input_in_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [*SEGUE, "compose", "--mood", "grumpy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "grumpy" in one_sentence(done.stderr)


def test_unwritable_folder(media, tmp_path, inside):
    (tmp_path / "file").write_text("in the way")
    code, _, err = inside("compose", "--bars", 2, "--out", tmp_path / "file" / "out", cwd=tmp_path)
    assert code == 2
    assert "file" in one_sentence(err)


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example(verb, tmp_path, inside):
    code, out, err = inside(verb, "--help", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert f"segue {verb}" in out.split("Example:")[1]


def test_compose_writes_its_files_and_reaches_the_optimum(tmp_path, inside):
    out, soundfont = tmp_path / "out", tmp_path / "own.sf2"
    shutil.copy(default_soundfont(), soundfont)
    options = ("--bars", 4, "--seed", 3, "--soundfont", soundfont, "--out", out, "--json")
    code, said, _ = inside("compose", *options, cwd=tmp_path)
    assert code == 0
    record = json.loads(said.splitlines()[-1])
    assert record["fraction_of_optimum"] == pytest.approx(1.0, abs=1e-9)
    assert record["greedy"] <= record["mean_return"]
    assert record["steps"] > 0
    assert record["seconds"] > 0
    names = (
        *("tune.mid", "tune.musicxml", "tune.wav", "tune.flac"),
        *("score.png", "score.svg", "piano_roll.png", "piano_roll.gif"),
    )
    assert record["files"] == {name: str(out / name) for name in names}
    for name in (*names, "manifest.json"):
        assert (out / name).stat().st_size > 0
    digest = hashlib.sha256(soundfont.read_bytes()).hexdigest()
    (source,) = json.loads((out / "manifest.json").read_text())["sources"]
    assert source == {
        **{"name": "own.sf2", "licence": "LicenseRef-user", "attribution": "", "digest": digest}
    }
    events = EventAccumulator(str(out)).Reload()
    curve = [event.value for event in events.Scalars("return/tune")]
    assert len(curve) > 3
    assert curve[0] < curve[-1] <= record["mean_return"]
    assert events.Scalars("return/tune")[-1].step == record["steps"]
    assert events.Scalars("fraction_of_optimum/tune")[-1].value == pytest.approx(1.0)
    terms = [tag for tag in events.Tags()["scalars"] if tag.startswith("reward/tune/")]
    last = sum(events.Scalars(tag)[-1].value for tag in terms)
    assert last == pytest.approx(record["mean_return"], abs=1e-3)
    assert events.Images("tune/piano_roll")
    (playing,) = events.Images("tune/playing")
    assert playing.encoded_image_string == (out / "piano_roll.gif").read_bytes()
    assert events.Audio("tune/sound")


def test_a_file_that_is_no_soundfont_is_said_before_anything_is_made(media, tmp_path, inside):
    out = tmp_path / "out"
    for name, said in (("text.mp4", "no soundfont"), ("missing.sf2", "Cannot read")):
        code, _, err = inside("compose", "--soundfont", media / name, "--out", out, cwd=tmp_path)
        assert code == 2
        assert name in one_sentence(err)
        assert said in err
        assert "composing" not in err
    assert not out.exists()


def test_train_resume_and_evaluate_agree(tmp_path, inside):
    out = tmp_path / "run"
    start = ("train", "segue/LeadSheet-v0", "--agent", "q-learning", "--steps", 200_000)
    code, said, _ = inside(*start, "--out", out, "--json", cwd=tmp_path)
    assert code == 0
    first = json.loads(said.splitlines()[-1])
    assert first["run"] == str(out)
    code, _, err = inside(*start, "--out", out, cwd=tmp_path)
    assert code == 2
    assert "holds a run already" in one_sentence(err)
    code, said, _ = inside("train", "--resume", out, "--steps", 400_000, "--json", cwd=tmp_path)
    assert code == 0
    second = json.loads(said.splitlines()[-1])
    assert second["steps"] > first["steps"]
    code, said, _ = inside("evaluate", out, "--json", cwd=tmp_path)
    assert code == 0
    assert json.loads(said.splitlines()[-1])["mean_return"] == second["mean_return"]


def test_a_resumed_deep_run_equals_an_uninterrupted_one(tmp_path, inside):
    start = ("train", "segue/LeadSheet-v0", "--agent", "maskable-ppo", "--seed", 1, "--json")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    code, said, _ = inside(*start, "--steps", 8192, "--out", whole, cwd=tmp_path)
    assert code == 0
    wanted = json.loads(said.splitlines()[-1])
    assert inside(*start, "--steps", 4096, "--out", parts, cwd=tmp_path)[0] == 0
    resume = ("train", "--resume", parts, "--steps", 8192, "--json")
    code, said, _ = inside(*resume, cwd=tmp_path)
    assert code == 0
    assert json.loads(said.splitlines()[-1])["mean_return"] == wanted["mean_return"]


def test_edit_cuts_a_film_of_the_asked_length(media, tmp_path, inside):
    out = tmp_path / "out"
    options = ("--length", 12, "--steps", 2048, "--out", out, "--json")
    code, said, err = inside(
        "edit",
        media / "film.mp4",
        "--music",
        media / "tune.wav",
        *options,
        cwd=tmp_path,
        SEGUE_CACHE=str(media / "cache"),
    )
    assert code == 0, err
    record = json.loads(said.splitlines()[-1])
    assert 11.0 < record["length"] <= 12.0
    with av.open(str(out / "film.mp4")) as film:
        frames = sum(1 for _ in film.decode(video=0))
        assert film.streams.audio
    assert frames == record["frames"]
    timelines = ("timeline.otio", "timeline.edl", "timeline.fcpxml", "timeline.xml")
    for name in (*timelines, "report.html", "manifest.json", "config.yaml"):
        assert (out / name).stat().st_size > 0


def test_interruption_ends_with_130_and_leaves_no_process_or_half_file(media, tmp_path):
    out = tmp_path / "out"
    command = [*SEGUE, "edit", str(media / "film.mp4"), "--music", str(media / "tune.wav")]
    process = subprocess.Popen(
        [*command, "--steps", "10000000", "--out", str(out)],
        cwd=tmp_path,
        env=os.environ | {"SEGUE_CACHE": str(media / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(out.glob("events*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "interrupted" in one_sentence(err)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    left = [path for path in out.rglob("*") if path.is_file() and path.suffix in ARTEFACTS]
    assert left == []
