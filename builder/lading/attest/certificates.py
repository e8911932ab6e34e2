"""Who a certificate says its key belongs to.

Specification: Fulcio ``docs/certificate-specification.md`` and ``docs/oid-info.md``: exactly one
subject alternative name, critical; the issuer in extension 1.3.6.1.4.1.57264.1.8 (a DER
UTF8String) or, in older certificates, in .1.1 (raw).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509

from lading.attest.interface import SignerIdentity
from lading.errors import InputError, VerificationError
from lading.inputs import read_input
from lading.limits import LIMITS

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["fulcio_identity", "load_certificate", "load_chain", "subject_name"]

_ISSUER_V2: Final = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
_ISSUER_V1: Final = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_USERNAME: Final = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7")
_UTF8_STRING: Final = 0x0C
_LONG_FORM: Final = 0x80
_MAX_NAME: Final = 4096


def load_certificate(der: bytes) -> x509.Certificate:
    """Return the certificate in ``der``.

    Raises:
        VerificationError: ``certificate``, when it does not parse.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        _ = certificate.extensions  # parsed lazily, and a duplicate is found only here
    except Exception as e:
        raise VerificationError("the certificate does not parse", code="certificate") from e
    return certificate


def fulcio_identity(certificate: x509.Certificate) -> SignerIdentity:
    """Return the identity and issuer that Fulcio wrote into ``certificate``; nothing is verified.

    Raises:
        VerificationError: ``certificate``, when it does not name exactly one of each.
    """
    try:
        issuer = _issuer(certificate.extensions)
    except (x509.ExtensionNotFound, ValueError) as e:
        raise VerificationError("the certificate names no issuer", code="certificate") from e
    if not 0 < len(issuer) <= _MAX_NAME:
        raise VerificationError("the issuer's name is empty or too long", code="certificate")
    return SignerIdentity("keyless", subject_name(certificate), issuer)


def subject_name(certificate: x509.Certificate) -> str:
    """Return the one subject alternative name: an e-mail address, a URI or Fulcio's user name.

    Raises:
        VerificationError: ``certificate``, when there is not exactly one, or of another kind.
    """
    try:
        names = list(
            certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        )
        if len(names) != 1:
            raise VerificationError(
                "the certificate must name exactly one identity",
                code="certificate",
                got=str(len(names)),
            )
        name = _name(names[0])
    except (x509.ExtensionNotFound, ValueError) as e:
        raise VerificationError("the certificate names no identity", code="certificate") from e
    if not 0 < len(name) <= _MAX_NAME:
        raise VerificationError("the identity's name is empty or too long", code="certificate")
    return name


def load_chain(path: Path | str) -> list[x509.Certificate]:
    """Return the certificates in a PEM file of ours, in its order.

    Raises:
        InputError: unreadable, too large, or no certificates.
    """
    content = read_input(path, "the file of certificates", LIMITS.trust_file)
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as e:
        raise InputError(
            "this file holds no certificates in PEM", where=str(path), got=str(e)[:160]
        ) from e


def _name(value: x509.GeneralName) -> str:
    if isinstance(value, x509.RFC822Name | x509.UniformResourceIdentifier):
        return value.value
    if isinstance(value, x509.OtherName) and value.type_id == _USERNAME:
        return _utf8_string(value.value)
    raise VerificationError(
        "the certificate's identity is of a kind that Fulcio does not issue",
        code="certificate",
        got=type(value).__name__,
        wanted="an e-mail address, a URI or a user name",
    )


def _issuer(extensions: x509.Extensions) -> str:
    try:
        extension = extensions.get_extension_for_oid(_ISSUER_V2)
        return _utf8_string(_raw(extension))
    except x509.ExtensionNotFound:
        return _raw(extensions.get_extension_for_oid(_ISSUER_V1)).decode("utf-8")


def _raw(extension: x509.Extension[x509.ExtensionType]) -> bytes:
    if not isinstance(extension.value, x509.UnrecognizedExtension):
        raise ValueError("not an extension of Fulcio's")
    return extension.value.value


def _utf8_string(der: bytes) -> str:
    """Decode a DER UTF8String (X.690, 8.23), in its only encoding."""
    if len(der) < 2 or der[0] != _UTF8_STRING:
        raise ValueError("not a UTF8String")
    size = der[1] & ~_LONG_FORM if der[1] & _LONG_FORM else 0
    content = der[2 + size :]
    length = int.from_bytes(der[2 : 2 + size], "big") if size else der[1]
    shortest = not size or (length >= _LONG_FORM and der[2] != 0)
    if length != len(content) or not shortest:
        raise ValueError("not DER")
    return content.decode("utf-8")
