"""How near montages come to the bound: ``segue bench montage``.

On held-out bins, each return as a share of that bin's bound: the beam that knows the whole bin,
with its time, the expert, the greedy and the random editor, and the trained one, a run a seed.
Beside it how many cuts lie on the beats, and how much of the pace that cuts on any frame could
keep is kept. Once on made-up bins, and once on shots of a real film that no training saw, after
the agents have gone on to train on the film's other shots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gymnasium.vector import AutoresetMode
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from segue.agents.deep import NativeVecEnv, build, load_checkpoint
from segue.envs.base.errors import SegueError
from segue.envs.film.analysis import analyse
from segue.envs.film.sample_film import sample_film
from segue.envs.montage.env import Montage, MontageVectorEnv
from segue.envs.montage.generator import first_bins
from segue.envs.montage.synthetic import made_up_beats
from segue.envs.montage.types import Bank
from segue.experiments.imitation import EXPERT_ENVS, imitate_expert
from segue.experiments.material import EditConfig, split
from segue.experiments.montage_films import by_model, compared
from segue.experiments.train import make_agent, resume, train
from segue.experiments.train_config import TrainConfig, default_config

Progress = Callable[[float, str], None]

ENV, AGENT = "segue/Montage-v0", "maskable-ppo"
EDITORS = {
    "beam": "beam of 8, knows the bin",
    "expert": "expert, knows the bin",
    "greedy": "greedy",
    "random": "random",
    "before": "MaskablePPO, before it saw the film",
    "agent": "MaskablePPO",
}
FOOTAGE = EditConfig(shots=16, bins=256, test_bins=16)
"""How bins are drawn from the film; cut to the made-up tune."""


@dataclass(frozen=True)
class MontageStudy:
    """Settings of the table; its own are in ``configs/study__montage.yaml``.

    Attributes
    ----------
    seeds : int
        Agents.
    beats : int
        Of a film from real footage.
    solved_bins : int
        Training bins of real footage that the expert knows.
    decisions : int
        Asked of the expert on real footage.
    steps : int
        Of an agent that goes on to train on real footage.
    """

    seeds: int
    beats: int
    solved_bins: int
    decisions: int
    steps: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise SegueError(f"{name} of the table is {value}; give at least one.")


def measure_montage(
    folder: Path, command: Sequence[str], tell: Progress, study: MontageStudy
) -> dict[str, Any]:
    """Train the agents, and measure what every editor makes of the held-out bins.

    Parameters
    ----------
    folder : Path
        Holds a run folder for each agent; what is there is gone on with.
    command : sequence of str
        For the manifests.
    tell : callable
        Told the share done and what is being done.
    study : MontageStudy
        How much of it.

    Returns
    -------
    dict
        ``study``, its fields; ``steps`` of training on made-up bins, ``film`` and its
        ``attribution``; ``made_up`` and ``footage`` as `compared` gives them. JSON-able.
    """
    config = default_config(ENV, AGENT)
    options: Mapping[str, Any] = {**config.env_options, **config.test_options}
    models = []
    for seed in range(study.seeds):

        def told(share: float, text: str, seed: int = seed) -> None:
            tell(0.7 * (seed + share) / study.seeds, f"seed {seed}: {text}")

        one = replace(config, seed=seed)
        models.append(trained(one, folder / f"agent__{seed}", command, told))
    tell(0.7, "comparing on made-up bins")
    policies = {"agent": [by_model(model) for model in models]}
    made_up = compared(Montage(**options), _silent(options), policies)
    film = sample_film(progress=lambda _, text: tell(0.7, text))
    shots = analyse([film.path], progress=lambda _, text: tell(0.7, text))
    training, test, _ = split(shots, made_up_beats(study.beats), study.beats, FOOTAGE)
    held_out: dict[str, Any] = {"bank": test}
    known = first_bins(training, study.solved_bins)
    teachers = MontageVectorEnv(EXPERT_ENVS, bank=known, autoreset_mode=AutoresetMode.SAME_STEP)
    moved = []
    for seed, model in enumerate(models):
        tell(0.75 + 0.25 * seed / study.seeds, f"seed {seed}: training on footage")
        moved.append(by_model(moved_on(model, training, teachers, config, seed, study)))
    return {
        "study": asdict(study),
        "steps": config.steps,
        "film": film.path.name,
        "attribution": film.attribution,
        "made_up": made_up,
        "footage": compared(
            Montage(**held_out), _silent(held_out), {"before": policies["agent"], "agent": moved}
        ),
    }


def _silent(options: Mapping[str, Any]) -> Montage:
    return Montage(**{**options, "reward_weights": {"sync": 0.0}})


def trained(
    config: TrainConfig, folder: Path, command: Sequence[str], tell: Progress
) -> BaseAlgorithm:
    """Train an agent in a run folder, or go on with what is there."""
    model, _ = make_agent(config, config.num_envs)
    checkpoints = folder / "checkpoints"
    if any(checkpoints.glob("checkpoint-*")):
        load_checkpoint(model, checkpoints)
        if model.num_timesteps >= config.steps:
            return model
        resume(folder, config.steps, tell)
    else:
        train(config, folder, command, tell)
    load_checkpoint(model, checkpoints)
    return model


def moved_on(
    model: BaseAlgorithm,
    bank: Bank,
    teachers: MontageVectorEnv,
    config: TrainConfig,
    seed: int,
    study: MontageStudy,
) -> BaseAlgorithm:
    """Train a copy of an agent on the bins of `bank`, as `segue edit` does."""
    venv = NativeVecEnv(MontageVectorEnv(64, bank=bank, autoreset_mode=AutoresetMode.SAME_STEP))
    copy = build(AGENT, venv, seed=seed, hyperparameters=config.hyperparameters)
    assert isinstance(copy, OnPolicyAlgorithm)
    copy.policy.load_state_dict(model.policy.state_dict())
    imitate_expert(copy, teachers, study.decisions, seed)
    return copy.learn(study.steps)


def montage_markdown(found: Mapping[str, Any]) -> str:
    """Write what `measure_montage` gave as two Markdown tables."""
    made_up, footage = (table(found[name]) for name in ("made_up", "footage"))
    study = MontageStudy(**found["study"])
    return f"""{study.seeds} seeds, {found["steps"]:,} training steps each after learning from
the expert. The bound is an upper one; the time of the beam is that of bound and beam together.
Pace: how well the lengths of the pieces suit the energy of the music, as a share of what the beam
keeps on the same bins when it is not paid for the beats, and of what cuts of endless footage that
may fall on any frame could keep.

## Made-up bins

{made_up}

## Real footage

Held-out shots of {found["film"]}, after {study.decisions:,} decisions learnt from the expert on
{study.solved_bins} bins and {study.steps:,} steps on the film's other shots. {found["attribution"]}

{footage}
"""


def table(found: Mapping[str, Any]) -> str:
    """Write what `compared` gave as a Markdown table with a note."""
    lines = [
        "| editor | runs | share of the bound, IQM (95 % interval) | cuts on beats, F at 70 ms "
        "| pace, of the beam's without beats | pace, of cuts on any frame | time a film |",
        f"| --- |{' ---: |' * 6}",
    ]
    for name, title in EDITORS.items():
        if name not in found["editors"]:
            continue
        row = found["editors"][name]
        share = row["share"]
        seconds = found["solver_seconds"] if name == "beam" else row["seconds"]
        kept = [100 * row["pace"] / found[key] for key in ("silent_pace", "free_pace")]
        lines.append(
            f"| {title} | {row['runs']} | {100 * share['value']:.1f} % "
            f"({100 * share['low']:.1f} to {100 * share['high']:.1f}) | {row['beat_f']:.3f} "
            f"| {kept[0]:.1f} % | {kept[1]:.1f} % | {1000 * seconds:,.0f} ms |"
        )
    above = found["above_greedy"]
    notes = (
        f"{found['bins']} held-out bins, mean bound {found['bound']:.3f}. Cuts anywhere in time, "
        f"as many as the beam's, have F {found['random_cutter_f']:.3f}. Probability that "
        f"MaskablePPO beats greedy on a bin: {above['value']:.3f} "
        f"({above['low']:.3f} to {above['high']:.3f})."
    )
    return "\n".join((*lines, "", notes))
