"""`segue/Multicam-v0`: the Gymnasium face of choosing the camera over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from segue.envs.base.single import SegueEnv
from segue.envs.base.transition_model import TransitionModel
from segue.envs.base.vector import SegueVectorEnv
from segue.envs.film.edit import Edit
from segue.envs.multicam import observation
from segue.envs.multicam.task import Footage, Multicam, MulticamBatch
from segue.envs.multicam.timeline import to_edit
from segue.envs.multicam.types import SCENE, STEP, Scene
from segue.rewards.base import WeightedSum
from segue.rewards.multicam import MULTICAM
from segue.rewards.multicam_view import CameraView


class MulticamEnv(SegueEnv[MulticamBatch]):
    """Choose the camera of a scene, one step of time after the other.

    ## Description
    Several cameras see one event at the same time. In every step (half a second unless told
    otherwise) the agent says which one is on the air. Every episode plays a *scene*: how well each
    camera sees the speaker or the action, how much the moment matters, and where the audience
    needs to be shown where it is. Scenes are drawn conversations by default, or come from footage:
    several files that run in sync are the cameras; of a single take, crops are cut out as virtual
    cameras, and a warning, the scene's note and the picture say so. Every term of the reward
    depends only on the step, the camera on the air, the one of the shot before and how long the
    shot has lasted, up to a cap, so that the optimum is computed exactly: a semi-Markov Viterbi.

    ## Action Space
    `Discrete(n)`, one for each camera: the one shown in this step. The one on the air goes on, any
    other is a cut. A shot must last `hold` steps: until then, and where fewer are left in the
    scene, only the camera on the air is legal. An illegal action counts as the lowest legal camera
    and costs the weight of the term `legality`. Masks: ``info["action_mask"]`` (int8) and
    `action_masks()` (bool).

    ## Observation Space
    `MultiDiscrete`, 13 + 8 n integers (int16). Of the programme: steps played; steps left; camera
    on the air and that of the shot before (n = none); steps that the shot has lasted (capped). Of
    the moment, now and 1, 2 and 4 steps ahead: emphasis (0 to 3); whether the audience needs to be
    oriented. Of each camera: shot size plus one (1 wide, 4 close, 0 = no such camera); how well it
    sees the speaker or the action now and 1, 2 and 4 steps ahead (0 to 7). Of each camera: steps
    since it was last on the air (1 = in the step before, 24 = long ago, 0 = never). Of each: its
    shots so far (capped at 15). Of each: how alike it is to the one on the air (0 to 3).

    ## Rewards
    The sum of the weighted terms of `segue.rewards.multicam.MULTICAM`: visibility, scale, pacing,
    long_take, jump_cut, ping_pong, establishing, legality. ``info["reward_terms"]`` holds each;
    they add up to the reward.

    ## Starting State
    Nothing on the air, before the first step of a scene of the bank, chosen by the seed.

    ## Episode End
    Terminates after the last step of the scene. Never truncates.

    ## Arguments
    - `scenes` (int or sequence of Scene, default 16): how many scenes the bank draws, or the scenes
      themselves, of any numbers of cameras and steps.
    - `footage` (path or sequence of paths, default None): a film, a folder of films, or films to
      make the scenes of, `steps` steps of `seconds` long; the files are read once and remembered.
    - `scene_seed` (int, default 0): seed of the drawn scenes; take another for testing.
    - `cameras` (int, default 4): cameras of a drawn scene, 2 to 15.
    - `steps` (int, default 120): length of a scene.
    - `seconds` (float, default 0.5): length of a step.
    - `hold` (int, default 2): steps that a shot lasts at least.
    - `longest` (int, default 24): steps that a shot has lasted beyond which nothing depends on it.
    - `reward_weights` (mapping, default None): weights that replace the reward's, by term.
    - `reward` (WeightedSum, default `MULTICAM`): terms and weights, such as some of one's own.
    - `render_mode` (str, default None): `"rgb_array"` gives the cameras as lanes over time.

    ## Version History
    - v0: first version.
    """

    def __init__(
        self,
        scenes: int | Sequence[Scene] = 16,
        footage: Footage | None = None,
        scene_seed: int = 0,
        cameras: int = 4,
        steps: int = 120,
        seconds: float = 0.5,
        hold: int = 2,
        longest: int = 24,
        reward_weights: Mapping[str, float] | None = None,
        reward: WeightedSum[CameraView] = MULTICAM,
        render_mode: str | None = None,
    ) -> None:
        task = Multicam(
            scenes,
            footage,
            scene_seed,
            cameras,
            steps,
            seconds,
            hold,
            longest,
            reward_weights,
            reward,
        )
        super().__init__(task, render_mode)

    @property
    def multicam(self) -> Multicam:
        """The task behind this environment."""
        assert isinstance(self.task, Multicam)
        return self.task

    @property
    def scene(self) -> Scene:
        """The scene of the current episode."""
        return self.multicam.bank.scenes[int(self.batch.state[0, SCENE])]

    @property
    def programme(self) -> npt.NDArray[np.int8]:
        """Cameras shown so far, one a step."""
        return self.batch.history[: int(self.batch.state[0, STEP]), 0].copy()

    def edit(self, title: str = "") -> Edit:
        """Edit of the programme so far, for a scene from footage; see `timeline.to_edit`."""
        programme = self.programme
        judged = self.multicam.judge(int(self.batch.state[0, SCENE]), programme)
        return to_edit(self.scene, programme, title, *judged)

    def optimum(self) -> float:
        """Exact optimal return V* of the current scene."""
        return self.bound().value

    def transition_model(self) -> TransitionModel:
        """Tables of the current scene for compiled solvers; reset first."""
        return self.multicam.model(int(self.batch.state[0, SCENE]))

    def state_index(self, observed: Any) -> int:
        """Row of `transition_model` that an observation stands for."""
        step, _, camera, previous, age = (
            int(part) for part in observed[: observation.OF_PROGRAMME]
        )
        return self.multicam.state(step, camera, previous, age)


class MulticamVectorEnv(SegueVectorEnv[MulticamBatch]):
    """Many multicam programmes at once; see `MulticamEnv` and `SegueVectorEnv`."""

    def __init__(
        self,
        num_envs: int = 1,
        scenes: int | Sequence[Scene] = 16,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(Multicam(scenes, **options), num_envs, autoreset_mode, render_mode)
