"""Checks of what follows from a seed: everything, and nothing but it."""

from __future__ import annotations

import pickle
import random
import sys
from collections.abc import Iterator
from typing import Any

import gymnasium as gym
import numpy as np

from segue.experiments.contract.check import Finding, Subject, advice, check, fault
from segue.experiments.contract.playing import (
    Actor,
    copied,
    difference,
    first_difference,
    play,
    rollout,
)

STEPS = 50
"""Of the plays that are compared."""
WILD = 0.1
"""Share of actions in them that need not be legal."""
SEEDS = 8


def wild(subject: Subject) -> float:
    """Share of illegal actions where what they do is documented."""
    return WILD if subject.ours else 0.0


@check("same seed", "two instances with one seed agree exactly over 50 steps")
def same_seed(subject: Subject) -> Iterator[Finding]:
    """Compare everything that is returned, several episodes following one another."""
    for seed in (11, 12, 13):
        left = rollout(subject.make(), seed, STEPS, wild(subject))
        right = rollout(subject.make(), seed, STEPS, wild(subject))
        told = first_difference(left, right)
        if told:
            yield fault(
                f"two instances reset with seed {seed} differ: {told}; draw all randomness from "
                "self.np_random, after super().reset(seed=seed)."
            )
            return


@check("reset anew", "reset with a seed forgets what was before")
def reset_anew(subject: Subject) -> Iterator[Finding]:
    """Compare an instance that has played with a new one."""
    used = subject.make()
    rollout(used, 21, 2 * STEPS)
    for seed in (21, 22):
        told = first_difference(rollout(used, seed, STEPS), rollout(subject.make(), seed, STEPS))
        if told:
            yield fault(
                f"an instance that has played differs from a new one after reset(seed={seed}): "
                f"{told}; let reset set everything anew."
            )
            return


@check("independent", "two instances do not change each other")
def independent(subject: Subject) -> Iterator[Finding]:
    """Play one alone, and again while another is played in between."""
    alone = rollout(subject.make(), 31, STEPS)
    env, other = subject.make(), subject.make()
    begun = env.reset(seed=31)
    between = play(other, Actor(other, 99), 4 * STEPS, other.reset(seed=99)[1])
    beside = [copied(tuple(begun))]
    for result in play(env, Actor(env, 31), STEPS, begun[1]):
        beside.append(result)
        next(between, None)
    told = first_difference(alone, beside)
    if told:
        yield fault(
            f"it plays otherwise while another instance is played beside it: {told}; keep state in "
            "self, not in the class or module."
        )


def _signature(env: gym.Env[Any, Any], begun: Any) -> list[tuple[Any, ...]]:
    """First observation and a few steps by one and the same actions."""
    return [copied(tuple(begun)), *play(env, Actor(env, 5), 12, begun[1])]


def _distinct(signatures: list[list[tuple[Any, ...]]]) -> int:
    found: list[list[tuple[Any, ...]]] = []
    for one in signatures:
        if all(first_difference(one, other) for other in found):
            found.append(one)
    return len(found)


@check("seeds", "seeds choose the episodes, and episodes without a seed go on from the last one")
def seeds(subject: Subject) -> Iterator[Finding]:
    """Compare beginnings of several seeds, and of resets without any."""
    env = subject.make()
    chosen = [_signature(env, env.reset(seed=seed)) for seed in range(SEEDS)]
    again = [_signature(env, env.reset(seed=seed)) for seed in range(SEEDS)]
    for seed, (one, other) in enumerate(zip(chosen, again, strict=True)):
        told = first_difference(one, other)
        if told:
            yield fault(f"reset(seed={seed}) twice begins two episodes: {told}; use the seed.")
            return
    following = _following(env)
    told = difference(following, _following(env), "episodes")
    if told:
        yield fault("resets after reset(seed=3) are not the same each time; use self.np_random.")
    by_seed, by_reset = _distinct(chosen), _distinct(following)
    if subject.ours and len({pickle.dumps(one[0][0]) for one in chosen}) == 1:
        yield fault("every seed gives the same first observation; begin by the random word.")
    if by_seed > 1 and by_reset == 1:
        yield fault(
            "reset() without a seed begins the same episode again and again; go on drawing from "
            "self.np_random, and seed only when a seed is given."
        )
    if by_seed == 1 and by_reset >= SEEDS // 2:
        yield fault("every seed begins the same episode, though resets without one do not; use it.")


def _following(env: gym.Env[Any, Any]) -> list[list[tuple[Any, ...]]]:
    env.reset(seed=3)
    return [_signature(env, env.reset()) for _ in range(SEEDS)]


@check("global randomness", "it leaves the random states of NumPy, Python and torch alone")
def global_randomness(subject: Subject) -> Iterator[Finding]:
    """Compare the global states before and after making, resetting and playing."""
    subject.make().close()  # What is imported at first use may draw.
    before = _global_states()
    env = subject.make()
    begun = env.reset(seed=0)
    for _ in play(env, Actor(env, 0), STEPS, begun[1]):
        pass
    env.reset()
    env.close()
    for name, state in _global_states().items():
        if difference(before[name], state, name):
            yield fault(
                f"it changes the global random state of {name}, which agents draw from; use "
                "self.np_random."
            )


def _global_states() -> dict[str, Any]:
    states: dict[str, Any] = {
        "numpy.random": np.random.get_state(legacy=True),
        "random": random.getstate(),
    }
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state().numpy()
    return states


@check("pickle", "a pickled copy goes on exactly where it was")
def pickled(subject: Subject) -> Iterator[Finding]:
    """Pickle in the middle of an episode and play both."""
    env = subject.make(short=True).unwrapped
    actor = Actor(env, 2)
    _, info = env.reset(seed=2)
    for _ in range(3):
        result = env.step(actor.choose(env, info))
        info = result[4] if not (result[2] or result[3]) else env.reset()[1]
    env.spec = None  # A registration may hold what cannot be pickled, the env itself need not.
    try:
        copy = pickle.loads(pickle.dumps(env))  # noqa: S301 (bytes made here)
    # Objects of others can refuse in any way.
    except Exception as error:
        yield fault(
            f"it cannot be pickled ({type(error).__name__}: {error}), as worker processes need; "
            "leave open files, locks, generators and lambdas out of self, or of __getstate__."
        )
        return
    share = wild(subject)
    left = list(play(env, Actor(env, 7, share), 60, info))
    told = first_difference(left, list(play(copy, Actor(copy, 7, share), 60, info)))
    if told:
        yield fault(f"a pickled copy goes on otherwise: {told}; keep all state in self.")


@check("not overwritten", "what it has given is not changed later, nor its state by who got it")
def not_overwritten(subject: Subject) -> Iterator[Finding]:
    """Keep what was returned and step on; write over what was returned and compare."""
    env, other = subject.make(), subject.make()
    seen, again = tuple(env.reset(seed=6)), tuple(other.reset(seed=6))
    actor = Actor(env, 6)
    for _ in range(STEPS):
        kept, over = copied(seen), len(seen) == 5 and (seen[2] or seen[3])
        action = None if over else actor.choose(other, again[-1])
        following = tuple(env.reset() if over else env.step(action))
        for name, before, now in (("observation", kept[0], seen[0]), ("info", kept[-1], seen[-1])):
            if difference(before, now, name):
                yield fault(f"the next step changes the {name} of the last one; return a copy.")
                return
        overwritten = _written_over(again[0])
        again = tuple(other.reset() if over else other.step(action))
        if overwritten and difference(following[:4], again[:4], "step"):
            say = fault if subject.ours else advice  # Some of Gymnasium's own do.
            yield say(
                "its observation is its own state: who writes into it changes the episode; return "
                "a copy."
            )
            return
        seen = following


def _written_over(observation: Any) -> bool:
    """Overwrite the arrays of an observation; whether there are any that can be."""
    if isinstance(observation, dict | tuple | list):
        parts = observation.values() if isinstance(observation, dict) else observation
        return sum(_written_over(part) for part in parts) > 0
    if not isinstance(observation, np.ndarray) or not observation.flags.writeable:
        return False
    observation[...] = 0
    return True


@check("resumed", "a run on it can be resumed exactly from a checkpoint")
def resumed(subject: Subject) -> Iterator[Finding]:
    """Save the state of rows in segue's vector form and play on from it."""
    from segue.agents.deep.replayable_env import ReplayableVectorEnv
    from segue.envs.base.errors import SegueError

    if subject.our_rows:
        return  # Their states are arrays, see the checks of the vector form.
    vector, other = (ReplayableVectorEnv([subject.make] * 3) for _ in range(2))
    vector.reset(seed=1)
    actor = Actor(subject.example, 3)
    for _ in range(STEPS):
        vector.step(np.array([actor.any() for _ in range(3)]))
    try:
        other.load_state_dict(vector.state_dict())
    except SegueError as error:
        yield advice(str(error))
    except ValueError as error:
        yield advice(f"its runs cannot be resumed ({error}).")
