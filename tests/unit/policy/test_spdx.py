"""Licence expressions under lists of allowed and denied licences."""

from __future__ import annotations

import pytest

from lading.policy.spdx import Licensing, Standing, is_rail

ALLOWED, DENIED = Standing.ALLOWED, Standing.DENIED
UNLISTED, UNKNOWN = Standing.UNLISTED, Standing.UNKNOWN
PERMISSIVE = Licensing(allow=("MIT", "Apache-2.0", "BSD-*"), deny=("GPL-*",))


@pytest.mark.parametrize(
    ("licence", "standing"),
    [
        ("MIT", ALLOWED),
        ("mit", ALLOWED),
        ("BSD-3-Clause", ALLOWED),
        ("GPL-3.0-only", DENIED),
        ("MPL-2.0", UNLISTED),
        ("MIT OR GPL-3.0-only", ALLOWED),
        ("MIT AND GPL-3.0-only", DENIED),
        ("MIT AND MPL-2.0", UNLISTED),
        ("(MIT OR MPL-2.0) AND (Apache-2.0 OR GPL-2.0-only)", ALLOWED),
        ("MIT AND (MPL-2.0 OR GPL-2.0-only)", UNLISTED),
        ("MIT OR MPL-2.0 AND GPL-2.0-only", ALLOWED),
        ("Apache-2.0 WITH LLVM-exception", ALLOWED),
        ("GPL-2.0-only WITH Classpath-exception-2.0", DENIED),
        ("LicenseRef-mit", ALLOWED),
        ("other", UNKNOWN),
        ("NOASSERTION", UNKNOWN),
        ("", UNKNOWN),
        ("MIT AND", UNKNOWN),
        ("(MIT", UNKNOWN),
        ("MIT OR )", UNKNOWN),
        ("( " * 500 + "MIT" + " )" * 500, UNKNOWN),
    ],
)
def test_the_standing_of_an_expression(licence: str, standing: Standing) -> None:
    assert PERMISSIVE.judge([licence]) is standing


def test_several_licences_all_apply_and_none_is_unknown() -> None:
    assert PERMISSIVE.judge(["MIT", "Apache-2.0"]) is ALLOWED
    assert PERMISSIVE.judge(["MIT", "GPL-3.0-only"]) is DENIED
    assert PERMISSIVE.judge([]) is UNKNOWN


def test_without_a_list_of_allowed_ones_what_is_not_denied_is_allowed() -> None:
    assert Licensing(deny=("AGPL-*",)).judge(["anything at all"]) is ALLOWED
    assert Licensing(deny=("AGPL-*",)).judge(["AGPL-3.0-only"]) is DENIED


@pytest.mark.parametrize(
    ("licence", "lists", "standing"),
    [
        ("MIT AND GPL-3.0-only", Licensing(deny=("GPL-*",)), DENIED),
        ("(MIT) and GPL-3.0-only", Licensing(deny=("GPL-*",)), DENIED),
        ("MIT OR GPL-3.0-only", Licensing(deny=("GPL-*",)), ALLOWED),
        ("MIT AND GPL-3.0-only", Licensing(allow=("MIT*",)), UNLISTED),
        ("MIT AND", Licensing(allow=("MIT*",)), UNKNOWN),
        ("MIT AND GPL-3.0-only (", Licensing(deny=("GPL-*",)), DENIED),
        ("MIT, GPL-3.0-only", Licensing(deny=("GPL-*",)), DENIED),
        ("MIT/GPL-3.0-only", Licensing(deny=("GPL-*",)), DENIED),
        ("MIT, openrail", Licensing(rail="deny"), DENIED),
        ("MIT, openrail", Licensing(rail="allow", allow=("MIT",), deny=("MIT",)), DENIED),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Licensing(deny=("GPL-2.0-only",)), DENIED),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Licensing(deny=("MIT",)), ALLOWED),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            Licensing(allow=("GPL-2.0-only WITH Classpath-*",)),
            ALLOWED,
        ),
        ("gpl-3.0", Licensing(deny=("GPL-3.0-only",)), DENIED),
        ("GPL-3.0-only", Licensing(deny=("gpl-3.0",)), DENIED),
        ("AGPL-3.0+", Licensing(deny=("AGPL-3.0-or-later",)), DENIED),
        ("GPL-3.0-or-later", Licensing(allow=("GPL-3.0",)), UNLISTED),
        ("GNU GPL v2 or later", Licensing(allow=("GNU GPL v2 or later",)), ALLOWED),
        ("GNU GPL v2 or later", Licensing(deny=("AGPL-*",)), UNKNOWN),
    ],
)
def test_no_operator_and_no_spelling_hides_a_licence(
    licence: str, lists: Licensing, standing: Standing
) -> None:
    assert lists.judge([licence]) is standing


@pytest.mark.parametrize(
    "name",
    [
        "openrail",
        "openrail++",
        "creativeml-openrail-m",
        "LicenseRef-bigscience-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bigcode-openrail-m",
    ],
)
def test_rail_licences_are_known_as_such(name: str) -> None:
    assert is_rail(name)
    assert Licensing(rail="deny").judge([name]) is DENIED
    assert Licensing(allow=("MIT",), rail="allow").judge([name]) is ALLOWED
    assert Licensing(allow=("MIT",)).judge([name]) is UNLISTED


@pytest.mark.parametrize("name", ["MIT", "railroad", "Apache-2.0", "trail-license", "guardrails"])
def test_other_licences_are_no_rail(name: str) -> None:
    assert not is_rail(name)
