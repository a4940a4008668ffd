"""Models saved by Stable-Baselines3 itself, which only who trusts their source may load.

Its zip files hold pickles (in the text file ``data`` too), and reading a pickle runs whatever its
maker wrote into it. No check of the file tells a harmless one from a hostile one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from zipfile import BadZipFile, ZipFile

from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv

from segue.envs.base.errors import SegueError

STORED: Mapping[str, type[BaseAlgorithm]] = MappingProxyType(
    {"a2c": A2C, "dqn": DQN, "maskable-ppo": MaskablePPO, "ppo": PPO}
)
"""Algorithms by name, as Stable-Baselines3 saves them."""

_MAGIC = b"PK\x03\x04"
_MOST_BYTES, _MOST_FILES = 1 << 31, 64
"""Of what a zip says that it unpacks to."""
_MOST_SETTINGS = 1 << 26


def load_zip(path: Path, agent: str, venv: VecEnv, *, trust: bool) -> BaseAlgorithm:
    """Load what ``model.save(path)`` of Stable-Baselines3 wrote.

    Parameters
    ----------
    path : pathlib.Path
        The zip file. Without `trust` only its first four bytes are read.
    agent : str
        One of `STORED`: the algorithm that was saved.
    venv : stable_baselines3.common.vec_env.VecEnv
        An env with its spaces.
    trust : bool
        Whether whoever made the file may run code here: loading does.

    Returns
    -------
    stable_baselines3.common.base_class.BaseAlgorithm
        On the CPU.

    Raises
    ------
    SegueError
        If the file is not trusted, no such zip, too large, or of another agent or env.
    """
    _require_zip(path)
    if not trust:
        raise SegueError(
            f"{path} holds pickles, which can run any code when they are read; if you trust who "
            "made it, say so with --trust, else use a run folder of segue train."
        )
    if agent not in STORED:
        raise SegueError(
            f"{path} cannot be of the agent {agent!r}; choose one of {', '.join(STORED)}."
        )
    _check_contents(path)
    found = _algorithm(path)
    if found != agent:
        raise SegueError(f"{path} holds a model of {found}, not of {agent}; say --agent {found}.")
    try:
        model = STORED[agent].load(path, env=venv, device="cpu")
    # A pickle can raise anything.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise SegueError(
            f"{path} cannot be loaded as {agent} ({reason}); "
            "name the agent and the environment that it was trained with."
        ) from error
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model


def _require_zip(path: Path) -> None:
    try:
        # Not a pipe, which would be waited for.
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) == _MAGIC:
                    return
    except OSError as error:
        raise SegueError(
            f"{path} cannot be read ({error.strerror}); name a readable file."
        ) from error
    raise SegueError(f"{path} is no zip of Stable-Baselines3; name a file that its save() wrote.")


def _check_contents(path: Path) -> None:
    """Refuse what Stable-Baselines3 never writes, before any of it is unpacked."""
    try:
        with ZipFile(path) as archive:
            files = archive.infolist()
    except (OSError, BadZipFile, ValueError, NotImplementedError) as error:
        raise SegueError(f"{path} is a damaged zip ({error}); save the model again.") from error
    names = [file.filename for file in files]
    odd = [name for name in names if "/" in name or "\\" in name or ".." in name]
    if odd or len(names) != len(set(names)):
        raise SegueError(
            f"{path} holds {odd[0] if odd else 'two files of one name'!r}, which "
            "Stable-Baselines3 never writes; get it from a source that you trust."
        )
    if "data" not in names or "policy.pth" not in names:
        raise SegueError(
            f"{path} is no zip of Stable-Baselines3; name a file that its save() wrote."
        )
    if len(files) > _MOST_FILES or sum(file.file_size for file in files) > _MOST_BYTES:
        raise SegueError(
            f"{path} unpacks to more than {_MOST_BYTES >> 30} GiB or {_MOST_FILES} files; "
            "load a smaller model."
        )


def _algorithm(path: Path) -> str:
    """Tell by its settings, which are JSON, what a zip was saved from.

    Stable-Baselines3 itself would read a model of PPO as one of A2C.
    """
    try:
        with ZipFile(path) as archive, archive.open("data") as file:
            settings = json.loads(file.read(_MOST_SETTINGS))
        masked = "maskable" in settings["policy_class"]["__module__"]
    except (
        OSError,
        EOFError,
        BadZipFile,
        zlib.error,
        LookupError,
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:
        raise SegueError(
            f"{path} has no readable settings ({error}); save the model again."
        ) from error
    if "exploration_rate" in settings:
        return "dqn"
    return "maskable-ppo" if masked else "ppo" if "clip_range" in settings else "a2c"


__all__ = ["STORED", "load_zip"]
