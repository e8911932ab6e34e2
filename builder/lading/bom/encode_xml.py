"""The XML form of a document that :func:`lading.bom.render` made: the same facts, none lost.

A field that :mod:`lading.bom.xml_shapes` does not know is an error, never left out in silence.
XML itself is poorer in two places: line ends in descriptions and property values are white space
to its readers (``xs:normalizedString``), and citations point into the JSON form.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from lading.bom.schemas import check_spec_version
from lading.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lading.bom.xml_shapes import Child, Shape

__all__ = ["encode_xml"]

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE_ESCAPES = _ESCAPES | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})


def encode_xml(document: Mapping[str, Any]) -> bytes:
    """Return the document as CycloneDX XML, UTF-8, without white space between elements.

    Equal documents give equal bytes.

    Raises:
        UsageError: the document's ``specVersion`` is not one that is written.
        InputError: it holds a field or a character that the XML form, or this writer, has not.
    """
    from lading.bom.xml_shapes import BOM  # not for who writes JSON alone

    version = str(document.get("specVersion"))
    check_spec_version(version)
    body = {
        key: value
        for key, value in document.items()
        if key not in ("$schema", "bomFormat", "specVersion")
    }
    namespace = f' xmlns="http://cyclonedx.org/schema/bom/{version}"'
    text = "".join(_element("bom", body, BOM, namespace))
    found = _forbidden().search(text)
    if found:
        raise InputError("a character cannot be written as XML", got=f"U+{ord(found.group()):04X}")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()


@cache
def _forbidden() -> re.Pattern[str]:
    """Return what no document may hold (XML 1.0, section 2.2); it takes long to compile."""
    return re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _element(tag: str, value: Any, shape: Shape | None, extra: str = "") -> Iterator[str]:
    """Yield the pieces of one element."""
    if shape is None:
        yield f"<{tag}>{_text(tag, value)}</{tag}>"
        return
    if shape.reference is not None:
        yield f"<{tag} {shape.reference}={_quoted(_plain(tag, value))}/>"
        return
    if not isinstance(value, dict):
        raise _unknown(tag, value)
    known = {*shape.attributes, *(child.key for child in shape.children), shape.text}
    unknown = value.keys() - known
    if unknown:
        raise _unknown(f"{tag}/{min(unknown)}", value)
    attributes = "".join(
        f" {key}={_quoted(_plain(key, value[key]))}" for key in shape.attributes if key in value
    )
    yield f"<{tag}{extra}{attributes}>"
    if shape.text is not None and shape.text in value:
        yield _text(shape.text, value[shape.text])
    for child in shape.children:
        if child.key in value:
            yield from _child(child, value[child.key])
    yield f"</{tag}>"


def _child(child: Child, value: Any) -> Iterator[str]:
    items = value if isinstance(value, list) else [value]
    if child.wrapper is not None:
        yield f"<{child.wrapper}>"
    for item in items:
        if child.tag:
            yield from _element(child.tag, item, child.shape)
        else:
            yield from _choice(child, item)
    if child.wrapper is not None:
        yield f"</{child.wrapper}>"


def _choice(child: Child, item: Any) -> Iterator[str]:
    """Yield the one element that an array's item is: a licence or an expression."""
    for option in child.shape.children if child.shape else ():
        if isinstance(item, dict) and option.key in item:
            text = option.shape.text if option.shape else None
            yield from _element(option.tag, item if text else item[option.key], option.shape)
            return
    raise _unknown(child.key, item)


def _text(key: str, value: Any) -> str:
    return _plain(key, value).translate(_ESCAPES)


def _quoted(text: str) -> str:
    """Return an attribute's value; white space is kept as it is (XML 1.0, section 3.3.3)."""
    return '"' + text.translate(_ATTRIBUTE_ESCAPES) + '"'


def _plain(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise _unknown(key, value)


def _unknown(key: str, value: Any) -> InputError:
    return InputError(
        "this part of the document cannot be written as XML", where=key, got=type(value).__name__
    )
