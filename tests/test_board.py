"""The board of TensorBoard, read back from the file of events."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from board_events import TUNE, charts_in, hparams_of, loaded, steps_of, text_of
from PIL import Image

from segue.envs.base.errors import SegueError
from segue.experiments.board_charts import charts_of
from segue.experiments.board_hparams import NUMBERS, TEXTS, settings_of
from segue.experiments.tensorboard import (
    ANIMATION_FRAMES,
    ANIMATION_SIDE,
    PICTURE_SIDE,
    SOUND_RATE,
    SOUND_SECONDS,
    Board,
)


def picture(width: int = 64, height: int = 36, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# The board


def test_the_board_reads_back_as_written(tmp_path: Path) -> None:
    wave = np.sin(np.arange(2 * int(SOUND_SECONDS * 44_100)) / 20)[:, None] * [0.5, 0.5]
    soundfile.write(tmp_path / "tune.wav", wave, 44_100)
    frames = [picture(640, 360, seed) // 4 + 3 * seed for seed in range(ANIMATION_FRAMES + 2)]
    with Board(tmp_path / "run") as board:
        board.scalars(10, {"return": 0.5, "fraction_of_optimum": 0.4})
        board.terms(10, {"sync": 0.1, "pacing": -0.2})
        board.picture("timeline", picture(2 * PICTURE_SIDE, 50), 10)
        board.animation("film", frames, 10, fps=24)
        board.sound("tune", tmp_path / "tune.wav", 10)
        board.text("brief", "*calm*", 10)
        board.histogram("actions", np.array([3, 0, 4]), 10)
    events = loaded(tmp_path / "run")
    tags = events.Tags()
    assert set(tags["scalars"]) == {"return", "fraction_of_optimum", "reward/sync", "reward/pacing"}
    assert [(e.step, round(e.value, 6)) for e in events.Scalars("reward/pacing")] == [(10, -0.2)]
    assert tags["images"] == ["timeline", "film"]
    still, film = events.Images("timeline")[0], events.Images("film")[0]
    assert (still.width, still.height) == (PICTURE_SIDE, 25)
    assert Image.open(io.BytesIO(still.encoded_image_string)).size == (PICTURE_SIDE, 25)
    animation = Image.open(io.BytesIO(film.encoded_image_string))
    assert animation.format == "GIF"
    assert animation.size == (ANIMATION_SIDE, 180) == (film.width, film.height)
    assert animation.n_frames == ANIMATION_FRAMES // 2 + 1  # every second one
    assert animation.info["duration"] == 80  # of two pictures at 24 a second, in hundredths
    assert "loop" in animation.info
    (sound,) = events.Audio("tune")
    data, rate = soundfile.read(io.BytesIO(sound.encoded_audio_string))
    assert (rate, sound.sample_rate, data.ndim) == (SOUND_RATE, SOUND_RATE, 1)
    assert len(data) == sound.length_frames == round(SOUND_SECONDS * SOUND_RATE)
    assert np.abs(data).max() == pytest.approx(0.5, abs=0.01)
    assert text_of(events, "brief") == "*calm*"
    (taken,) = events.Histograms("actions")
    counts = dict(
        zip(
            taken.histogram_value.bucket_limit,
            taken.histogram_value.bucket,
            strict=True,
        )
    )
    assert {limit: count for limit, count in counts.items() if count} == {0.5: 3, 2.5: 4}
    assert (taken.histogram_value.num, taken.histogram_value.sum) == (7, 8)


def test_the_layout_shows_return_first_and_each_tag_on_its_chart(tmp_path: Path) -> None:
    with Board(tmp_path, charts=charts_of("ppo", imitates=True)):
        pass
    tags = ["return", "return/greedy", "fraction_of_optimum", "reward/sync", "reward/pacing"]
    tags += [f"agent/train/{name}" for name in ("loss", "value_loss", "entropy_loss", "approx_kl")]
    tags += ["imitation/loss", "imitation/agreement/cuts", "returns", "final/test_return"]
    shown = [
        [tag for tag in tags if re.match(chart, tag)] for chart in charts_in(tmp_path).values()
    ]
    assert shown == [tags[:2], tags[2:3], tags[3:5], tags[5:7], *([tag] for tag in tags[7:11])]


@pytest.mark.parametrize("other", ["dqn", "q-learning", "gail", "bc", "their-own"])
def test_charts_of_a_title_are_the_same_for_all_agents(other: str) -> None:
    one, two = charts_of("ppo", True), charts_of(other, True)
    assert all(one[title] == two[title] for title in one.keys() & two.keys())


def test_a_resumed_run_writes_over_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    def write(board: Board, step: int, shade: int) -> None:
        board.scalars(step, {"return": shade})
        board.picture("picture", np.full((4, 4, 3), shade, np.uint8), step)
        board.wave("sound", np.zeros((100, 1), np.float32), SOUND_RATE, step)
        board.histogram("actions", np.array([shade]), step)
        board.text("text", str(shade), step)

    with Board(tmp_path) as board:
        for step in range(6):
            write(board, step, 1)
    # TensorBoard reads the files of a folder in order of their names, which count seconds.
    time.sleep(1.1)
    with Board(tmp_path, purge_step=3) as board:
        for step in range(3, 6):
            write(board, step, 2)
    found = steps_of(tmp_path)
    assert found.pop("custom_scalars__config__") == [0]
    assert set(found) == {"return", "picture", "sound", "actions", "text/text_summary"}
    assert found == {tag: list(range(6)) for tag in found}
    assert [e.value for e in loaded(tmp_path).Scalars("return")] == [1, 1, 1, 2, 2, 2]


def test_the_board_says_what_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no sound")
    with Board(tmp_path / "run") as board:
        with pytest.raises(SegueError, match="sound"):
            board.sound("x", tmp_path / "file", 0)
        with pytest.raises(SegueError, match="missing"):
            board.sound("x", tmp_path / "missing", 0)
        with pytest.raises(ValueError, match="frames"):
            board.animation("x", [], 0, 10)
        with pytest.raises(ValueError, match="'rate'"):
            board.hparams({"env": "x", "rate": 0.1})
    with pytest.raises(SegueError, match="file"):
        Board(tmp_path / "file")


def test_pictures_and_sound_end_when_the_events_have_grown_and_curves_go_on(tmp_path: Path) -> None:
    most = 200_000
    for begun in (0, 100):  # Also when another process goes on.
        with Board(tmp_path, purge_step=begun and begun + 1, media_bytes=most) as board:
            for step in range(begun + 1, begun + 101):
                board.scalars(step, {"return": 0.0})
                board.picture("noise", picture(64, 64, step), step)
                board.wave("sound", np.zeros((500, 1), np.float32), SOUND_RATE, step)
        time.sleep(1.1 if not begun else 0.0)
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert 0.8 * most < size < most + 30_000
    found = steps_of(tmp_path)
    assert found["return"] == list(range(1, 201))
    assert 5 < len(found["noise"]) < 20
    assert found["noise"] == list(range(1, len(found["noise"]) + 1))
    assert len(found["run/media/text_summary"]) == 2  # Once a process.
    assert "end at step 101" in text_of(loaded(tmp_path), "run/media")


def test_long_curves_are_thinned(tmp_path: Path) -> None:
    with Board(tmp_path) as board:
        for step in range(0, 100, 3):
            board.scalars(step, {"thin": step, "other": step}, every=10)
            board.scalars(step, {"full": step})
    found = steps_of(tmp_path)
    assert found["thin"] == found["other"] == list(range(0, 100, 12))
    assert found["full"] == list(range(0, 100, 3))


def test_all_runs_have_the_same_columns_of_hyperparameters(tmp_path: Path) -> None:
    class Learner:
        gamma, alpha, learning_rate = 0.9, 0.5, None

    runs: dict[str, tuple[Mapping[str, Any], object]] = {
        "a": (vars(TUNE), object()),
        "b": ({"env": "x", "agent": "y", "hyperparameters": {"learning_rate": "lin_1"}}, object()),
        "c": ({"env": "x", "agent": "z", "env_options": {}, "hyperparameters": {}}, Learner()),
    }
    columns, rows = [], {}
    for name, (config, learner) in runs.items():
        with Board(tmp_path / name) as board:
            board.hparams(settings_of(config, learner))
            board.results({"final/test_return": 1.0}, 7)
        assert len(list((tmp_path / name).iterdir())) == 1  # They make no second run.
        events = loaded(tmp_path / name)
        columns.append(hparams_of(events, "experiment").experiment)
        rows[name] = hparams_of(events, "session_start_info").session_start_info.hparams
        assert hparams_of(events, "session_end_info").session_end_info.status == 1  # success
    assert all(one == columns[0] for one in columns)
    assert [info.name for info in columns[0].hparam_infos] == [*TEXTS, *NUMBERS]
    # The page orders them so, and shows the first five.
    infos = sorted(columns[0].hparam_infos, key=lambda info: (not info.differs, info.name))
    assert [info.name for info in infos[:5]] == ["agent", "env", "learning_rate", "seed", "steps"]
    assert columns[0].metric_infos[0].name.tag == "final/test_return"
    assert rows["a"]["n_steps"].number_value == 64
    assert rows["a"]["env_options"].string_value == "pieces=2, bars=2"
    assert "learning_rate" not in rows["b"]
    assert rows["c"]["learning_rate"].number_value == 0.5
    assert (rows["c"]["gamma"].number_value, rows["c"]["env_options"].string_value) == (0.9, "-")


def test_a_falling_learning_rate_is_shown_by_its_beginning() -> None:
    falling = {**vars(TUNE), "hyperparameters": {"learning_rate": [0.1, 0]}}
    assert settings_of(falling, object())["learning_rate"] == 0.1
