"""The document as a whole: valid, the same for the same image, whatever the image holds."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading import bom
from lading.errors import UsageError
from lading.inventory import Inspection
from support import bom_inspections as samples
from support.bom_strategies import inspections

VERSIONS = pytest.mark.parametrize("spec_version", bom.SPEC_VERSIONS)
GOLDEN = Path(__file__).parent / "golden"


@VERSIONS
def test_full_inspection_is_valid(spec_version: str) -> None:
    document = bom.render(samples.full(), spec_version=spec_version, timestamp=samples.MOMENT)
    bom.validate(document)
    bom.validate(bom.encode(document))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    inspection=inspections,
    spec_version=st.sampled_from(bom.SPEC_VERSIONS),
    seed=st.integers(),
)
def test_any_inspection_is_valid_and_order_means_nothing(
    inspection: Inspection, spec_version: str, seed: int
) -> None:
    document = bom.render(inspection, spec_version=spec_version, timestamp=samples.MOMENT)
    written = bom.encode(document)
    bom.validate(document)
    bom.validate(written)
    assert json.loads(written) == document, "what cannot be carried is escaped before encoding"
    again = samples.shuffled(inspection, seed)
    other = bom.render(again, spec_version=spec_version, timestamp=samples.MOMENT)
    assert bom.encode(other) == written


@VERSIONS
@pytest.mark.parametrize("form", ["json", "xml"])
def test_golden(spec_version: str, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``LADING_UPDATE_GOLDEN=1`` writes the files anew; read the difference before you keep it."""
    monkeypatch.setattr("lading.bom.document.__version__", "0.0.0")
    document = bom.render(samples.full(), spec_version=spec_version, timestamp=samples.MOMENT)
    if form == "xml":
        text = bom.encode_xml(document).decode().replace("><", ">\n<") + "\n"
    else:
        text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    golden = GOLDEN / f"full-{spec_version}.{form}"
    if os.environ.get("LADING_UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_serial_number_follows_the_subject() -> None:
    def serial(manifest: str | None) -> Any:
        image = samples.image(manifest_digest=manifest)
        return bom.render(Inspection("x", image), timestamp=samples.MOMENT)["serialNumber"]

    one, two = (f"sha256:{samples.digest(name)}" for name in ("one", "two"))
    assert serial(one) == serial(one)
    assert len({serial(one), serial(two), serial(None)}) == 3


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 999, UTC), "2026-01-02T03:04:05Z"),
        (
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-02T01:04:05Z",
        ),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05Z"),
    ],
)
def test_timestamp_is_utc_in_whole_seconds(moment: datetime, text: str) -> None:
    assert bom.render(samples.full(), timestamp=moment)["metadata"]["timestamp"] == text


def test_timestamp_honours_source_date_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    document = bom.render(samples.full())
    assert document["metadata"]["timestamp"] == "1970-01-02T00:00:00Z"
    assert {one["timestamp"] for one in document["annotations"]} == {"1970-01-02T00:00:00Z"}


def test_timestamp_is_now_without_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    text = bom.render(samples.full())["metadata"]["timestamp"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(text)) < timedelta(minutes=5)


@pytest.mark.parametrize("epoch", ["yesterday", "1e9", "9" * 30])
def test_bad_source_date_epoch_is_told(epoch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        bom.render(samples.full())


def test_unknown_version_is_refused() -> None:
    with pytest.raises(UsageError, match="version"):
        bom.render(samples.full(), spec_version="1.5")


def test_lading_is_the_first_tool_and_tools_are_listed_once() -> None:
    inspection = samples.full()
    doubled = Inspection(
        inspection.target, inspection.image, tools=(*inspection.tools, *inspection.tools)
    )
    tools = bom.render(doubled, timestamp=samples.MOMENT)["metadata"]["tools"]["components"]
    assert [tool["name"] for tool in tools] == ["lading", "syft"]


def test_findings_are_properties_for_programs_and_annotations_for_people() -> None:
    document = bom.render(samples.full(), timestamp=samples.MOMENT)
    (toy,) = [one for one in document["components"] if one["name"] == "toy" and "purl" not in one]
    (value,) = [p["value"] for p in toy["properties"] if p["name"] == "lading:finding"]
    assert json.loads(value) == {
        "id": "pickle-global",
        "level": "error",
        "message": "loading it calls os.system",
        "path": "/usr/lib/python3/site-packages/toy/model.pkl",
        "layer": samples.LAYERS[1].diff_id,
    }
    texts = {one["text"]: one["subjects"] for one in document["annotations"]}
    image = document["metadata"]["component"]["bom-ref"]
    assert texts == {
        "error: pickle-global: loading it calls os.system "
        "(/usr/lib/python3/site-packages/toy/model.pkl)": [toy["bom-ref"]],
        "warning: record-changed: changed after install (/usr/lib/x.py)": [image],
    }


def test_citations_of_1_7_say_what_rests_on_what() -> None:
    document = bom.render(samples.full(), spec_version="1.7", timestamp=samples.MOMENT)
    by_note = {one["note"]: one for one in document["citations"]}
    cited = by_note["observed: app/models/wtp/model.safetensors"]
    assert cited["attributedTo"] == document["metadata"]["tools"]["components"][0]["bom-ref"]
    values = [_resolve(document, pointer) for pointer in cited["pointers"]]
    assert "BertForTokenClassification" in values
    for one in document["citations"]:
        for pointer in one["pointers"]:
            _resolve(document, pointer)
    assert "citations" not in bom.render(samples.full(), timestamp=samples.MOMENT)


def _resolve(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        document = document[int(part) if isinstance(document, list) else part]
    return document
