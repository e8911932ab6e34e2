from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.packages.licenses import spdx_licenses

OSI = "License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"license-expression": ["mit or apache-2.0"]}, ("MIT OR Apache-2.0",)),
        ({"license-expression": ["MIT"], "license": ["GPL"]}, ("MIT",)),
        ({"license": ["The Apache Software License, Version 2.0"]}, ("Apache-2.0",)),
        ({"license": ["MIT License (MIT)"]}, ("MIT",)),
        ({"license": ['BSD 3-Clause "New" or "Revised" License']}, ("BSD-3-Clause",)),
        ({"license": ["AGPL-3.0"]}, ("AGPL-3.0-only",)),
        ({"license": ["GPLv3"]}, ("GPLv3",)),
        ({"license-expression": ["no such thing"]}, ("no such thing",)),
        ({"license": ["Apache 2.0"]}, ("Apache-2.0",)),
        ({"license": ["Apache License, Version 2.0"]}, ("Apache-2.0",)),
        ({"license": ["BSD 3-Clause"]}, ("BSD-3-Clause",)),
        ({"license": ["BSD-3-Clause"]}, ("BSD-3-Clause",)),
        ({"license": ["bsd-2-clause AND mit"]}, ("BSD-2-Clause AND MIT",)),
        ({"license": ["BSD"]}, ("BSD",)),
        ({"license": ["BSD"], "classifier": [OSI + "BSD License"]}, ("BSD License",)),
        ({"license": ["Dual"], "classifier": [OSI + "MIT License"]}, ("MIT",)),
        (
            {"classifier": [OSI + "GNU General Public License v3 or later (GPLv3+)"]},
            ("GPL-3.0-or-later",),
        ),
        (
            {"classifier": [OSI + "MIT License", OSI + "Apache Software License"]},
            ("MIT", "Apache Software License"),
        ),
        ({"classifier": ["License :: OSI Approved", "Topic :: X"]}, ()),
        ({"license": ["The MIT License (MIT)\nCopyright 2022 somebody"]}, ("MIT",)),
        ({"license": ["UNKNOWN"]}, ()),
        ({}, ()),
    ],
)
def test_what_is_declared_becomes_spdx_where_it_has_one_meaning(
    headers: dict[str, list[str]], found: tuple[str, ...]
) -> None:
    assert spdx_licenses(headers) == found


def test_a_licence_pasted_in_is_known_by_its_title() -> None:
    text = "MIT License\n\nCopyright (c) 2020\n" + "Permission is hereby granted " * 50
    assert spdx_licenses({"license": [text]}) == ("MIT",)


def test_a_long_text_without_title_is_shortened() -> None:
    (name,) = spdx_licenses({"license": ["Copyright " * 100]})
    assert len(name) == 120


@pytest.mark.parametrize("text", ["(" * 900, "MIT " + "OR MIT " * 140, "MIT AND (" * 100])
def test_hostile_expressions_are_no_expressions_and_no_errors(text: str) -> None:
    assert spdx_licenses({"license-expression": [text]})


@settings(deadline=None)  # busy machines are no defect
@given(st.text(max_size=200))
def test_any_text_is_taken(text: str) -> None:
    for headers in ({"license": [text]}, {"license-expression": [text]}, {"classifier": [text]}):
        assert all(len(found) <= 200 for found in spdx_licenses(headers))
