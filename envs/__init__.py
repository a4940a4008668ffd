"""Environments: creative editing as Gymnasium tasks.

Importing this package registers them, so that ``gymnasium.make("segue.envs:segue/LeadSheet-v0")``
works.
"""

import gymnasium as gym

IDS = (
    "segue/Counterpoint-v0",
    "segue/Highlight-v0",
    "segue/LeadSheet-v0",
    "segue/Melody-v0",
    "segue/Montage-v0",
    "segue/Multicam-v0",
)
"""The registered ids."""

__all__ = ["IDS"]

for _id, _folder, _name in (
    ("segue/Counterpoint-v0", "counterpoint", "Counterpoint"),
    ("segue/Highlight-v0", "highlight", "Highlight"),
    ("segue/LeadSheet-v0", "lead_sheet", "LeadSheet"),
    ("segue/Melody-v0", "melody", "Melody"),
    ("segue/Montage-v0", "montage", "Montage"),
    ("segue/Multicam-v0", "multicam", "Multicam"),
):
    if _id not in gym.registry:
        gym.register(
            id=_id,
            entry_point=f"segue.envs.{_folder}.env:{_name}Env",
            # CI runs Gymnasium's checker, which is stricter; the passive one slows every step.
            disable_env_checker=True,
            vector_entry_point=f"segue.envs.{_folder}.env:{_name}VectorEnv",
        )
