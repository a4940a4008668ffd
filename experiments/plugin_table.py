"""What ``segue envs`` tells of environments that plug-ins register."""

from __future__ import annotations

import inspect

import gymnasium as gym

from segue.envs.base.errors import SegueError
from segue.envs.base.references import load_plugins
from segue.experiments.documentation import space_text
from segue.experiments.learning import make_env


def plugin_rows() -> list[dict[str, str]]:
    """Give of each environment of a plug-in what the table tells, at its default arguments.

    Returns
    -------
    list of dict
        With the keys of `segue.experiments.documentation.environment_rows`.

    Raises
    ------
    SegueError
        If one cannot be made.
    """
    return [_row(env_id) for env_id in load_plugins().environments]


def _row(env_id: str) -> dict[str, str]:
    try:
        env = make_env(env_id, {})
        env.reset(seed=0)
    except SegueError:
        raise
    # An environment of others can raise anything.
    except Exception as error:
        raise SegueError(
            f"{env_id} of a plug-in cannot be made ({type(error).__name__}: {error}); look at it "
            f"with segue check {env_id}."
        ) from error
    steps = None if env.spec is None else env.spec.max_episode_steps
    return {
        "id": env_id,
        "description": (inspect.getdoc(type(env.unwrapped)) or "").partition("\n")[0],
        "actions": space_text(env.action_space),
        "observation": space_text(env.observation_space),
        "horizon": "not told" if steps is None else f"at most {steps} steps",
        "bound": _bound(env),
    }


def _bound(env: gym.Env[object, object]) -> str:
    if not env.has_wrapper_attr("bound"):
        return "none"
    return "exact optimum" if env.get_wrapper_attr("bound")().exact else "upper bound"
