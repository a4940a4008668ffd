"""What the environments show to agents that attend: the melody itself, all pieces laid so far."""

from __future__ import annotations

import numpy as np
import pytest

from segue.envs.base.errors import SegueError
from segue.envs.melody.env import MelodyEnv, MelodyVectorEnv
from segue.envs.melody.types import NO_TOKEN, STEPS
from segue.envs.montage.env import MontageVectorEnv
from segue.envs.montage.observation import LAID_WIDTH, SHOT_WIDTH
from segue.rewards.film_view import CUT, MIRROR, NONE

FILM = {"shots": 6, "beats": 12, "bins": 4}


def test_the_tokens_are_the_melody_so_far() -> None:
    plain, shown = MelodyVectorEnv(5), MelodyVectorEnv(5, observation_mode="tokens")
    generator, line = np.random.default_rng(0), np.zeros((5, 0), dtype=np.int64)
    (facts, _), (seen, _) = plain.reset(seed=0), shown.reset(seed=0)
    for _ in range(2 * STEPS):
        assert shown.single_observation_space.contains({k: v[2] for k, v in seen.items()})
        played = line.shape[1]
        assert np.array_equal(seen["tokens"][:, :played], line[:, ::-1])
        assert (seen["tokens"][:, played:] == NO_TOKEN).all()
        assert np.array_equal(seen["tokens_mask"], np.tile(np.arange(STEPS) < played, (5, 1)))
        assert np.array_equal(seen["situation"], facts[:, :2])
        if played == STEPS:
            line = line[:, :0]
            facts, seen = plain.step(np.zeros(5))[0], shown.step(np.zeros(5))[0]
            continue
        tokens = generator.integers(0, NO_TOKEN, 5)
        (facts, reward, *_), (seen, other, *_) = plain.step(tokens), shown.step(tokens)
        assert np.array_equal(reward, other)
        line = np.concatenate([line, tokens[:, None]], axis=1)
    with pytest.raises(SegueError, match="'words'; choose one of features, tokens"):
        MelodyEnv(observation_mode="words")


@pytest.mark.parametrize("reuse", [False, True])
def test_the_timeline_is_all_pieces_so_far(reuse: bool) -> None:
    plain = MontageVectorEnv(8, reuse=reuse, **FILM)
    shown = MontageVectorEnv(8, observation_mode="sets", reuse=reuse, **FILM)
    (facts, _), (seen, info) = plain.reset(seed=0), shown.reset(seed=0)
    plain.action_space.seed(0)
    pieces, ends = FILM["beats"] if reuse else FILM["shots"], np.zeros((8, 12, 10))
    assert seen["timeline_mask"].shape == (8, pieces)
    for _ in range(30):
        batch = shown.batch
        assert np.array_equal(seen["shots"], facts["shots"])
        assert np.array_equal(seen["context"], facts["context"])
        assert np.array_equal(seen["shots_mask"], info["action_mask"][:, : FILM["shots"]])
        available = seen["shots"].reshape(8, -1, SHOT_WIDTH)[..., -1]
        assert np.array_equal(seen["shots_mask"], available)
        assert np.array_equal(seen["timeline_mask"], np.arange(pieces) < batch.cuts[:, None])
        rows = seen["timeline"].reshape(8, pieces, LAID_WIDTH)
        assert (rows[seen["timeline_mask"] == 0] == 0).all()
        for row in range(8):
            ends[row, batch.cuts[row] - 1] = seen["context"][row, -12:-2]
            for piece in range(batch.cuts[row]):
                shot, _, _, beats, transition, effect, beat = batch.timeline[row, piece]
                position = shown.task.bank.position[batch.bin[row], shot]
                expected = [beat / 12, beats / 8, position, *ends[row, piece]]
                expected += [effect == MIRROR, effect != NONE, transition != CUT]
                np.testing.assert_allclose(rows[row, piece], expected, rtol=1e-6)
        actions = plain.action_space.sample()
        facts, reward, *_ = plain.step(actions)
        seen, other, _, _, info = shown.step(actions)
        assert np.array_equal(reward, other)
