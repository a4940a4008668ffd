"""Folders of films on a Ray cluster: ``python -m segue.experiments.ray_films``.

``analyse FOLDER`` finds and describes the shots of every film, one task a film, and shares what was
found once, through Ray's object store, with the caches of all nodes: whatever wants the features of
these films afterwards, on any node, finds them. ``render FOLDER --footage FILMS --out OUT`` renders
every timeline of a folder to MP4, one task a timeline. All nodes must see the folders by the same
path. A task whose node dies is given to another one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from segue.envs.base.cache import cache_folder, file_digest
from segue.envs.base.errors import SegueError
from segue.envs.film.analysis import analyse
from segue.envs.film.analysis_record import FilmRecord, remember, remembered, table_of
from segue.envs.film.gate import film_files
from segue.envs.film.renderer import render
from segue.envs.film.shots import ShotTable
from segue.envs.film.timelines import read_timeline, to_edit
from segue.envs.film.timelines.files import SUFFIXES
from segue.experiments.progress import progress_bar
from segue.experiments.ray_session import LOCAL, ray_session

Tell = Callable[[float, str], None]


def analyse_films(paths: Sequence[Path], tell: Tell) -> ShotTable:
    """Find and describe the shots of films on the Ray that is connected.

    Parameters
    ----------
    paths : sequence of Path
        The films; the same content twice counts once.
    tell : callable
        Told the share done and what is being done.

    Returns
    -------
    ShotTable
        As `segue.envs.film.analysis.analyse` gives it.

    Raises
    ------
    SegueError
        If a film cannot be read or holds no shot.
    """
    films: dict[str, Path] = {}
    for path in paths:
        films.setdefault(file_digest(path), path.absolute())
    known = {digest: remembered(cache_folder(), digest) for digest in films}
    records = {digest: record for digest, record in known.items() if record is not None}
    left = {digest: (str(path), digest) for digest, path in films.items() if digest not in records}
    for digest, record in _done(_film_record, left, "films", tell):
        records[digest] = record
    share(records)
    return table_of(films, records)


def share(records: Mapping[str, FilmRecord]) -> None:
    """Put records, by SHA-256 of their films, into the cache of every node of the cluster."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    stored = ray.put(records)
    every: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    nodes = [node["NodeID"] for node in every if node["Alive"]]
    places = [NodeAffinitySchedulingStrategy(node, soft=True) for node in nodes]
    keep = ray.remote(num_cpus=0)(_keep)
    ray.get([keep.options(scheduling_strategy=place).remote(stored) for place in places])
    _keep(records)


def render_timelines(folder: Path, footage: Path, out: Path, tell: Tell) -> list[Path]:
    """Render every timeline of a folder on the Ray that is connected.

    Parameters
    ----------
    folder : Path
        Holds timelines, each with a name of its own.
    footage : Path
        Holds their media.
    out : Path
        Gets ``<name>.mp4`` of each; made if missing.
    tell : callable
        Told the share done and what is being done.

    Returns
    -------
    list of Path
        The films, sorted by name.

    Raises
    ------
    SegueError
        If there is no timeline, two have one name, or one cannot be rendered.
    """
    films = timelines(folder)
    out.mkdir(parents=True, exist_ok=True)
    into = {name: out.absolute() / f"{name}.mp4" for name in films}
    jobs = {name: (str(films[name]), str(footage.absolute()), str(into[name])) for name in films}
    for _ in _done(_render, jobs, "timelines", tell):
        pass
    return list(into.values())


def timelines(folder: Path) -> dict[str, Path]:
    """List the timelines of a folder by their names, sorted.

    Raises
    ------
    SegueError
        If there is none, or two have one name.
    """
    found = sorted(path for path in folder.absolute().glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise SegueError(f"{folder} holds no timeline; put {', '.join(SUFFIXES)} files there.")
    named = {path.stem: path for path in found}
    if len(named) < len(found):
        raise SegueError(f"{folder} holds timelines of the same name; rename all but one of each.")
    return named


def _film_record(path: str, digest: str) -> FilmRecord:
    """Analyse a film in a task, or find it in the node's cache."""
    analyse([Path(path)], workers=1)
    record = remembered(cache_folder(), digest)
    if record is None:
        raise SegueError(f"{path} was changed while it was analysed; start again.")
    return record


def _keep(records: Mapping[str, FilmRecord]) -> None:
    for digest, record in records.items():
        if remembered(cache_folder(), digest) is None:
            remember(cache_folder(), digest, record)


def _render(timeline: str, footage: str, into: str) -> None:
    """Render a timeline in a task."""
    render(to_edit(read_timeline(timeline), Path(footage)), Path(into), workers=1)


def _done(
    work: Callable[..., Any], jobs: Mapping[str, tuple[str, ...]], what: str, tell: Tell
) -> Iterator[tuple[str, Any]]:
    """Do each job in a task of one processor core; give name and result as they end."""
    import ray

    task = ray.remote(num_cpus=1, max_retries=3)(work)
    running = {task.remote(*arguments): name for name, arguments in jobs.items()}
    while running:
        tell(1 - len(running) / len(jobs), f"{len(jobs) - len(running)} of {len(jobs)} {what}")
        (ended, *_), _ = ray.wait(list(running))
        name = running.pop(ended)
        try:
            result = ray.get(ended)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, SegueError):
                raise error.cause from None
            raise
        yield name, result


def main(arguments: Sequence[str] | None = None) -> None:
    """Analyse films or render timelines."""
    parser = argparse.ArgumentParser(prog="python -m segue.experiments.ray_films")
    parser.add_argument("work", choices=("analyse", "render"))
    parser.add_argument("folder", type=Path, help="of films, or of timelines")
    parser.add_argument("--footage", type=Path, help="media of the timelines; default the folder")
    parser.add_argument("--out", type=Path, default=Path("runs/rendered"), help="of what is made")
    parser.add_argument("--address", default=LOCAL, help="local starts Ray; auto or host:port")
    parser.add_argument("--workers", type=int, help="cores that Ray is started with")
    given = parser.parse_args(arguments)
    try:
        # Before Ray is started, which takes a while.
        films = film_files(given.folder) if given.work == "analyse" else ()
        _ = timelines(given.folder) if given.work == "render" else {}
        with progress_bar(given.work) as tell, ray_session(given.address, given.workers):
            if given.work == "render":
                footage = given.footage or given.folder
                for path in render_timelines(given.folder, footage, given.out, tell):
                    print(path)
                return
            table = analyse_films(films, tell)
        print(f"{len(table)} shots in {len(table.footage)} films")
    except SegueError as error:
        print(f"segue: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
