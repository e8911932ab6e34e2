"""Files that ``lading`` writes into a user's project; package data, no code."""

from __future__ import annotations

__all__: list[str] = []
