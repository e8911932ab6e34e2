"""Changes between two releases."""

from __future__ import annotations

import pytest

from support.policy_samples import bom, evidence, model, package, refused

BEFORE = bom(model("a", "MIT", version="1"), package("pkg:pypi/x@1"))
UNSAFE = {"id": "pickle-suspicious-global", "level": "warning"}


@pytest.mark.parametrize(
    ("change", "after", "said"),
    [
        (
            "weights-changed",
            bom(model("a", "MIT", version="1", weights="1" * 64), package("pkg:pypi/x@1")),
            "the weights of a changed, its version did not",
        ),
        (
            "model-added",
            bom(model("a", "MIT", version="1"), model("b"), package("pkg:pypi/x@1")),
            "the model b is new",
        ),
        ("model-removed", bom(package("pkg:pypi/x@1")), "the model a is gone"),
        (
            "license-changed",
            bom(model("a", "llama3", version="1"), package("pkg:pypi/x@1")),
            "the licence of a was MIT, and is llama3",
        ),
        (
            "safety-worsened",
            bom(model("a", "MIT", version="1", verdict="dangerous"), package("pkg:pypi/x@1")),
            "the model a was safe, and is dangerous",
        ),
        (
            "unsafe-global-added",
            bom(
                model(
                    "a",
                    "MIT",
                    version="1",
                    findings=[UNSAFE | {"message": "loading it imports evil.run at byte 7"}],
                ),
                package("pkg:pypi/x@1"),
            ),
            "new in the model a: loading it imports evil.run",
        ),
        (
            "package-added",
            bom(model("a", "MIT", version="1"), package("pkg:pypi/x@1"), package("pkg:pypi/y@1")),
            "the package y (pypi) is new",
        ),
    ],
)
def test_each_change_is_found_and_only_by_its_own_name(change: str, after, said: str) -> None:  # type: ignore[no-untyped-def]
    given = evidence(bom=after, previous=BEFORE)

    assert refused(f"- {{rule: drift, deny: [{change}]}}", given) == [said]
    other = "dataset-changed"
    assert refused(f"- {{rule: drift, deny: [{other}]}}", given) == []


def test_new_weights_under_a_new_version_are_a_release() -> None:
    after = bom(model("a", "MIT", version="2", weights="1" * 64))

    given = evidence(bom=after, previous=BEFORE)
    assert refused("- {rule: drift, deny: [weights-changed]}", given) == []


def test_the_same_global_at_another_byte_is_not_new() -> None:
    before, after = (
        bom(model("a", findings=[UNSAFE | {"message": f"loading it imports x.y at byte {at}"}]))
        for at in (7, 9000)
    )

    given = evidence(bom=after, previous=before)
    assert refused("- {rule: drift, deny: [unsafe-global-added]}", given) == []


def test_a_global_of_another_model_is_new_in_this_one() -> None:
    unsafe = [UNSAFE | {"message": "loading it imports x.y at byte 7"}]
    before = bom(model("a", findings=unsafe), model("b"))
    after = bom(model("a", findings=unsafe), model("b", findings=unsafe))

    given = evidence(bom=after, previous=before)
    assert refused("- {rule: drift, deny: [unsafe-global-added]}", given) == [
        "new in the model b: loading it imports x.y"
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("safe", None, ["the model a was safe, and is not judged"]),
        ("suspicious", "dangerous", ["the model a was suspicious, and is dangerous"]),
        ("safe", "splendid", ["the model a was safe, and is splendid"]),
        (None, "safe", []),
        ("dangerous", "safe", []),
    ],
)
def test_what_nobody_judged_any_more_is_worse(
    before: str | None, after: str | None, said: list[str]
) -> None:
    one, two = (model("a", verdict=verdict) for verdict in (before or "", after or ""))
    for each, verdict in ((one, before), (two, after)):
        if verdict is None:
            each["properties"] = [p for p in each["properties"] if "verdict" not in p["name"]]

    given = evidence(bom=bom(two), previous=bom(one))
    assert refused("- {rule: drift, deny: [safety-worsened]}", given) == said


def test_the_first_release_has_to_be_allowed_expressly() -> None:
    assert refused("- rule: drift", evidence(model("a"))) == [
        "there is no BOM of the previous release to compare with"
    ]
    assert refused("- {rule: drift, without-previous: allow}", evidence(model("a"))) == []
