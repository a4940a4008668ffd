"""What README.md and docs/ say can be done: links lead somewhere, commands and code run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from segue.experiments.cli import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=page_id)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def links(text: str) -> list[str]:
    """Targets of links and pictures that lie in the checkout, without their anchors."""
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.split("#")[0] for target in found if "://" not in target and target[0] != "#"]


def spoken_commands(text: str) -> list[list[str]]:
    """Words after ``segue`` of every command in a code span, a bash block or an indented line."""
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
    lines = "\n".join(blocks).splitlines() + re.findall(r"^ {4}(.*)", text, flags=re.MULTILINE)
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    matches = [re.match(r"(?:\w+=\S+ )*segue ([a-z].*)", part) for part in spans + lines]
    return [shlex.split(match[1], comments=True) for match in matches if match]


@every_page
def test_links_and_pictures_exist(page: Path) -> None:
    missing = [target for target in links(text_of(page)) if not (page.parent / target).exists()]
    assert missing == []


def test_links_are_found() -> None:
    text = "[a](b.md#c) ![d](e/f.png) [g](https://h) [i](#j)"
    assert links(text) == ["b.md", "e/f.png"]
    assert "docs/pictures/timeline.png" in links(text_of(README))


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES], ids=page_id)
def test_commands_have_verbs_and_options_that_exist(page: Path) -> None:
    for verb, *words in spoken_commands(text_of(page)):
        assert verb in COMMANDS
        command = COMMANDS[verb]
        if hasattr(command, "commands"):
            command = command.commands[words[0]]
        known = {name for option in command.params for name in option.opts}
        assert {word for word in words if word.startswith("--")} <= known | {"--help"}


def test_commands_are_found() -> None:
    text = "segue is\n| `segue envs --json` |\n```bash\nA=b segue train x --steps 1  # why\n```\n"
    text += "    segue demo\n"
    assert spoken_commands(text) == [["envs", "--json"], ["train", "x", "--steps", "1"], ["demo"]]


@pytest.mark.parametrize("page", [README, ROOT / "docs" / "command-line.md"], ids=page_id)
def test_every_verb_is_shown(page: Path) -> None:
    assert {verb for verb, *_ in spoken_commands(text_of(page))} == set(COMMANDS)


def test_every_option_is_explained() -> None:
    text = text_of(ROOT / "docs" / "command-line.md")
    named = set(re.findall(r"--[a-z][a-z-]*", text))
    options = {
        name
        for verb in COMMANDS.values()
        for command in getattr(verb, "commands", {"": verb}).values()
        for option in command.params
        for name in option.opts
        if name.startswith("--")
    }
    assert options <= named


def test_the_python_in_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", text_of(README), flags=re.DOTALL)
    exec(compile(block, str(README), "exec"), {})
    found = re.match(r"greedy: ([\d.]+), optimum: ([\d.]+), exact: True", capsys.readouterr().out)
    assert found
    assert 0.0 < float(found[1]) <= float(found[2])


def test_every_example_is_linked() -> None:
    assert {f"docs/examples/{path.name}" for path in EXAMPLES} <= set(links(text_of(README)))


def test_versions_agree() -> None:
    project = re.search(r'^version = "(.+)"$', text_of(ROOT / "pyproject.toml"), flags=re.MULTILINE)
    assert project
    citation = yaml.safe_load(text_of(ROOT / "CITATION.cff"))
    assert citation["version"] == project[1]
    assert f"## [{project[1]}]" in text_of(ROOT / "CHANGELOG.md")
