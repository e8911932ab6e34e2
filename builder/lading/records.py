"""Frozen, slotted data classes that cost nothing to define (:mod:`lading_oci.records`)."""

from __future__ import annotations

from lading_oci.records import changed, fresh, record

__all__ = ["changed", "fresh", "record"]
