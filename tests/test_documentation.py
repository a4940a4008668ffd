"""What the documentation says of the environments is what they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import segue.envs
from segue.envs.base.errors import SegueError
from segue.envs.lead_sheet.env import LeadSheetEnv
from segue.experiments import documentation
from segue.experiments.documentation import (
    BEGIN,
    END,
    SECTIONS,
    environment_page,
    environment_rows,
    environment_table,
    horizon_text,
    main,
    space_text,
    stale_docs,
    write_docs,
)

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    readme = f"# segue\n\nbefore\n{BEGIN}\nold\n{END}\nafter\n"
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    return tmp_path


def test_readme_and_pages_are_current() -> None:
    stale = [path.relative_to(ROOT).as_posix() for path in stale_docs(ROOT)]
    assert stale == [], "run python -m segue.experiments.documentation"


def test_the_table_has_a_row_for_every_id() -> None:
    lines = environment_table().splitlines()
    assert len(lines) == 2 + len(segue.envs.IDS)
    assert {line.count("|") for line in lines} == {7}
    for env_id, line in zip(segue.envs.IDS, lines[2:], strict=True):
        page = f"docs/envs/{env_id.removeprefix('segue/')}.md"
        assert line.startswith(f"| [`{env_id}`]({page}) |")
        doc = type(gym.make(env_id).unwrapped).__doc__
        assert doc is not None
        assert doc.splitlines()[0] in line


def test_the_rows_tell_spaces_horizon_and_bound() -> None:
    rows = {row["id"]: row for row in environment_rows()}
    assert list(rows) == list(segue.envs.IDS)
    sheet, montage = rows["segue/LeadSheet-v0"], rows["segue/Montage-v0"]
    assert (sheet["actions"], sheet["horizon"]) == ("Discrete(27)", "64 steps")
    assert sheet["bound"] == "exact optimum"
    assert montage["actions"] == "MultiDiscrete([16, 3, 6, 15, 20])"
    assert (montage["horizon"], montage["bound"]) == ("at most 16 steps", "upper bound")
    assert montage["observation"].startswith("Dict(context: Box(-1 to 2, (43,), float32)")


@pytest.mark.parametrize("env_id", segue.envs.IDS)
def test_a_page_ends_with_what_agents_reached(env_id: str) -> None:
    text = environment_page(env_id, ROOT)
    assert text.startswith(environment_page(env_id))
    told = text.removeprefix(environment_page(env_id))
    assert told.startswith("\n## Results\n")
    animation = ROOT / "docs" / "pictures" / "envs" / f"{env_id.split('/')[1]}.gif"
    assert f"](../pictures/envs/{animation.name})" in told
    assert animation.stat().st_size < 300_000
    rows = re.findall(r"^\| ([a-z][\w -]*?) +\|", told, flags=re.MULTILINE)
    bound = "exact optimum" if gym.make(env_id).unwrapped.bound().exact else "upper bound"
    assert rows[:3] == ["policy", "random", "greedy"]
    assert rows[-1] == bound
    assert "Made by `python -m segue.experiments.env_pictures`" in told


@pytest.mark.parametrize("env_id", segue.envs.IDS)
def test_a_page_has_the_sections_of_the_docstring(env_id: str) -> None:
    text = environment_page(env_id)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [f"# {env_id}", *(f"## {section}" for section in SECTIONS)]
    assert f'`gymnasium.make("segue.envs:{env_id}")`' in text
    assert "\n    " not in text, "the docstring's indentation is gone"
    assert text.endswith("- v0: first version.\n")


def test_an_unknown_id_is_told() -> None:
    with pytest.raises(SegueError, match="segue/Nothing-v0"):
        environment_page("segue/Nothing-v0")


def test_a_docstring_without_its_sections_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LeadSheetEnv, "__doc__", "Short.\n\n## Description\nNothing.\n")
    with pytest.raises(SegueError, match="LeadSheetEnv has the sections Description; give it"):
        environment_page("segue/LeadSheet-v0")


def test_an_env_of_unknown_length_is_told() -> None:
    env: Any = LeadSheetEnv(bars=1, pieces=1)
    assert horizon_text(env) == "8 steps"
    env.task = object()
    with pytest.raises(SegueError, match="horizon"):
        horizon_text(env)


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (spaces.Discrete(5), "Discrete(5)"),
        (spaces.MultiDiscrete([2, 3]), "MultiDiscrete([2, 3])"),
        (spaces.MultiDiscrete([2, 9] * 5), "MultiDiscrete(10 integers, each below 9)"),
        (spaces.Box(0, 255, (4, 2, 3), np.uint8), "Box(0 to 255, (4, 2, 3), uint8)"),
        (
            spaces.Dict(
                a=spaces.Box(np.float32([-1.0, 0.0]), np.float32([1.0, 2.5])), b=spaces.Discrete(2)
            ),
            "Dict(a: Box(-1 to 2.5, (2,), float32), b: Discrete(2))",
        ),
    ],
)
def test_spaces_are_told_in_one_line(space: spaces.Space[Any], text: str) -> None:
    assert space_text(space) == text


def test_what_is_written_is_current_and_what_is_changed_is_stale(checkout: Path) -> None:
    readme, folder = checkout / "README.md", checkout / "docs" / "envs"
    pages = [folder / f"{env_id.split('/')[1]}.md" for env_id in segue.envs.IDS]
    board = checkout / "docs" / "leaderboard.md"
    assert stale_docs(checkout) == [*pages, board, readme]
    write_docs(checkout)
    assert stale_docs(checkout) == []
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"# segue\n\nbefore\n{BEGIN}\n\n| id |")
    assert text.endswith(f"|\n\n{END}\nafter\n")
    assert "old" not in text
    assert pages[0].read_text(encoding="utf-8") == environment_page(segue.envs.IDS[0])
    readme.write_text(text.replace("Discrete(27)", "Discrete(28)"), encoding="utf-8")
    pages[1].write_text("changed", encoding="utf-8")
    gone = folder / "Gone-v0.md"
    gone.write_text("an id that is registered no longer", encoding="utf-8")
    assert stale_docs(checkout) == [pages[1], readme, gone]
    write_docs(checkout)
    assert stale_docs(checkout) == []
    assert not gone.exists()
    assert readme.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", ["# segue\n", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
def test_missing_markers_are_told(checkout: Path, text: str) -> None:
    readme = checkout / "README.md"
    readme.write_text(text, encoding="utf-8")
    for act in (stale_docs, write_docs):
        with pytest.raises(SegueError, match=r"README\.md lacks the markers"):
            act(checkout)
    assert readme.read_text(encoding="utf-8") == text
    readme.unlink()
    with pytest.raises(SegueError, match=r"README\.md does not exist"):
        stale_docs(checkout)


def test_the_command_writes_and_checks(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(checkout), "--check"]) == 1
    assert str(checkout / "README.md") in capsys.readouterr().out.splitlines()
    assert main([str(checkout)]) == 0
    assert main([str(checkout), "--check"]) == 0
    assert capsys.readouterr().out == ""
    (checkout / "README.md").unlink()
    assert main([str(checkout)]) == 2
    assert "README.md does not exist" in capsys.readouterr().err


def test_public_names_have_their_pages_beside_the_readme() -> None:
    assert documentation.page_path("segue/Montage-v0").as_posix() == "docs/envs/Montage-v0.md"
