"""The site that `make docs` builds: without warnings, whole in itself, and nothing from outside."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest

import segue.envs
from segue.envs.base.errors import SegueError
from segue.experiments import statistics
from segue.experiments.api_pages import MODULES, api_page, public_names, write_api

ROOT = Path(__file__).parents[1]
LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href"}
"""What a browser fetches by itself when it shows a page."""


class Page(HTMLParser):
    """What a page links to, loads, and can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in LOADED and LOADED[tag] in found:
            self.loaded.append(found[LOADED[tag]])


def outside(url: str) -> bool:
    return bool(urlsplit(url).netloc)


def missing(site: Path) -> list[str]:
    """Links to pages, files or anchors that are not there, but those that Sphinx writes itself."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    lost = []
    for path, page in pages.items():
        for url in page.links + page.loaded:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and anchor not in pages[target].anchors):
                lost.append(f"{path.relative_to(site)}: {url}")
    return lost


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    folders = ["-d", str(folder / "doctrees"), str(ROOT / "docs"), str(folder / "html")]
    made = subprocess.run(command + folders, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder / "html"


def test_no_page_loads_anything_from_outside(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    loaded = {url for path in pages for url in Page(path.read_text(encoding="utf-8")).loaded}
    assert [url for url in loaded if outside(url)] == []
    styles = "\n".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)\s]*", styles) == []


def test_links_lead_to_pages_and_anchors_that_exist(site: Path) -> None:
    assert missing(site) == []


def test_every_part_is_on_the_first_page(site: Path) -> None:
    first = (site / "index.html").read_text(encoding="utf-8")
    links = set(Page(first).links)
    assert {"tutorial.html", "judging.html", "leaderboard.html", "api/index.html"} <= links
    assert {f"envs/{env_id.split('/')[1]}.html" for env_id in segue.envs.IDS} <= links


def test_every_page_can_be_reached_from_the_first(site: Path) -> None:
    reached, waiting = set(), [site / "index.html"]
    while waiting:
        path = waiting.pop()
        reached.add(path)
        found = (urlsplit(url) for url in Page(path.read_text(encoding="utf-8")).links)
        paths = {(path.parent / unquote(url.path)).resolve() for url in found if not url.netloc}
        new = {one for one in paths if one.suffix == ".html" and one.is_file()} - reached
        waiting += new - set(waiting)
    own = {site / name for name in ("genindex.html", "py-modindex.html", "search.html")}
    assert reached == {path.resolve() for path in set(site.rglob("*.html")) - own}


def test_every_page_of_an_environment_shows_its_agent(site: Path) -> None:
    for env_id in segue.envs.IDS:
        name = env_id.split("/")[1]
        page = Page((site / "envs" / f"{name}.html").read_text(encoding="utf-8"))
        assert f"../_images/{name}.gif" in page.loaded


def test_docstrings_are_in_the_reference(site: Path) -> None:
    text = (site / "api" / "segue.experiments.statistics.html").read_text(encoding="utf-8")
    page = Page(text)
    names = public_names(statistics)
    assert {f"segue.experiments.statistics.{name}" for name in names} <= page.anchors
    assert "<strong>low</strong> (<code" in text
    assert "Mean of the middle half of all scores" in text


def test_faults_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html#x">b</a><script src="//c.org/d.js">')
    (tmp_path / "b.html").write_text('<p id="y"><a href="a.html">a</a><img src="e.png">')
    assert sorted(missing(tmp_path)) == ["a.html: b.html#x", "b.html: e.png"]
    assert [url for url in Page((tmp_path / "a.html").read_text()).loaded if outside(url)]


def test_pages_of_the_reference_are_written_once(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("a module that is told no longer")
    pages = write_api(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(pages)
    assert len(pages) == 1 + sum(map(len, MODULES.values()))
    before = {path: path.stat().st_mtime_ns for path in pages}
    write_api(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in pages} == before


def test_a_page_has_each_public_name() -> None:
    text = api_page("segue.agents.demonstrations")
    assert ".. autoclass:: segue.agents.demonstrations.Episode" in text
    assert ".. autofunction:: segue.agents.demonstrations.read_episodes" in text
    assert ".. py:data:: segue.agents.demonstrations.Player" in text


def test_a_name_without_docstring_is_told() -> None:
    module = ModuleType("empty")

    def bare() -> None:
        pass

    module.__dict__["bare"] = bare
    module.__dict__["__all__"] = ["bare"]
    with pytest.raises(SegueError, match=r"empty\.bare has no docstring"):
        public_names(module)
