"""How video summaries agree with people's: F-score, Kendall's tau and Spearman's rho.

Beside each method stand random scores, the annotators themselves, their mean and the most that any
summary can score, since the F-score alone cannot tell a method from random (Otani et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segue.envs.base.errors import SegueError
from segue.envs.highlight import evaluation
from segue.envs.highlight.annotations import (
    Annotated,
    Output,
    Shots,
    read_keyshots,
    read_outputs,
    read_tvsum,
)
from segue.envs.highlight.evaluation import Agreement, Pooling
from segue.experiments.progress import Tell

CLIPS = "2-s clips"
RANDOM_DRAWS = 10
"""Curves of random importance for each video, a number a frame."""


@dataclass(frozen=True)
class SummaryFiles:
    """What to evaluate.

    Attributes
    ----------
    tvsum : Path or None
        TVSum's ``ydata-tvsum50.mat``; None for SumMe, whose annotators are in `keyshots`.
    outputs : tuple of Path
        Stored outputs of a method, a file a split.
    keyshots : Path or None
        Keyshot data set with the shots that the outputs were made over; None for 2-s clips.
    """

    tvsum: Path | None
    outputs: tuple[Path, ...] = ()
    keyshots: Path | None = None

    @property
    def pooling(self) -> Pooling:
        """How the dataset's protocol takes F-scores together."""
        return "mean" if self.tvsum is not None else "max"


def summary_files(
    tvsum: Path | None, summe: Path | None, outputs: Sequence[Path], keyshots: Path | None
) -> SummaryFiles | None:
    """Files as the command line names them; None where there are none.

    Raises
    ------
    SegueError
        If there are annotations of both data sets, or others without any.
    """
    if tvsum is not None and summe is not None:
        raise SegueError(f"{tvsum} and {summe} are annotations of two data sets; name one.")
    if tvsum is not None:
        return SummaryFiles(tvsum, tuple(outputs), keyshots)
    if summe is not None and keyshots is None:
        return SummaryFiles(None, tuple(outputs), summe)
    for other in (*outputs, *([keyshots] if keyshots else [])):
        raise SegueError(
            f"{other} has no annotations of TVSum beside it; name their file by --tvsum."
        )
    return None


@dataclass(frozen=True, eq=False)
class Reference:
    """A video: its annotators' scores of each frame, its shots, and what they keep of them."""

    scores: npt.NDArray[np.float64]
    bounds: npt.NDArray[np.int64]
    summaries: npt.NDArray[np.bool_]
    pooling: Pooling

    @property
    def frames(self) -> int:
        """Length in frames."""
        return int(self.scores.shape[1])


def measure_summaries(files: SummaryFiles, tell: Tell | None = None) -> dict[str, Any]:
    """Evaluate the baselines on every video, and a method on its own.

    Returns
    -------
    dict
        ``shots``: what the F-scores are over. ``all``: the `Agreement` of ``random``, ``human``
        and ``mean``, and ``bound``, on average over the videos. ``outputs``: a list by file, see
        `_outputs_row`; ``method``: the means over the files. JSON-able.

    Raises
    ------
    SegueError
        If a file is damaged or something else, or does not fit the annotations.
    """
    references = _references(files)
    outputs = [(path, read_outputs(path)) for path in files.outputs]
    found = {}
    for index, (name, reference) in enumerate(references.items()):
        if tell is not None:
            tell(index / len(references), f"Annotators of {name}")
        found[name] = _baselines(reference, seed=index)
    rows = [_outputs_row(path, batch, references, found) for path, batch in outputs]
    return {
        "data": "SumMe" if files.tvsum is None else "TVSum",
        "shots": CLIPS if files.keyshots is None else files.keyshots.name,
        "all": _mean(list(found.values())),
        "outputs": rows,
        "method": _mean([row["figures"] for row in rows]) if rows else {},
    }


def _references(files: SummaryFiles) -> dict[str, Reference]:
    """Every video of the annotations by its name in data sets and outputs."""
    shots = {} if files.keyshots is None else read_keyshots(files.keyshots)
    if files.tvsum is not None:
        videos = {f"video_{k + 1}": video for k, video in enumerate(read_tvsum(files.tvsum))}
        return {name: _reference(video, shots, name, files) for name, video in videos.items()}
    found = {}
    for name, of_video in shots.items():
        if of_video.summaries is None:
            raise SegueError(f"{files.keyshots} has no user_summary of {name}; give one that has.")
        # What SumMe's annotators said is what they kept.
        kept = of_video.summaries
        found[name] = Reference(kept.astype(float), of_video.bounds, kept, files.pooling)
    return found


def _reference(
    video: Annotated, shots: Mapping[str, Shots], name: str, files: SummaryFiles
) -> Reference:
    """Shots of a video and its annotators' summaries over them."""
    bounds, summaries = video.clips(), None
    if files.keyshots is not None:
        if name not in shots or shots[name].bounds[-1] != video.frames:
            raise SegueError(
                f"{files.keyshots} has no shots of {name} ({video.frames} frames); "
                "give the data set of the same videos."
            )
        bounds, summaries = shots[name].bounds, shots[name].summaries
    if summaries is None:
        summaries = np.stack([evaluation.keyshots(one, bounds) for one in video.scores])
    return Reference(video.scores, bounds, summaries, files.pooling)


def _agreement(scores: npt.NDArray[np.float64], reference: Reference) -> Agreement:
    """Agreement of a curve of importance, and of the summary that follows from it."""
    summary = evaluation.keyshots(scores, reference.bounds)
    f = evaluation.pooled_f(summary, reference.summaries, reference.pooling)
    return Agreement(f, *evaluation.correlations(scores, reference.scores))


def _baselines(reference: Reference, seed: int) -> dict[str, Any]:
    """What `measure_summaries` tells of ``all``, for one video."""
    generator, pooling = np.random.default_rng([seed]), reference.pooling
    drawn = [
        asdict(_agreement(generator.random(reference.frames), reference))
        for _ in range(RANDOM_DRAWS)
    ]
    kept, scores = reference.summaries, reference.scores
    return {
        "random": _mean(drawn),
        "human": asdict(evaluation.human_agreement(kept, scores, pooling)),
        "mean": asdict(_agreement(scores.mean(axis=0), reference)),
        "bound": evaluation.f_bound(kept, reference.bounds, pooling),
    }


def _outputs_row(
    path: Path,
    batch: Sequence[Output],
    references: Mapping[str, Reference],
    found: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """Figures of one file of outputs, on average over its videos.

    ``figures`` has the baselines on these videos; ``scored``, the agreement of the method's scores
    and the summary that follows from them over our shots; ``kept``, the F-score of the summary as
    it is stored; ``stored``, the F-score that its authors stored; ``from_parts``, F-scores from
    the precision and recall that they stored; ``whole``, whether that precision is a whole number
    of frames for the annotators at hand.
    """
    rows = []
    for output in batch:
        reference = references.get(output.name)
        if reference is None or reference.frames != len(output.summary):
            raise SegueError(
                f"{path} has {output.name} of {len(output.summary)} frames, which the annotations "
                "do not; give outputs on the same videos."
            )
        f, precision, recall = output.stored
        frames = precision * len(reference.summaries) * int(output.summary.sum())
        rows.append(
            found[output.name]
            | {
                "scored": asdict(_agreement(output.frame_scores(), reference)),
                "kept": evaluation.pooled_f(output.summary, reference.summaries, reference.pooling),
                "stored": f,
                "from_parts": 2.0 * precision * recall / max(precision + recall, 1e-12),
                "whole": float(abs(frames - round(frames)) < 1e-3),
            }
        )
    return {"file": path.name, "videos": len(rows), "figures": _mean(rows)}


def _mean(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean of figures, entry by entry, through nested records."""
    return {
        key: _mean([row[key] for row in rows])
        if isinstance(value, Mapping)
        else float(np.nanmean([row[key] for row in rows]))
        for key, value in rows[0].items()
    }


def summary_markdown(figures: Mapping[str, Any]) -> str:
    """Write what `measure_summaries` gave as Markdown tables."""
    title = f"all videos of {figures['data']}"
    blocks = [_block(title, figures["all"], figures["shots"])]
    if figures["outputs"]:
        title = "videos of the stored outputs, mean of the files"
        blocks += [_block(title, figures["method"], figures["shots"]), _stored(figures)]
        if figures["shots"] == CLIPS:
            blocks.append(
                "The stored F-scores are over shots that the outputs do not tell. To take them "
                "anew, name the data set of those shots by `--shots`.\n"
            )
    return "\n".join(blocks)


def _block(title: str, found: Mapping[str, Any], shots: str) -> str:
    lines = [f"| {title} | F over {shots} | Kendall's tau | Spearman's rho |"]
    lines.append("| --- | ---: | ---: | ---: |")
    for name, key in (
        ("random importance", "random"),
        ("stored scores, summarised anew", "scored"),
        ("annotators, each against the others", "human"),
        ("mean of the annotators", "mean"),
    ):
        if key in found:
            row = found[key]
            # 0.0 is added lest a small negative number be written as -0.000.
            tau, rho = (round(row[key], 3) + 0.0 for key in ("tau", "rho"))
            lines.append(f"| {name} | {100 * row['f']:.1f} | {tau:.3f} | {rho:.3f} |")
    lines.append(f"| bound of any summary | {100 * found['bound']:.1f} |  |  |")
    return "\n".join((*lines, ""))


def _stored(figures: Mapping[str, Any]) -> str:
    """What the authors stored, beside what comes out here."""
    lines = [
        f"| file | videos | F stored | F of the stored summaries over {figures['shots']} "
        "| F from the stored precision and recall | precision in whole frames |",
        f"| --- |{' ---: |' * 5}",
    ]
    named = [(row["file"], row["videos"], row["figures"]) for row in figures["outputs"]]
    total = sum(videos for _, videos, _ in named)
    for name, videos, row in (*named, ("mean of the files", total, figures["method"])):
        lines.append(
            f"| {name} | {videos} | {100 * row['stored']:.2f} | {100 * row['kept']:.2f} "
            f"| {100 * row['from_parts']:.2f} | {100 * row['whole']:.0f} % |"
        )
    return "\n".join((*lines, ""))
