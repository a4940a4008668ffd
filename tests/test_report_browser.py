"""The page of ``segue report`` in a real browser, as wide as a phone and as a desk's screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import NAMES, Page, browser, find_browser
from reported_runs import train_runs, write_page

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(
    PROGRAM is None,
    reason=f"no browser is installed ({', '.join(NAMES)}); on Debian: apt-get install chromium",
)
SIZES = [(360, 740), (1400, 900)]

DECODED = """
Promise.all([...document.images].map(async image => {
  await image.decode().catch(() => {});
  return [image.alt, image.naturalWidth];
}))
"""
SOUNDS = """
Promise.all([...document.querySelectorAll("audio")].map(audio => new Promise(tell => {
  const told = () => tell([audio.duration, audio.error && audio.error.message]);
  if (audio.readyState || audio.error) told();
  else { audio.onloadedmetadata = told; audio.onerror = told; }
})))
"""
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"
BEYOND = """
[...document.querySelectorAll("main *")].filter(part =>
  part.getBoundingClientRect().right > innerWidth + 1 && !part.closest(".wide, .scroll, pre")
).map(part => part.outerHTML.slice(0, 80))
"""
# Contrast of every text with what lies behind it, as WCAG 2 defines it; those below 4.5.
FAINT = """
[...document.querySelectorAll("main *")]
.filter(part => [...part.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
.map(part => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const layers = [];
  for (let box = part; box; box = box.parentElement)
    layers.unshift(parse(getComputedStyle(box).backgroundColor));
  const behind = layers.reduce((under, [r, g, b, a = 1]) =>
    [r, g, b].map((v, i) => v * a + under[i] * (1 - a)), [255, 255, 255]);
  const both = [light(parse(getComputedStyle(part).color)), light(behind)].sort((a, b) => b - a);
  return [(both[0] + 0.05) / (both[1] + 0.05), part.textContent.slice(0, 40)];
}).filter(([contrast]) => contrast < 4.5)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(train_runs(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    assert PROGRAM is not None
    with browser(PROGRAM, tmp_path_factory.mktemp("profile")) as page:
        yield page


def complaints(page: Page) -> list[Any]:
    """Whatever the browser said of a page: errors, refused contents, output of scripts."""
    return [
        *(event["entry"] for event in page.named("Log.entryAdded")),
        *page.named("Runtime.consoleAPICalled"),
        *page.named("Runtime.exceptionThrown"),
    ]


def requests(page: Page) -> list[str]:
    """Addresses that were asked for, those that hold their own data left out."""
    every = [event["request"]["url"] for event in page.named("Network.requestWillBeSent")]
    return [address for address in every if not address.startswith("data:")]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_report_fits_its_window_and_shows_everything(
    window: Page, written: Path, width: int, height: int
) -> None:
    window.open(written, width, height)
    needed, there = window.run(WIDTHS)
    assert needed <= there == width
    assert window.run(BEYOND) == []
    window.run("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert window.run(WIDTHS)[0] <= width
    assert window.run(BEYOND) == []
    pictures = window.run(DECODED)
    assert len(pictures) >= 15
    assert all(alt and size > 0 for alt, size in pictures), pictures
    sounds = window.run(SOUNDS)
    assert len(sounds) == 3
    for seconds, error in sounds:
        assert error is None
        assert 2 < seconds < 10
    assert complaints(window) == []
    assert requests(window) == [written.resolve().as_uri()]


def test_a_report_tells_its_parts(window: Page, written: Path) -> None:
    window.open(written, 1400, 900)
    heads = window.run("[...document.querySelectorAll('h1, h2, h3')].map(h => h.textContent)")
    for head in ("What went wrong", "Results", "Curves", "What they made", "What was run"):
        assert head in heads
    assert heads[0] == "Report on segue/LeadSheet-v0 and segue/Multicam-v0"
    tables = window.run(
        "[...document.querySelectorAll('table')].map(t => [t.caption.textContent, "
        "t.querySelectorAll('th[scope=col]').length, t.querySelectorAll('th[scope=row]').length])"
    )
    assert all(caption and columns > 1 and rows for caption, columns, rows in tables)
    assert len(tables) >= 7
    links = window.run(
        "[...document.querySelectorAll('nav a')].map(a => !!document.querySelector(a.hash))"
    )
    assert links
    assert all(links)


@pytest.mark.parametrize("dark", [False, True])
def test_a_report_can_be_read_by_day_and_night(window: Page, written: Path, dark: bool) -> None:
    window.open(written, 1400, 900, dark=dark)
    window.run("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert window.run(FAINT) == []
    paper = window.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(16, 19, 23)" if dark else "rgb(255, 255, 255)")


def test_what_the_policy_forbids_is_seen_here(window: Page, written: Path, tmp_path: Path) -> None:
    """The page with a script, a picture from outside and a wide box: all of it is noticed."""
    text = written.read_text(encoding="utf-8")
    added = (
        "<script>document.title='run'</script><img src='https://example.org/a.png' alt='a'>"
        "<div style='width:2000px'>wide</div><p style='color:#999'>faint</p></main>"
    )
    worse = tmp_path / "worse.html"
    worse.write_text(text.replace("</main>", added), encoding="utf-8")
    window.open(worse, 360, 740)
    assert window.run("document.title") != "run"
    said = str(complaints(window))
    assert "script" in said
    assert "example.org" in said
    assert window.run(WIDTHS)[0] > 360
    assert window.run(BEYOND)
    assert ["a", 0] in window.run(DECODED)
    assert [text for _, text in window.run(FAINT)] == ["faint"]
