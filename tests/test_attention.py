"""Self-attention over sets and histories: what it must not see, what it learns, where it runs."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.torch_layers import CombinedExtractor
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from segue.agents.deep import NativeVecEnv, build, load_checkpoint, save_checkpoint
from segue.agents.deep.attention import AttentionExtractor, Elements, elements_of
from segue.envs.base.errors import SegueError
from segue.envs.melody.env import MelodyVectorEnv
from segue.envs.montage.env import MontageVectorEnv

torch.set_num_threads(1)

Seen = dict[str, torch.Tensor]
FILM = {"shots": 6, "beats": 12, "bins": 4}


def box(*shape: int) -> spaces.Box:
    return spaces.Box(-1.0, 1.0, shape, np.float32)


def space_of(n: int) -> spaces.Dict:
    """n candidates of three numbers, a history of four tokens out of five, a situation."""
    return spaces.Dict(
        {
            "bin": box(n * 3),
            "bin_mask": spaces.MultiBinary(n),
            "laid": box(2, 4),
            "tokens": spaces.MultiDiscrete([5] * 4),
            "situation": box(2),
        }
    )


def seen_in(space: spaces.Space[Any], count: int = 5, seed: int = 0) -> Any:
    """Draw `count` observations as an extractor gets them."""
    space.seed(seed)
    drawn = [space.sample() for _ in range(count)]
    if not isinstance(space, spaces.Dict):
        return preprocess_obs(torch.as_tensor(np.stack(drawn)), space)
    stacked = {key: torch.as_tensor(np.stack([one[key] for one in drawn])) for key in space}
    return preprocess_obs(stacked, space)


def make(space: spaces.Space[Any], **settings: Any) -> AttentionExtractor:
    torch.manual_seed(0)
    return AttentionExtractor(space, **{"hidden": 16, "features_dim": 12, "layers": 2} | settings)


# --- what the space says -----------------------------------------------------------------------


def test_the_space_says_what_there_is_many_of() -> None:
    assert elements_of(space_of(7)) == (
        Elements("bin", 7, 3, ordered=False, masked=True),
        Elements("laid", 2, 4, ordered=False, masked=False),
        Elements("tokens", 4, 5, ordered=True, masked=False),
    )
    alone = spaces.MultiDiscrete([9, 9, 9])
    assert elements_of(alone) == (Elements("", 3, 9, ordered=True, masked=False),)
    rest = {"flags": spaces.MultiDiscrete([2, 3]), "one": spaces.Discrete(4), "vector": box(6)}
    assert elements_of(spaces.Dict(rest)) == ()


@pytest.mark.parametrize(
    ("entry", "mask"),
    [
        (box(7), spaces.MultiBinary(3)),
        (box(6, 2), spaces.MultiBinary(3)),
        (spaces.MultiDiscrete([4] * 5), spaces.MultiBinary(3)),
        (spaces.MultiDiscrete([4, 5, 4]), spaces.MultiBinary(3)),
        (spaces.Discrete(3), spaces.MultiBinary(3)),
        (box(2, 3, 4), spaces.MultiBinary(2)),
        (box(4), spaces.MultiBinary((2, 2))),
    ],
)
def test_a_mask_that_does_not_fit_is_told(entry: Any, mask: Any) -> None:
    with pytest.raises(SegueError, match="'set' of the observation"):
        elements_of(spaces.Dict({"set": entry, "set_mask": mask}))


def test_other_mistakes_are_told() -> None:
    with pytest.raises(SegueError, match="no set or history to attend to"):
        AttentionExtractor(spaces.Dict({"vector": box(3)}))
    with pytest.raises(SegueError, match="no set 'shots'"):
        AttentionExtractor(space_of(3), choose_from="shots")
    with pytest.raises(SegueError, match="multiple of heads"):
        AttentionExtractor(space_of(3), hidden=10, heads=4)


# --- what it must not see ----------------------------------------------------------------------


def test_features_do_not_depend_on_the_order_of_a_set() -> None:
    env = MontageVectorEnv(16, observation_mode="sets", **FILM)
    seen, _ = env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(4):
        seen, *_ = env.step(env.action_space.sample())
    extractor = make(env.single_observation_space)
    seen = {key: torch.as_tensor(rows).float() for key, rows in seen.items()}
    assert 0.0 < seen["shots_mask"].mean() < 1.0
    assert 0.0 < seen["timeline_mask"].mean() < 1.0
    expected, turned = extractor(seen), dict(seen)
    for key in ("shots", "timeline"):
        order = torch.randperm(FILM["shots"])
        turned[f"{key}_mask"] = seen[f"{key}_mask"][:, order]
        turned[key] = seen[key].view(16, FILM["shots"], -1)[:, order].flatten(1)
    assert torch.allclose(extractor(turned), expected, atol=1e-5)
    # The rows and their masks belong together.
    turned["shots"] = seen["shots"]
    assert not torch.allclose(extractor(turned), expected, atol=1e-3)


@pytest.mark.parametrize("value", [7.0, 1e30, np.inf, np.nan])
def test_what_stands_where_nothing_is_does_not_matter(value: float) -> None:
    extractor, seen = make(space_of(6), choose_from="bin"), seen_in(space_of(6))
    expected = extractor(seen)
    gone = (seen["bin_mask"] == 0).repeat_interleave(3, dim=1)
    assert gone.any()
    changed = seen | {"bin": seen["bin"].masked_fill(gone, value)}
    assert torch.equal(extractor(changed), expected)
    extractor(changed).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in extractor.parameters())


def test_more_room_changes_nothing() -> None:
    small, large = make(space_of(4)), make(space_of(9))
    large.load_state_dict(small.state_dict())
    seen = seen_in(space_of(4))
    room = {"bin": torch.randn(5, 15), "bin_mask": torch.zeros(5, 5)}
    wider = seen | {key: torch.cat([seen[key], more], dim=1) for key, more in room.items()}
    assert torch.allclose(large(wider), small(seen), atol=1e-6)


def test_nothing_to_choose_from_is_no_trouble() -> None:
    space = spaces.Dict({"bin": box(3, 2), "bin_mask": spaces.MultiBinary(3)})
    extractor, seen = make(space), seen_in(space)
    seen["bin_mask"] = torch.zeros(5, 3)
    features = extractor(seen)
    assert features.isfinite().all()
    assert torch.equal(features, features[:1].expand(5, -1))


# --- what it must see --------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["bin", "bin_mask", "laid", "tokens", "situation"])
def test_every_entry_counts(key: str) -> None:
    space = space_of(6)
    extractor, seen = make(space), seen_in(space)
    changed = 1.0 - seen[key] if key == "bin_mask" else seen_in(space, seed=1)[key]
    other = seen | {key: changed}
    assert ((extractor(other) - extractor(seen)).abs().amax(dim=1) > 1e-3).all()


def test_pictures_are_seen_beside_the_set() -> None:
    picture = spaces.Box(0, 255, (3, 32, 32), dtype=np.uint8)
    space = spaces.Dict({"bin": box(4, 2), "picture": picture})
    extractor, seen = make(space), seen_in(space)
    darker = seen | {"picture": seen["picture"] * 0.0}
    assert not torch.allclose(extractor(darker), extractor(seen), atol=1e-3)


def test_the_order_of_tokens_counts() -> None:
    space = spaces.MultiDiscrete([9] * 4)
    extractor = make(space)
    one, other = (
        preprocess_obs(torch.tensor([tokens]), space) for tokens in ([1, 2, 3, 4], [2, 1, 3, 4])
    )
    assert not torch.allclose(extractor(one), extractor(other), atol=1e-3)


def test_codes_to_choose_from_move_with_their_elements() -> None:
    extractor, seen = make(space_of(6), choose_from="bin", choice_width=3), seen_in(space_of(6))
    assert extractor.features_dim == 12 + 6 * 3
    order = torch.tensor([3, 5, 0, 1, 4, 2])
    moved = seen | {
        "bin": seen["bin"].view(5, 6, 3)[:, order].flatten(1),
        "bin_mask": seen["bin_mask"][:, order],
    }
    before, after = extractor(seen), extractor(moved)
    assert torch.allclose(after[:, :12], before[:, :12], atol=1e-5)
    codes = before[:, 12:].view(5, 6, 3)
    assert torch.allclose(after[:, 12:].view(5, 6, 3), codes[:, order], atol=1e-5)
    assert torch.equal((codes != 0).any(dim=2), seen["bin_mask"] > 0)


# --- what it learns that a multilayer perceptron does not ----------------------------------------

ROOM, KINDS = 8, 4
HAND = spaces.Dict(
    {"set": box(ROOM * (1 + KINDS)), "set_mask": spaces.MultiBinary(ROOM), "wanted": box(1)}
)


def draw_hands(
    count: int, most: int, anywhere: bool, random: torch.Generator
) -> tuple[Seen, torch.Tensor]:
    """Sets of two to `most` elements of a height and a kind; the kind of the highest or lowest."""
    height = torch.rand(count, ROOM, generator=random)
    kind = torch.randint(KINDS, (count, ROOM), generator=random)
    there = torch.arange(ROOM) < torch.randint(2, most + 1, (count, 1), generator=random)
    if anywhere:
        there = there.gather(1, torch.rand(count, ROOM, generator=random).argsort(dim=1))
    wanted = torch.randint(2, (count, 1), generator=random) * 2.0 - 1.0
    best = (height * wanted).masked_fill(~there, -9.0).argmax(dim=1, keepdim=True)
    rows = torch.cat([height[..., None], one_hot(kind, KINDS)], dim=2).flatten(1)
    return {"set": rows, "set_mask": there.float(), "wanted": wanted}, kind.gather(1, best)[:, 0]


def accuracy_of(extractor: AttentionExtractor | CombinedExtractor, *hidden: int) -> list[float]:
    """Learn from sets of up to four in the first places; test there, elsewhere, on up to eight."""
    random, layers, width = torch.Generator().manual_seed(0), [extractor], extractor.features_dim
    for size in hidden:
        layers += [nn.Linear(width, size), nn.ReLU()]
        width = size
    network = nn.Sequential(*layers, nn.Linear(width, KINDS))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(300):
        seen, right = draw_hands(256, 4, False, random)
        optimizer.zero_grad()
        cross_entropy(network(seen), right).backward()
        optimizer.step()
    tests = [draw_hands(2000, *test, random) for test in ((4, False), (4, True), (8, True))]
    with torch.no_grad():
        return [float((network(s).argmax(dim=1) == right).float().mean()) for s, right in tests]


def test_it_generalises_to_other_places_and_sizes() -> None:
    torch.manual_seed(0)
    same, elsewhere, larger = accuracy_of(AttentionExtractor(HAND, hidden=32))
    assert min(same, elsewhere, larger) > 0.9
    flat = accuracy_of(CombinedExtractor(HAND), 128, 128)
    # 0.25 is chance.
    assert max(flat[1:]) < 0.55


# --- in agents ---------------------------------------------------------------------------------


def films(count: int = 4) -> NativeVecEnv:
    env = MontageVectorEnv(
        count, observation_mode="sets", autoreset_mode=AutoresetMode.SAME_STEP, **FILM
    )
    return NativeVecEnv(env)


def melodies(count: int = 4) -> NativeVecEnv:
    env = MelodyVectorEnv(count, observation_mode="tokens", autoreset_mode=AutoresetMode.SAME_STEP)
    return NativeVecEnv(env)


SETTINGS: dict[str, dict[str, Any]] = {
    "ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 1},
    "a2c": {"n_steps": 8},
    "maskable-ppo": {"n_steps": 8, "batch_size": 16, "n_epochs": 1},
    "dqn": {"buffer_size": 500, "learning_starts": 20, "batch_size": 16},
}
SMALL = {"features_extractor_kwargs": {"hidden": 16, "features_dim": 8}}


def agent_on(name: str, venv: NativeVecEnv, **more: Any) -> BaseAlgorithm:
    settings = SETTINGS[name] | {"policy": "attention", "policy_kwargs": SMALL} | more
    return build(name, venv, seed=3, hyperparameters=settings)


@pytest.mark.parametrize(
    ("name", "envs"),
    [
        (name, envs)
        for name in SETTINGS
        for envs in (films, melodies)
        # DQN takes actions of one dimension only.
        if (name, envs) != ("dqn", films)
    ],
)
def test_every_agent_trains_twice_to_the_same_weights(name: str, envs: Any) -> None:
    learnt = []
    for _ in range(2):
        agent = agent_on(name, envs())
        first = {key: value.clone() for key, value in agent.policy.state_dict().items()}
        agent.learn(64)
        learnt.append(agent.policy.state_dict())
    moved = {key for key, value in learnt[0].items() if not torch.equal(value, first[key])}
    assert any("blocks" in key for key in moved)
    assert any("embed" in key for key in moved)
    assert all(torch.equal(value, learnt[1][key]) for key, value in learnt[0].items())


def test_actions_that_choose_from_a_set_get_its_codes() -> None:
    chosen = agent_on("ppo", films()).policy.features_extractor
    assert (chosen.choose_from, chosen.features_dim) == ("shots", 8 + FILM["shots"] * 4)
    own = {"features_extractor_kwargs": {"hidden": 16, "choose_from": None}}
    assert agent_on("ppo", films(), policy_kwargs=own).policy.features_extractor.code is None
    assert agent_on("ppo", melodies()).policy.features_extractor.code is None


def test_a_checkpoint_brings_it_back(tmp_path: Any) -> None:
    first, second = agent_on("maskable-ppo", films()), agent_on("maskable-ppo", films())
    first.learn(64)
    save_checkpoint(first, tmp_path, {})
    load_checkpoint(second, tmp_path)
    seen = films().reset()
    played = [agent.predict(seen, deterministic=True)[0] for agent in (first, second)]
    assert np.array_equal(*played)


def test_it_serves_an_agent_that_is_not_built_here() -> None:
    kwargs = {"features_extractor_class": AttentionExtractor, **SMALL}
    env = gym.make("segue.envs:segue/Melody-v0", observation_mode="tokens")
    agent = PPO("MultiInputPolicy", env, n_steps=32, batch_size=16, policy_kwargs=kwargs)
    agent.learn(64)
    assert isinstance(agent.policy.features_extractor, AttentionExtractor)
