"""Deep agents of Stable-Baselines3: adapter, builder, policy over candidates, checkpoints."""

from __future__ import annotations

from segue.agents.deep.builder import AGENTS, build
from segue.agents.deep.checkpoint import load_checkpoint, save_checkpoint
from segue.agents.deep.pointer_policy import PointerPolicy
from segue.agents.deep.vec_env import NativeVecEnv

__all__ = [
    "AGENTS",
    "NativeVecEnv",
    "PointerPolicy",
    "build",
    "load_checkpoint",
    "save_checkpoint",
]
