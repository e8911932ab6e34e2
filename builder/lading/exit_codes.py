"""Exit statuses of every verb, in one place; ``docs/exit-codes.md`` is made from this file."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode"]


class ExitCode(IntEnum):
    """What the process says to its caller. A failed ``docker build`` passes its own through."""

    OK = 0, "Yes: done, or verified."
    USAGE = 2, "The command line is wrong; nothing was done."
    NOT_VERIFIED = 10, "Not verified: signature, signer, digest or content does not fit."
    NO_ATTESTATION = 11, "No attestation of the wanted kind was found."
    POLICY = 12, "Verified, and the policy says no."
    REGISTRY = 20, "A registry or the network did not answer as needed."
    ENGINE = 21, "The Docker engine is not there or refused."
    INPUT = 22, "An input file, image or key is bad, unreadable or too large."
    HUNG_UP = 129, "The terminal was closed (SIGHUP)."
    INTERRUPTED = 130, "Interrupted from the keyboard (SIGINT)."
    TERMINATED = 143, "Told to end (SIGTERM)."
    INTERNAL = 70, "A defect in lading itself; please report it."

    description: str

    def __new__(cls, value: int, description: str) -> ExitCode:  # noqa: D102
        member = int.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member
