"""XML elements as text that OTIO's metadata can hold, and back.

What a reader does not understand of a clip, such as a filter's parameters, is kept as it stands, so
that writing the same format again gives it back.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from segue.envs.film.timelines.gate import parse_xml

_ILLEGAL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))


def to_record(element: Element) -> str:
    """Turn an element into its text, without what follows it."""
    element.tail = None
    return tostring(element, encoding="unicode")


def from_record(record: object) -> Element:
    """Turn a record back into an element.

    Raises
    ------
    TimelineError
        If it is no such record, since the metadata of an OTIO file can hold anything.
    """
    return parse_xml(str(record).encode("utf-8", "replace"), "The metadata of a clip")


def add(parent: Element, tag: str, text: object = None, **attributes: object) -> Element:
    """Add a child with text and attributes; those that are None are left out."""
    child = SubElement(
        parent, tag, {name: plain(value) for name, value in attributes.items() if value is not None}
    )
    if text is not None:
        child.text = plain(text)
    return child


def plain(value: object) -> str:
    """Text without the characters that XML cannot hold."""
    return str(value).translate(_ILLEGAL).encode("utf-8", "replace").decode("utf-8")


def document(root: Element, doctype: str) -> str:
    """Write a whole document, indented."""
    indent(root)
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE {doctype}>\n'
    return f"{head}{tostring(root, encoding='unicode')}\n"
