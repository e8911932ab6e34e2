"""The line that changes."""

GREETING = "ready"
