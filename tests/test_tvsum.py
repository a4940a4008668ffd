"""Annotations, keyshot data sets and outputs: read, refused, and evaluated from end to end."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from segue.envs.base import hdf5_gate
from segue.envs.base.errors import SegueError
from segue.envs.highlight.annotations import read_keyshots, read_outputs, read_tvsum
from segue.envs.highlight.env import HighlightEnv
from segue.envs.highlight.evaluation import f_scores, keyshots, pooled_f
from segue.experiments import summary_table
from segue.experiments.summary_table import SummaryFiles, measure_summaries, summary_markdown

RATE, ANNOTATORS = 25.0, 4
FRAMES = (900, 620, 1210)
BOUNDS = tuple(
    np.array([0, *range(40, frames - 50, 70), frames], dtype=np.int64) for frames in FRAMES
)


def curve(generator: np.random.Generator, frames: int) -> npt.NDArray[np.float64]:
    """A score from 1 to 5 for each clip of 50 frames."""
    clips = generator.integers(1, 6, -(-frames // 50)).astype(np.float64)
    return np.repeat(clips, 50)[:frames]


def scores_of(index: int) -> npt.NDArray[np.float64]:
    generator = np.random.default_rng(index)
    return np.stack([curve(generator, FRAMES[index]) for _ in range(ANNOTATORS)])


def write_tvsum(path: Path) -> Path:
    """Lay videos out as MATLAB 7.3 does: a struct array whose cells are references."""
    with h5py.File(path, "w") as file:
        cells, root = file.create_group("#refs#"), file.create_group("tvsum50")
        columns: dict[str, list[Any]] = {}
        for index, frames in enumerate(FRAMES):
            for key, value in {
                "video": [[ord(letter)] for letter in f"name-{index}"],
                "category": [[ord(letter)] for letter in "VT"],
                "length": [[frames / RATE]],
                "user_anno": scores_of(index),
            }.items():
                data = np.asarray(value, np.uint16 if key in ("video", "category") else np.float64)
                columns.setdefault(key, []).append(cells.create_dataset(f"{key}{index}", data=data))
        for key, targets in columns.items():
            refs = root.create_dataset(key, (len(targets), 1), dtype=h5py.ref_dtype)
            for index, target in enumerate(targets):
                refs[index, 0] = target.ref
    return path


def write_keyshots(path: Path, with_summaries: bool = True) -> Path:
    with h5py.File(path, "w") as file:
        for index, bounds in enumerate(BOUNDS):
            group = file.create_group(f"video_{index + 1}")
            points = np.stack((bounds[:-1], bounds[1:] - 1), axis=1)
            group["change_points"], group["n_frames"] = points.astype(np.int32), FRAMES[index]
            if with_summaries:
                kept = [keyshots(one, bounds) for one in scores_of(index)]
                group["user_summary"] = np.stack(kept).astype(np.float32)
    return path


def write_outputs(path: Path, videos: tuple[int, ...]) -> Path:
    """Store a method's outputs and F-scores over the shots of `BOUNDS`."""
    with h5py.File(path, "w") as file:
        for index in videos:
            group, frames = file.create_group(f"video_{index + 1}"), FRAMES[index]
            score = np.random.default_rng(index + 50).random(-(-frames // 15)).astype(np.float32)
            summary = keyshots(np.repeat(score.astype(float), 15)[:frames], BOUNDS[index])
            people = np.stack([keyshots(one, BOUNDS[index]) for one in scores_of(index)])
            group["score"], group["gtscore"] = score, score
            group["machine_summary"] = summary.astype(np.float32)
            overlap = (people & summary).sum(axis=1)
            group["fm"] = f_scores(summary, people).mean()
            group["precision"] = (overlap / (summary.sum() + 1e-8)).mean()
            group["recall"] = (overlap / (people.sum(axis=1) + 1e-8)).mean()
    return path


@pytest.fixture
def files(tmp_path: Path) -> SummaryFiles:
    outputs = (
        write_outputs(tmp_path / "split0.h5", (0, 1)),
        write_outputs(tmp_path / "split1.h5", (2,)),
    )
    keyshots_file = write_keyshots(tmp_path / "keyshots.h5")
    return SummaryFiles(write_tvsum(tmp_path / "annotations.mat"), outputs, keyshots_file)


# --- reading -----------------------------------------------------------------------------------


def test_annotations_are_read(files: SummaryFiles) -> None:
    videos = read_tvsum(files.tvsum)
    assert [(v.name, v.category, v.rate) for v in videos] == [
        (f"name-{index}", "VT", RATE) for index in range(3)
    ]
    for index, video in enumerate(videos):
        np.testing.assert_array_equal(video.scores, scores_of(index))
        assert video.frames == FRAMES[index]
        assert video.clips().tolist() == [*range(0, FRAMES[index], 50), FRAMES[index]]


def test_an_annotated_video_can_be_summarised(files: SummaryFiles) -> None:
    video = read_tvsum(files.tvsum)[0].video()
    assert video.seconds == pytest.approx(np.full(18, 2.0))
    assert video.importance == pytest.approx(scores_of(0).mean(axis=0)[::50])
    env = HighlightEnv(videos=[video], unit=2.0)
    env.reset(seed=0)
    # 15 % of 36 s are two clips of 2 s; without features importance alone is paid.
    best = np.sort(video.importance)[-2:].sum()
    assert env.optimum() == pytest.approx(best / video.importance.sum())
    over = read_tvsum(files.tvsum)[0].video(BOUNDS[0])
    assert over.seconds == pytest.approx(np.diff(BOUNDS[0]) / RATE)


def test_clips_of_an_odd_rate_are_as_long_as_they_can_be() -> None:
    video = read_tvsum_like(23.97, 1000)
    clips = video.clips()
    assert clips[:4].tolist() == [0, 48, 96, 144]
    assert clips[20] == round(40 * 23.97)
    assert clips[-1] == 1000


def read_tvsum_like(rate: float, frames: int) -> Any:
    from segue.envs.highlight.annotations import Annotated

    return Annotated("odd", "VT", rate, np.ones((2, frames)))


def test_keyshot_data_sets_are_read(tmp_path: Path) -> None:
    found = read_keyshots(write_keyshots(tmp_path / "k.h5"))
    assert list(found) == ["video_1", "video_2", "video_3"]
    for index, shots in enumerate(found.values()):
        np.testing.assert_array_equal(shots.bounds, BOUNDS[index])
        assert shots.summaries is not None
        assert shots.summaries.shape == (ANNOTATORS, FRAMES[index])
    bare = read_keyshots(write_keyshots(tmp_path / "bare.h5", with_summaries=False))
    assert all(shots.summaries is None for shots in bare.values())


def test_outputs_are_read(files: SummaryFiles) -> None:
    (output,) = read_outputs(files.outputs[1])
    assert output.name == "video_3"
    curve_of_frames = output.frame_scores()
    assert len(curve_of_frames) == len(output.summary) == FRAMES[2]
    assert curve_of_frames[[0, 14, 15, 1209]].tolist() == output.scores[[0, 0, 1, 80]].tolist()


# --- refusing ----------------------------------------------------------------------------------


def refused(path: Path, words: str, read: Any = read_tvsum) -> None:
    with pytest.raises(SegueError, match=words) as told:
        read(path)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "missing.mat", "cannot be read as HDF5")
    for name, content in {"empty": b"", "text": b"scores\n" * 99, "pickle": b"\x80\x04N."}.items():
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, "cannot be read as HDF5")
    whole = write_tvsum(tmp_path / "whole.mat").read_bytes()
    for size in (100, len(whole) // 2, len(whole) - 100):
        (tmp_path / "cut.mat").write_bytes(whole[:size])
        refused(tmp_path / "cut.mat", "cut.mat")


@pytest.mark.parametrize("seed", range(30))
def test_damaged_bytes_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    content = bytearray(write_tvsum(tmp_path / "whole.mat").read_bytes())
    generator = np.random.default_rng(seed)
    for place in generator.integers(len(content), size=40):
        content[place] = int(generator.integers(256))
    (tmp_path / "damaged.mat").write_bytes(content)
    # Damage to scores goes unnoticed; nothing else than an error of our own may come of the rest.
    with contextlib.suppress(SegueError):
        assert read_tvsum(tmp_path / "damaged.mat")


def test_wrong_layouts_are_refused(files: SummaryFiles) -> None:
    assert files.keyshots is not None
    refused(files.keyshots, "no entry 'tvsum50'")
    refused(files.tvsum, "no entry 'change_points'", read_keyshots)
    refused(files.tvsum, "no entry 'score'", read_outputs)
    with h5py.File(files.keyshots, "a") as file:
        file["video_2/change_points"][3, 1] += 1
    refused(files.keyshots, "do not follow one another", read_keyshots)
    with h5py.File(files.outputs[0], "a") as file:
        del file["video_1/score"]
        file["video_1/score"] = np.ones(7)
    refused(files.outputs[0], "do not fit", read_outputs)
    with h5py.File(files.tvsum, "a") as file:
        file[file["tvsum50/user_anno"][1, 0]][0, 5] = np.nan
    refused(files.tvsum, "no usable scores of name-1")


def test_what_lies_in_other_files_is_not_opened(tmp_path: Path, files: SummaryFiles) -> None:
    elsewhere = tmp_path / "elsewhere.h5"
    with h5py.File(elsewhere, "w") as file:
        file["tvsum50"] = np.ones(3)
    (tmp_path / "raw.bin").write_bytes(bytes(64))
    linked, raw, soft = (tmp_path / f"{name}.h5" for name in ("linked", "raw", "soft"))
    with h5py.File(linked, "w") as file:
        file["tvsum50"] = h5py.ExternalLink(str(elsewhere), "tvsum50")
    refused(linked, "links 'tvsum50' to elsewhere")
    with h5py.File(soft, "w") as file:
        file["real"], file["tvsum50"] = np.ones(2), h5py.SoftLink("/real")
    refused(soft, "links 'tvsum50' to elsewhere")
    for name, dataset in {"change_points": "external", "n_frames": "virtual"}.items():
        with h5py.File(raw, "w") as file:
            group = file.create_group("video_1")
            group["change_points"] = np.array([[0, 9]])
            group["n_frames"] = 10
            del group[name]
            if dataset == "external":
                outside = [(str(tmp_path / "raw.bin"), 0, 64)]
                group.create_dataset(name, (4, 2), np.int64, external=outside)
            else:
                layout = h5py.VirtualLayout((), np.int64)
                layout[()] = h5py.VirtualSource(str(elsewhere), "tvsum50", (3,))[0]
                group.create_virtual_dataset(name, layout)
        refused(raw, "in other files", read_keyshots)


def test_sizes_and_packing_are_bounded(
    tmp_path: Path, files: SummaryFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("video_1")
        # Nothing is written, but reading it would take a terabyte.
        group.create_dataset("change_points", (1 << 37, 1), np.int64, chunks=(1 << 16, 1))
        group["n_frames"] = 10
    refused(path, "array '/video_1/change_points'", read_keyshots)
    with h5py.File(path, "w") as file:
        group = file.create_group("video_1")
        group.create_dataset("change_points", data=np.array([[0, 9]] * 99), compression="lzf")
        group["n_frames"] = 10
    refused(path, "packs '/video_1/change_points' unusually", read_keyshots)
    with h5py.File(path, "w") as file:
        group = file.create_group("video_1")
        group["change_points"], group["n_frames"] = np.array([b"0", b"9"]), 10
    refused(path, "give numbers", read_keyshots)
    monkeypatch.setattr(hdf5_gate, "MOST_BYTES", 1000)
    refused(files.tvsum, "MB; give a file")


# --- evaluating --------------------------------------------------------------------------------


@pytest.mark.parametrize("with_summaries", [True, False])
def test_stored_scores_come_out_again_over_their_own_shots(
    files: SummaryFiles, with_summaries: bool
) -> None:
    assert files.keyshots is not None
    write_keyshots(files.keyshots, with_summaries)
    figures = measure_summaries(files)
    assert [row["videos"] for row in figures["outputs"]] == [2, 1]
    for row in (*(row["figures"] for row in figures["outputs"]), figures["method"]):
        assert row["kept"] == pytest.approx(row["stored"], abs=1e-9)
        assert row["scored"]["f"] == pytest.approx(row["stored"], abs=1e-9)
        assert row["from_parts"] == pytest.approx(row["stored"], abs=0.01)
        assert row["whole"] == 1.0
        assert row["stored"] <= row["bound"]
    # A mean of files, whatever their lengths.
    kept = [row["figures"]["kept"] for row in figures["outputs"]]
    assert figures["method"]["kept"] == pytest.approx(np.mean(kept))


def test_over_clips_nothing_but_the_stored_figures_is_taken_over(files: SummaryFiles) -> None:
    told: list[float] = []
    clips = SummaryFiles(files.tvsum, files.outputs)
    figures = measure_summaries(clips, lambda share, text: told.append(share))
    assert told == sorted(told)
    assert figures["shots"] == "2-s clips"
    over = measure_summaries(files)
    assert figures["method"]["stored"] == over["method"]["stored"]
    assert figures["method"]["kept"] != over["method"]["kept"]
    assert figures["method"]["scored"]["tau"] == over["method"]["scored"]["tau"]
    everyone = figures["all"]
    assert abs(everyone["random"]["tau"]) < 0.1 < everyone["mean"]["tau"]
    assert everyone["mean"]["f"] > everyone["human"]["f"]
    for name in ("random", "human", "mean"):
        assert everyone[name]["f"] <= everyone["bound"] <= 1.0
    video = read_tvsum(files.tvsum)[0]
    people = np.stack([keyshots(one, video.clips()) for one in video.scores])
    (first, *_) = read_outputs(files.outputs[0])
    alone = measure_summaries(
        SummaryFiles(files.tvsum, (write_outputs(files.tvsum.with_name("one.h5"), (0,)),))
    )
    assert alone["method"]["kept"] == pytest.approx(pooled_f(first.summary, people))
    text = summary_markdown(figures)
    assert "F over 2-s clips | Kendall's tau | Spearman's rho" in text
    assert "| split1.h5 | 1 |" in text
    for name in ("random importance", "annotators, each", "bound of any summary", "--shots"):
        assert name in text
    assert "--shots" not in summary_markdown(over)
    json.dumps(figures, allow_nan=False)


def test_files_that_do_not_fit_the_annotations_are_refused(files: SummaryFiles) -> None:
    assert files.keyshots is not None
    with h5py.File(files.outputs[0], "a") as file:
        file.move("video_1", "video_3")
    with pytest.raises(SegueError, match="video_3 of 900 frames"):
        measure_summaries(files)
    with h5py.File(files.keyshots, "a") as file:
        del file["video_2"]
    with pytest.raises(SegueError, match="no shots of video_2 \\(620 frames\\)"):
        measure_summaries(files)
    with pytest.raises(SegueError, match="--tvsum"):
        summary_table.summary_files(None, None, files.outputs, None)
    with pytest.raises(SegueError, match="two data sets"):
        summary_table.summary_files(files.tvsum, files.keyshots, (), None)
    assert summary_table.summary_files(None, None, (), None) is None
    named = summary_table.summary_files(files.tvsum, None, files.outputs, files.keyshots)
    assert named == files


def test_summe_takes_the_best_annotator(files: SummaryFiles) -> None:
    assert files.keyshots is not None
    summe = summary_table.summary_files(None, files.keyshots, files.outputs, None)
    assert summe == SummaryFiles(None, files.outputs, files.keyshots)
    figures = measure_summaries(summe)
    (output,) = read_outputs(files.outputs[1])
    people = np.stack([keyshots(one, BOUNDS[2]) for one in scores_of(2)])
    found = figures["outputs"][1]["figures"]
    assert found["kept"] == pytest.approx(f_scores(output.summary, people).max())
    assert figures["method"]["kept"] > figures["method"]["stored"]
    # Somebody's own summary scores the most.
    assert figures["all"]["bound"] == pytest.approx(1.0)
    assert "all videos of SumMe" in summary_markdown(figures)
    write_keyshots(files.keyshots, with_summaries=False)
    with pytest.raises(SegueError, match="no user_summary of video_1"):
        measure_summaries(summe)


def test_the_table_of_highlight_has_both_parts(files: SummaryFiles, tmp_path: Path) -> None:
    from segue.experiments.tables import SeedStudy, make_table

    made = make_table("highlight", tmp_path / "out", SeedStudy(1), ["segue", "bench"], files)
    page = (tmp_path / "out" / "highlight.md").read_text()
    assert "Q-learning within 1 %" in page
    assert "Kendall's tau" in page
    assert "Made by `segue bench`." in page
    record = json.loads((tmp_path / "out" / "highlight.json").read_text())
    assert record == made["figures"]
    assert record["summaries"]["shots"] == "keyshots.h5"
    bare = make_table("highlight", tmp_path / "out", SeedStudy(1), ["segue", "bench"])
    assert "Kendall" not in bare["markdown"]
