"""Files appear whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.envs.base.errors import SegueError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Lend a temporary path beside `path`; what was written there becomes `path` at the end.

    The temporary name keeps the suffix of `path`, since many writers choose the format by it. If
    the block raises, the temporary file goes and an earlier `path` stays as it was.

    Parameters
    ----------
    path : Path or str
        The file to make. Its folder must exist.

    Yields
    ------
    Path
        Where to write; nothing stands there yet.

    Raises
    ------
    SegueError
        If the folder is missing, `path` is a folder, or the system refuses to write there.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise SegueError(
            f"Cannot write {target}: the folder {target.parent} does not exist; create it first."
        )
    temporary = target.with_name(f".{uuid.uuid4().hex[:12]}{target.suffix}")
    try:
        if target.is_dir():
            raise SegueError(f"Cannot write {target}: it is a folder; name a file in it instead.")
        # Tried before the work: some writers report a full or read-only folder in odd ways, or
        # only after minutes of rendering.
        temporary.touch()
        temporary.unlink()
        yield temporary
        temporary.replace(target)
    except OSError as error:
        if error.filename not in (None, str(temporary), str(target)):
            raise  # About some other file, which the block read.
        reason = error.strerror or str(error) or type(error).__name__
        raise SegueError(
            f"Cannot write {target}: {reason}; choose a place that can be written to."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
