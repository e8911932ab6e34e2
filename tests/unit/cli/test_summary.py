"""What a person reads after an inspection."""

from __future__ import annotations

import dataclasses

from lading.attest.predicates import CYCLONEDX, SHORT_NAMES, SLSA_VSA_V1, asked, resolve, short
from lading.attest.verify import Refusal
from lading.cli.summary import inspection_text, release_text
from lading.cli.verifying import _ignored
from lading.inventory import Fact, Origin
from lading.usecases.attest import Attestation
from lading.usecases.release import Release
from support import bom_inspections as samples


def text(**facts: Fact) -> str:
    models = (samples.model("acme/tiny", facts=facts), samples.model("other", facts={}))
    return inspection_text(dataclasses.replace(samples.full(), models=models))


def test_an_attested_model_is_named_as_what_it_is() -> None:
    attested = Fact("hf:acme/tiny@main", Origin.MATCHED, "sha256:…")

    assert "\napproved  acme/tiny is hf:acme/tiny@main, as attested\n" in text(attested=attested)


def test_what_a_card_says_of_itself_is_no_attestation() -> None:
    assert "approved" not in text(attested=Fact("hf:acme/tiny", Origin.DECLARED, "README.md"))
    assert "approved" not in text()


def test_control_characters_of_an_image_stay_out_of_the_terminal() -> None:
    attested = Fact("hf:\x1b[2J\nverified", Origin.MATCHED, "sha256:…")

    assert "\x1b" not in text(attested=attested)
    assert "\nverified" not in text(attested=attested)


def test_a_directory_has_no_digest_and_no_platform() -> None:
    image = dataclasses.replace(samples.image(), manifest_digest=None, config_digest="")
    found = dataclasses.replace(samples.full(), target="dir:/srv/models", image=image)

    first, second, *_ = inspection_text(found).splitlines()
    assert first.startswith("directory dir:/srv/models (")
    assert str(image.platform) not in first
    assert second.startswith("models")


def test_a_long_name_leaves_the_other_columns_on_the_screen() -> None:
    long = dataclasses.replace(
        samples.full(), models=(samples.model("n" * 400, facts={}), samples.model("tiny", facts={}))
    )
    row = next(line for line in inspection_text(long).splitlines() if "tiny" in line)

    assert len(row) < 160
    assert f"  {'n' * 59}…  " in inspection_text(long)


def released(*attestations: Attestation) -> Release:
    pushed = ("r.example/svc:1@sha256:abc",)
    return Release("svc:1", samples.full(), b"{}", attestations, pushed=pushed)


def attested(kind: str, place: str = "r.example/svc", *, existed: bool = False) -> Attestation:
    return Attestation(kind, "sha256:1", "sha256:2", place, existed)


def test_what_was_attested_is_told_by_its_short_names_and_once_for_each_place() -> None:
    text = release_text(
        released(
            attested(CYCLONEDX),
            attested(SLSA_VSA_V1),
            attested(CYCLONEDX),
            attested("https://acme.example/fairness/v1", "oci-dir:here", existed=True),
        )
    )
    assert "\npushed    r.example/svc:1@sha256:abc\n" in text
    assert "\nattested  2 bom, seal\n          r.example/svc\n" in text
    assert (
        "\nattested  https://acme.example/fairness/v1 (there already)\n          oci-dir:here\n"
    ) in text


def test_nothing_was_pushed_by_attesting() -> None:
    assert "pushed" not in release_text(released(attested(CYCLONEDX)), pushed=False)


def test_short_names_are_those_that_can_be_asked_for() -> None:
    for name, uri in SHORT_NAMES.items():
        assert asked(name) == uri == asked(uri)
        assert resolve(short(uri)) == uri
    assert (short(CYCLONEDX), short(SLSA_VSA_V1)) == ("bom", "seal")


def test_attestations_that_do_not_hold_for_one_reason_are_told_together() -> None:
    refused = [
        Refusal("r@sha256:1", "signer", "a stranger's"),
        Refusal("r@sha256:2", "subject", "another image's"),
        Refusal("r@sha256:3", "signer", "a stranger's"),
        *(Refusal(f"r@sha256:{n}", "malformed", f"byte {n}") for n in range(4, 9)),
    ]
    assert list(_ignored("ignored", refused)) == [
        "ignored   2 attestations: signer: a stranger's",
        "ignored   r@sha256:2: subject: another image's",
        "ignored   r@sha256:4: malformed: byte 4",
        "ignored   r@sha256:5: malformed: byte 5",
        "ignored   r@sha256:6: malformed: byte 6",
        "ignored   2 more that do not hold",
    ]
