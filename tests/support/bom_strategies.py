"""Odd inspections for the BOM's tests, made by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from lading.inventory import (
    Dataset,
    Fact,
    Finding,
    Inspection,
    Level,
    Model,
    ModelFile,
    Occurrence,
    Origin,
    Package,
    Role,
    Safety,
    Tool,
    Verdict,
)
from lading.models import vocabulary
from support.bom_inspections import LAYERS, digest, image

__all__ = ["inspections"]

# Text as an image may hold it: any code point, lone surrogates (undecodable bytes) included.
_text = st.text(st.characters(), max_size=30) | st.sampled_from(
    ("", " ", "\x00", "\udc80", "\ud800", "a\\b", "../..", "名", "a\r\nb", "\ufffe", "x" * 2000)
)
_digests = st.sampled_from([digest(str(number)) for number in range(5)])
_layers = st.sampled_from([None, *(layer.diff_id for layer in LAYERS)])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_fact_names = (
    st.sampled_from(
        sorted(
            value
            for name, value in vars(vocabulary).items()
            if name.isupper() and isinstance(value, str)
        )
    )
    | _text
)
_facts = st.dictionaries(
    _fact_names, st.builds(Fact, _json, st.sampled_from(Origin), _text), max_size=8
)
_finding = st.builds(Finding, _text, st.sampled_from(Level), _text, st.none() | _text, _layers)
_safety = st.builds(Safety, st.sampled_from(Verdict), st.lists(_finding, max_size=2).map(tuple))
_licenses = (
    st.sampled_from(
        (
            "mit",
            "MIT OR",
            "Apache-2.0 OR MIT",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "((" * 200,
            "LicenseRef-x",
            "not MIT",
            "MIT+",
            "Apache License 2.0",
        )
    )
    | _text
)
_files = st.builds(
    ModelFile,
    path=_text,
    size=st.integers(0, 2**60),
    sha256=_digests,
    role=st.sampled_from(Role),
    format=st.none() | _text,
    safety=_safety,
    layer=_layers,
    also_at=st.lists(st.builds(Occurrence, _text, _layers), max_size=2).map(tuple),
)
_file_tuples = st.lists(_files, max_size=3).map(tuple)
_purls = st.none() | _text | st.sampled_from(("pkg:huggingface/a/b@1", "pkg:pypi/a@1", "pkg:x"))
_models = st.builds(
    Model, _text, _text, _file_tuples, _facts, _safety, purl=_purls, distribution=_purls
)
_datasets = st.builds(Dataset, _text, _text, _file_tuples, _facts, _purls)
_package_purls = _text | st.sampled_from(
    ("pkg:pypi/a@1", "pkg:pypi/b@2", "pkg:deb/debian/c@3?arch=all", "pkg:pypi/b", "pkg:pypi/%ff@1")
)
_odd_packages = st.builds(
    Package,
    purl=_package_purls,
    name=_text,
    version=_text,
    type=_text,
    layer=_layers,
    path=st.none() | _text,
    licenses=st.lists(_licenses, max_size=3).map(tuple),
    hashes=st.dictionaries(
        st.sampled_from(("SHA-256", "MD5", "sha256")), _digests | _text, max_size=2
    ),
    requires=st.lists(_package_purls, max_size=3).map(tuple),
    summary=st.none() | _text,
    homepage=st.none()
    | _text
    | st.sampled_from(("https://a.b/ c?[x]#y#z", "http://[::1", "ftp://x:y/")),
    supplier=st.none() | _text,
    requested=st.none() | st.booleans(),
    properties=st.dictionaries(_text, _text, max_size=2),
    cpe=st.none() | _text | st.just("cpe:2.3:a:b:c:1:*:*:*:*:*:*:*"),
)
_images = st.builds(
    image,
    name=_text | st.sampled_from(("debian", "localhost:5000/x/y:z", "a/b@sha256:" + "0" * 64)),
    manifest_digest=st.none() | _digests.map("sha256:{}".format) | _text,
    repo_digests=st.lists(_text, max_size=2).map(tuple),
    created=st.none() | _text,
    labels=st.dictionaries(_text | st.just("org.opencontainers.image.licenses"), _text, max_size=3),
)
#: Inspections as odd as the types allow: hostile text, ill-typed facts, doubles.
inspections = st.builds(
    Inspection,
    target=_text,
    image=_images,
    models=st.lists(_models, max_size=3).map(tuple),
    datasets=st.lists(_datasets, max_size=2).map(tuple),
    packages=st.lists(_odd_packages, max_size=4).map(tuple),
    findings=st.lists(_finding, max_size=2).map(tuple),
    tools=st.lists(st.builds(Tool, _text, _text, st.none() | _text), max_size=2).map(tuple),
)
