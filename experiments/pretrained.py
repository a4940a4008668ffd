"""The editor that comes with segue: trained on made-up bins, so that no film begins from nothing.

Made from a run of ``segue train segue/Montage-v0 --agent maskable-ppo`` by::

    python -m segue.experiments.pretrained RUN

which writes the weights and their model card.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from safetensors.torch import load, save
from stable_baselines3.common.base_class import BaseAlgorithm

from segue.agents.deep import load_checkpoint
from segue.envs.base.errors import SegueError
from segue.experiments.run_folder import RunFolder, read_config
from segue.experiments.train import evaluate_run, make_agent
from segue.experiments.train_config import TrainConfig
from segue.experiments.train_result import TrainResult

NAME = "montage"


def start_from_pretrained(model: BaseAlgorithm) -> bool:
    """Give a policy the weights that come with segue.

    The number of shots may differ from those of the training; effects and transitions of one's own
    make the policy another one, which begins from nothing.

    Returns
    -------
    bool
        Whether the weights fit and were taken.
    """
    stored = resources.files("segue.experiments") / "models" / f"{NAME}.safetensors"
    weights = load(stored.read_bytes())
    own = dict(model.policy.named_parameters())
    if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in weights.items()}:
        return False
    for name, parameter in own.items():
        parameter.data.copy_(weights[name])
    return True


def write_pretrained(run: Path, folder: Path) -> tuple[Path, Path]:
    """Write the weights of a run and their model card.

    Parameters
    ----------
    run : Path
        A run of `segue/Montage-v0`.
    folder : Path
        Gets ``montage.safetensors`` and ``montage.md``.

    Raises
    ------
    SegueError
        When it is no such run.
    """
    config = read_config(RunFolder(run), TrainConfig)
    if config.env != "segue/Montage-v0":
        raise SegueError(f"{run} is a run of {config.env}; name one of segue/Montage-v0.")
    result = evaluate_run(run, None)
    model, _ = make_agent(config, config.num_envs)
    load_checkpoint(model, run / "checkpoints")
    weights, card = folder / f"{NAME}.safetensors", folder / f"{NAME}.md"
    # By parameter: extractors that actor and critic share would be written thrice.
    tensors = {k: v.detach().contiguous() for k, v in model.policy.named_parameters()}
    weights.write_bytes(save(tensors))
    card.write_text(_card(config, result))
    return weights, card


def _card(config: TrainConfig, result: TrainResult) -> str:
    low, high = result.evaluation.interval()
    mean = result.evaluation.mean
    bound = result.bounds.mean if result.bounds else float("nan")
    others = ", ".join(f"{one.name} {one.mean / bound:.3f}" for one in result.others)
    return f"""# Model card: {NAME}.safetensors

The editor that `segue edit` and `segue demo` go on from.

- **What**: the policy (`segue.agents.deep.chained_policy`) of {config.agent}, seed {config.seed}:
  {config.expert_decisions:,} decisions learnt from the expert, {result.steps:,} steps from reward.
- **Data**: bins of made-up shots (`segue.envs.montage.synthetic`); no footage of anybody.
- **Licence**: that of segue.
- **Measure**: on {len(result.evaluation.returns)} episodes of held-out bins
  {mean / bound:.3f} of their bound ({others}); return {mean:.3f} ({low:.3f} to {high:.3f}).
- **Limits**: all its bins were cut to one made-up tune, so that it must be trained on for real
  footage and music, as `segue edit` does.
- **Made by**: `segue train segue/Montage-v0 --agent {config.agent} --seed {config.seed}`, then
  `python -m segue.experiments.pretrained RUN`.
"""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m segue.experiments.pretrained RUN")
    for path in write_pretrained(Path(sys.argv[1]), Path(__file__).parent / "models"):
        print(path)
