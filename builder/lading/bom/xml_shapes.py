"""How the JSON form of CycloneDX lies in XML: attributes, texts, wrappers, and their order.

One table for each object that our documents have, in the order of the published XSD
(``xs:sequence``: the order is part of the format). See https://cyclonedx.org/docs/1.6/xml/.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BOM", "Child", "Shape"]


@dataclass(frozen=True, slots=True)
class Child:
    """One JSON key as XML.

    ``wrapper`` is the element around the items of an array, None where they stand alone. The
    element is called ``tag``; its content is text when ``shape`` is None.
    """

    key: str
    tag: str
    shape: Shape | None = None
    wrapper: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """One JSON object as an XML element.

    ``attributes`` are JSON keys; ``text`` is the key whose value is the element's text; a
    ``reference`` is no object in JSON but a string, in XML an element with that attribute.
    """

    attributes: tuple[str, ...] = ()
    children: tuple[Child, ...] = ()
    text: str | None = None
    reference: str | None = None


def _texts(*keys: str) -> tuple[Child, ...]:
    return tuple(Child(key, key) for key in keys)


def _array(key: str, tag: str, shape: Shape | None = None) -> Child:
    return Child(key, tag, shape, wrapper=key)


_HASHES = _array("hashes", "hash", Shape(("alg",), text="content"))
_PROPERTIES = _array("properties", "property", Shape(("name",), text="value"))
_CONTACT = Shape(("bom-ref",), _texts("name", "email", "phone"))
_ENTITY = Shape(("bom-ref",), _texts("name", "url"))
_LICENSE = Shape(("bom-ref", "acknowledgement"), _texts("id", "name", "url"))
_EXPRESSION = Shape(("bom-ref", "acknowledgement"), text="expression")
# An array of {"license": {…}} and {"expression": …}: each item is one of the two elements.
_LICENSES = Child(
    "licenses",
    "",
    Shape(
        (), (Child("license", "license", _LICENSE), Child("expression", "expression", _EXPRESSION))
    ),
    wrapper="licenses",
)
_REFERENCES = _array(
    "externalReferences", "reference", Shape(("type",), (*_texts("url", "comment"), _HASHES))
)
_DATA = Shape(
    ("bom-ref",),
    (
        *_texts("type", "name"),
        Child("contents", "contents", Shape((), (*_texts("url"), _PROPERTIES))),
        *_texts("classification", "description"),
    ),
)
_OCCURRENCE = Shape(
    ("bom-ref",), _texts("location", "line", "offset", "symbol", "additionalContext")
)
_METHOD = Shape((), _texts("technique", "confidence", "value"))
_IDENTITY = Shape(
    (), (*_texts("field", "confidence", "concludedValue"), _array("methods", "method", _METHOD))
)
_EVIDENCE = Shape(
    (), (Child("identity", "identity", _IDENTITY), _array("occurrences", "occurrence", _OCCURRENCE))
)
_FORMAT = Shape((), _texts("format"))
_PARAMETERS = Shape(
    (),
    (
        *_texts("task", "architectureFamily", "modelArchitecture"),
        _array("datasets", "ref", Shape((), text="ref")),
        _array("inputs", "input", _FORMAT),
        _array("outputs", "output", _FORMAT),
    ),
)
_RISK = Shape((), _texts("name", "mitigationStrategy"))
_METRIC = Shape((), _texts("type", "value", "slice"))
_CARD = Shape(
    ("bom-ref",),
    (
        Child("modelParameters", "modelParameters", _PARAMETERS),
        Child(
            "quantitativeAnalysis",
            "quantitativeAnalysis",
            Shape((), (_array("performanceMetrics", "performanceMetric", _METRIC),)),
        ),
        Child(
            "considerations",
            "considerations",
            Shape(
                (),
                (
                    _array("users", "user"),
                    _array("useCases", "useCase"),
                    _array("technicalLimitations", "technicalLimitation"),
                    _array("ethicalConsiderations", "ethicalConsideration", _RISK),
                    Child(
                        "environmentalConsiderations",
                        "environmentalConsiderations",
                        Shape((), (_PROPERTIES,)),
                    ),
                ),
            ),
        ),
        _PROPERTIES,
    ),
)


def _component(nested: Shape | None, ancestor: Shape | None) -> Shape:
    """Return the shape of a component that may hold components and ancestors of other shapes."""
    pedigree = (_array("ancestors", "component", ancestor), *_texts("notes")) if ancestor else ()
    return Shape(
        ("type", "mime-type", "bom-ref"),
        (
            Child("supplier", "supplier", _ENTITY),
            Child("manufacturer", "manufacturer", _ENTITY),
            _array("authors", "author", _CONTACT),
            *_texts("publisher", "group", "name", "version", "description", "scope"),
            _HASHES,
            _LICENSES,
            *_texts("copyright", "cpe", "purl"),
            *((Child("pedigree", "pedigree", Shape((), pedigree)),) if pedigree else ()),
            _REFERENCES,
            _PROPERTIES,
            *((_array("components", "component", nested),) if nested else ()),
            Child("evidence", "evidence", _EVIDENCE),
            Child("modelCard", "modelCard", _CARD),
            Child("data", "data", _DATA),
            _array("tags", "tag"),
        ),
    )


_LEAF = _component(None, None)
_COMPONENT = _component(nested=_LEAF, ancestor=_LEAF)
_REF = Shape(reference="ref")
_METADATA = Shape(
    (),
    (
        *_texts("timestamp"),
        _array("lifecycles", "lifecycle", Shape((), _texts("phase"))),
        Child("tools", "tools", Shape((), (_array("components", "component", _LEAF),))),
        Child("component", "component", _LEAF),
    ),
)
_DEPENDENCY = Shape(("ref",), (Child("dependsOn", "dependency", _REF),))
_ANNOTATION = Shape(
    ("bom-ref",),
    (
        _array("subjects", "subject", _REF),
        Child("annotator", "annotator", Shape((), (Child("component", "component", _LEAF),))),
        *_texts("timestamp", "text"),
    ),
)
_CITATION = Shape(
    ("bom-ref",),
    (_array("pointers", "pointer"), *_texts("timestamp", "attributedTo", "note")),
)

BOM = Shape(
    ("serialNumber", "version"),
    (
        Child("metadata", "metadata", _METADATA),
        _array("components", "component", _COMPONENT),
        _array("dependencies", "dependency", _DEPENDENCY),
        _array("annotations", "annotation", _ANNOTATION),
        _array("citations", "citation", _CITATION),
    ),
)
"""The document's element; the JSON keys ``$schema``, ``bomFormat`` and ``specVersion`` are its
name space."""
