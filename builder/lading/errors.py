"""The product's errors; each says what, where, got, wanted and what to do, and its exit status.

::

    FactsError (lading_oci.errors)
    ├── OciError                exit 20
    │   └── ReferenceInvalid    exit 2: a name that was typed
    └── LadingError
        ├── UsageError          exit 2
        ├── VerificationError   exit 10
        ├── NoAttestation       exit 11
        ├── PolicyViolation     exit 12
        ├── RegistryError       exit 20
        ├── EngineError         exit 21
        └── InputError          exit 22
            ├── LimitError      something from outside is larger than its bound (``limits.py``)
            └── SigningKeyError a key file or its password

``lading.cli.main`` catches ``FactsError`` once and maps it with :func:`exit_code`.
"""

from __future__ import annotations

from lading.exit_codes import ExitCode
from lading_oci.errors import FactsError, OciError, ReferenceInvalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

__all__ = [
    "EngineError",
    "InputError",
    "LadingError",
    "LimitError",
    "NoAttestation",
    "PolicyViolation",
    "RegistryError",
    "SigningKeyError",
    "UsageError",
    "VerificationError",
    "exit_code",
]


class LadingError(FactsError):
    """Root of the product's own errors."""

    exit_code: ClassVar[int] = ExitCode.INTERNAL


class UsageError(LadingError):
    """The command line or a configuration file asks for something that cannot be meant."""

    exit_code = ExitCode.USAGE


class VerificationError(LadingError):
    """Evidence was found and does not hold: signature, signer, subject, content or freshness.

    ``code`` is a stable word for programs, for example ``signature``, ``signer``, ``subject``.
    """

    exit_code = ExitCode.NOT_VERIFIED

    def __init__(
        self,
        what: str,
        *,
        code: str,
        where: str | None = None,
        got: str | None = None,
        wanted: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(what, where=where, got=got, wanted=wanted, hint=hint)
        self.code = code


class NoAttestation(LadingError):
    """Nothing of the wanted kind is attached to the subject."""

    exit_code = ExitCode.NO_ATTESTATION


class PolicyViolation(LadingError):
    """The evidence holds and the policy refuses what it says."""

    exit_code = ExitCode.POLICY


class RegistryError(LadingError):
    """A registry or network failure that is ours to explain."""

    exit_code = ExitCode.REGISTRY


class EngineError(LadingError):
    """The Docker engine or its command line is missing, unreachable or refused."""

    exit_code = ExitCode.ENGINE


class InputError(LadingError):
    """A file, image, archive or key that is bad or unreadable."""

    exit_code = ExitCode.INPUT


class LimitError(InputError):
    """Something from outside is larger than the bound that ``limits.py`` names."""


class SigningKeyError(InputError):
    """A key file that cannot be used, or a password that does not open it."""


def exit_code(error: FactsError) -> int:
    """Return the documented exit status for an error of this tree."""
    if isinstance(error, LadingError):
        return error.exit_code
    if isinstance(error, ReferenceInvalid):
        return ExitCode.USAGE
    if isinstance(error, OciError):
        return ExitCode.REGISTRY
    return ExitCode.INTERNAL
