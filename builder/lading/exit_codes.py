"""Exit statuses of every verb, in one place; ``docs/exit-codes.md`` is made from this file."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["DESCRIPTIONS", "ExitCode"]


class ExitCode:
    """What the process says to its caller. A failed ``docker build`` passes its own through."""

    OK: Final = 0
    USAGE: Final = 2
    NOT_VERIFIED: Final = 10
    NO_ATTESTATION: Final = 11
    POLICY: Final = 12
    REGISTRY: Final = 20
    ENGINE: Final = 21
    INPUT: Final = 22
    INTERNAL: Final = 70
    HUNG_UP: Final = 129
    INTERRUPTED: Final = 130
    TERMINATED: Final = 143


DESCRIPTIONS: Final = {
    ExitCode.OK: "Yes: done, or verified.",
    ExitCode.USAGE: "The command line is wrong; nothing was done.",
    ExitCode.NOT_VERIFIED: "Not verified: signature, signer, digest or content does not fit.",
    ExitCode.NO_ATTESTATION: "No attestation of the wanted kind was found.",
    ExitCode.POLICY: "Verified, and the policy says no.",
    ExitCode.REGISTRY: "A registry, an OCI layout or the network did not answer as needed.",
    ExitCode.ENGINE: "The Docker engine is not there or refused.",
    ExitCode.INPUT: "An input file, image or key is bad, unreadable or too large.",
    ExitCode.INTERNAL: "A defect in lading itself; please report it.",
    ExitCode.HUNG_UP: "The terminal was closed (SIGHUP).",
    ExitCode.INTERRUPTED: "Interrupted from the keyboard (SIGINT).",
    ExitCode.TERMINATED: "Told to end (SIGTERM).",
}
