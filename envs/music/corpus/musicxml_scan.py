"""MusicXML as elements, one measure at a time, through a parser that expands nothing.

Expat reads the whole file, but only what is asked for becomes elements. Entity declarations are
refused, so that nothing can be expanded; a document type without any, which MusicXML files have,
is let through and never fetched.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from segue.envs.music.corpus.gate import Limits, NotationError

_UNUSED = frozenset(
    ("notations", "lyric", "beam", "stem", "print", "accidental", "notehead", "type", "frame")
)
_CONTAINER = "META-INF/container.xml"


class XmlScanner:
    """Builds the elements of the named tags and hands each over as it ends.

    Parameters
    ----------
    source : str
        Name of the file, for messages.
    limits : Limits
        `nesting` is heeded, and eight times `events` elements are allowed.
    wanted : dict of str to callable
        What to do with each element of such a tag, whole. Such elements do not lie in one another.
    opened : dict of str to callable
        What to do where an element of such a tag begins, given its attributes.
    """

    def __init__(
        self,
        source: str,
        limits: Limits,
        wanted: Mapping[str, Callable[[Element], None]],
        opened: Mapping[str, Callable[[dict[str, str]], None]] = MappingProxyType({}),
    ) -> None:
        self._source, self._limits = source, limits
        self._wanted, self._opened = wanted, opened
        self._depth = self._count = 0
        self._builder: TreeBuilder | None = None
        self._outer = self._unused = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._refuse

    def scan(self, data: bytes) -> None:
        """Read a whole document.

        Raises
        ------
        NotationError
            If it is no XML, declares entities, or is beyond the limits.
        """
        try:
            self._parser.Parse(data, True)
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise NotationError(
                f"{self._source} is no proper XML ({error}); export it again."
            ) from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > self._limits.nesting:
            raise NotationError(
                f"{self._source} has elements nested deeper than the {self._limits.nesting} "
                "allowed; it is no MusicXML that a notation program writes."
            )
        if self._count > 8 * self._limits.events:
            raise NotationError(
                f"{self._source} has more than the {8 * self._limits.events:,} elements allowed; "
                "split it."
            )
        if self._builder is None and name in self._opened:
            self._opened[name](attributes)
        if self._builder is None and name in self._wanted:
            self._builder, self._outer = TreeBuilder(), self._depth
        if self._builder is not None and not self._unused:
            if name in _UNUSED:
                self._unused = self._depth
            else:
                self._builder.start(name, attributes)

    def _end(self, name: str) -> None:
        builder = self._builder
        if builder is not None:
            if self._unused:
                if self._unused == self._depth:
                    self._unused = 0
            else:
                builder.end(name)
                if self._depth == self._outer:
                    self._builder = None
                    self._wanted[name](builder.close())
        self._depth -= 1

    def _text(self, text: str) -> None:
        if self._builder is not None and not self._unused:
            self._builder.data(text)

    def _refuse(self, name: str, *_: object) -> None:
        raise NotationError(
            f"{self._source} declares the XML entity {name[:40]!r}, which is not allowed; "
            "export it again without."
        )


def score_bytes(data: bytes, source: str, limits: Limits) -> bytes:
    """Content of a MusicXML file, taken out of its ``.mxl`` archive where it is one.

    Parameters
    ----------
    data : bytes
        The file.
    source : str
        Name of the file, for messages.
    limits : Limits
        `expanded` is heeded, whatever the archive says of its own sizes.

    Raises
    ------
    NotationError
        If the archive is damaged, holds no score, or holds more than is allowed.
    """
    if not data.startswith(b"PK"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = _score_name(archive, source, limits)
            return _member(archive, name, source, limits.expanded)
    # What zipfile and zlib raise at damaged archives.
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError),
        *(KeyError, IndexError, ValueError, OverflowError, AttributeError),
    ) as error:
        raise NotationError(
            f"{source} is a damaged archive ({type(error).__name__}); export it again."
        ) from error


def _score_name(archive: zipfile.ZipFile, source: str, limits: Limits) -> str:
    """Name of the score in an archive: the first that the container lists, else the first one."""
    names: list[str] = []
    if _CONTAINER in archive.namelist():
        container = _member(archive, _CONTAINER, source, 1 << 16)
        found: list[Element] = []
        XmlScanner(source, limits, {"rootfile": found.append}).scan(container)
        names = [element.get("full-path", "") for element in found]
    members = archive.namelist()
    others = [n for n in members if n.lower().endswith((".xml", ".musicxml")) and n != _CONTAINER]
    for name in (*names, *others):
        if name in members:
            return name
    raise NotationError(f"{source} holds no MusicXML score; export it again.")


def _member(archive: zipfile.ZipFile, name: str, source: str, size: int) -> bytes:
    info = archive.getinfo(name)
    # Other methods may ask for much memory before the first byte comes out.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotationError(f"{source} is compressed in an unusual way; export it again.")
    with archive.open(info) as file:
        content = file.read(size + 1)
    if len(content) > size:
        raise NotationError(
            f"{source} expands to more than the {size:,} bytes allowed; export it uncompressed."
        )
    return content
