"""URIs of keys in key services and hardware modules: read, checked and put into one form.

========== ============================================================================
service    URI
========== ============================================================================
AWS        ``awskms:KEY_ID``, alias or ARN (also ``awskms:///…`` as cosign writes it)
GCP        ``gcpkms:projects/…/cryptoKeyVersions/N`` (also ``gcpkms://…/versions/N``)
Azure      ``azurekms://VAULT.vault.azure.net/keys/NAME[/VERSION]`` (also without ``keys/``)
Vault      ``hv:NAME[/VERSION]`` (also ``hashivault://NAME``), Transit engine
PKCS#11    ``hsm:[ID][?label=TOKEN]``, or RFC 7512 ``pkcs11:token=…;id=%02?module-path=…``
========== ============================================================================
"""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import parse_qs, quote, unquote, unquote_to_bytes

from lading.errors import UsageError
from lading.records import record

__all__ = ["KeyService", "KeyUri", "is_kms_uri", "parse_kms_uri"]


@record
class KeyService:
    """What a user needs to know of a service when it does not sign.

    ``extra`` of securesystemslib has its client library, ``ambient`` is where that library has
    credentials and addresses from, ``keys`` what keys that sign here are called there.
    """

    extra: str
    ambient: str
    keys: str


_SERVICES: Final = {
    "awskms": KeyService(
        extra="awskms",
        ambient="AWS_PROFILE, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
        keys="key spec ECC_NIST_P256 or ECC_NIST_P384, usage SIGN_VERIFY",
    ),
    "gcpkms": KeyService(
        extra="gcpkms",
        ambient="GOOGLE_APPLICATION_CREDENTIALS, or `gcloud auth application-default login`",
        keys="purpose asymmetric-signing, algorithm ec-sign-p256-sha256 or ec-sign-p384-sha384",
    ),
    "azurekms": KeyService(
        extra="azurekms",
        ambient="AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or `az login`",
        keys="type EC or EC-HSM on curve P-256 or P-384",
    ),
    "hv": KeyService(
        extra="vault",
        ambient="VAULT_ADDR and VAULT_TOKEN",
        keys="type ecdsa-p256, ecdsa-p384 or ed25519",
    ),
    "hsm": KeyService(extra="hsm", ambient="", keys="ECDSA on P-256 or P-384"),
}
_ALIASES: Final = {"hashivault": "hv", "pkcs11": "hsm"}
_MODULE_VARIABLE: Final = "PYKCS11LIB"
_ARN_REGION: Final = re.compile(r"arn:[a-z-]+:kms:([a-z0-9-]+):")
_GCP_KEY: Final = re.compile(
    r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+/cryptoKeyVersions/[0-9]+"
)
_VAULT_KEY: Final = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*)(?:/([1-9][0-9]*))?")
_AZURE_HOST: Final = ".vault.azure.net"


@record
class KeyUri:
    """A key and where it is. ``text`` is the URI in one form, without any secret.

    ``version`` is empty for the newest; ``place`` is an AWS region, an Azure vault's name or the
    label of a PKCS#11 token, and empty where the surroundings say it.
    """

    scheme: str
    text: str
    name: str
    version: str = ""
    place: str = ""

    @property
    def service(self) -> KeyService:
        """The service that has the key."""
        return _SERVICES[self.scheme]


def is_kms_uri(text: str) -> bool:
    """Say whether ``text`` names a key service, and not a key file."""
    scheme = text.partition(":")[0]
    return ":" in text and (scheme in _SERVICES or scheme in _ALIASES)


def parse_kms_uri(uri: str) -> KeyUri:
    """Return what ``uri`` names.

    Raises:
        UsageError: a URI of no known service, of no one key, or with a PIN in it.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "pkcs11":
        return _rfc7512(rest)
    scheme = _ALIASES.get(scheme, scheme)
    if scheme not in _SERVICES:
        raise UsageError(
            "this URI names no key service",
            got=uri[:160],
            wanted=", ".join(f"{name}:" for name in (*_SERVICES, "pkcs11")),
        )
    if scheme == "awskms":
        return _aws(rest)
    if scheme == "gcpkms":
        return _gcp(rest)
    if scheme == "azurekms":
        return _azure(rest)
    rest = rest.lstrip("/")
    if scheme == "hv":
        return _vault(rest)
    number, _, query = rest.partition("?")
    return KeyUri("hsm", f"hsm:{rest}", number, place=parse_qs(query).get("label", [""])[0])


def _aws(rest: str) -> KeyUri:
    name = rest.lstrip("/")
    host = name.partition("/")[0]
    if rest.startswith("//") and not host.startswith("arn:") and ("." in host or ":" in host):
        raise UsageError(
            "an endpoint does not belong in the URI of an AWS key",
            got=f"awskms:{rest}"[:160],
            wanted="awskms:KEY_ID_OR_ARN",
            hint=f"set AWS_ENDPOINT_URL_KMS=https://{host}",
        )
    if not name:
        raise UsageError("this URI names no AWS key", got="awskms:", wanted="awskms:KEY_ID_OR_ARN")
    region = _ARN_REGION.match(name)  # such a key is in no other region, whatever is configured
    return KeyUri("awskms", f"awskms:{name}", name, place=region[1] if region else "")


def _gcp(rest: str) -> KeyUri:
    name = rest.lstrip("/").replace("/versions/", "/cryptoKeyVersions/")
    if not _GCP_KEY.fullmatch(name):
        raise UsageError(
            "this URI names no version of a Google Cloud key",
            got=f"gcpkms:{name}"[:240],
            wanted="gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N",
        )
    return KeyUri("gcpkms", f"gcpkms:{name}", name)


def _azure(rest: str) -> KeyUri:
    host, _, path = rest.lstrip("/").partition("/")
    name, _, version = path.removeprefix("keys/").partition("/")
    vault = host.removesuffix(_AZURE_HOST)
    # securesystemslib asks this one domain, whatever the URI says: no other may seem to be asked
    if not re.fullmatch(r"[A-Za-z0-9-]+", vault) or not name or "/" in version:
        raise UsageError(
            "this URI names no key in an Azure key vault",
            got=f"azurekms:{rest}"[:160],
            wanted=f"azurekms://VAULT{_AZURE_HOST}/keys/NAME or …/NAME/VERSION",
        )
    text = f"azurekms://{vault}{_AZURE_HOST}/keys/{name}"
    return KeyUri("azurekms", f"{text}/{version}" if version else text, name, version, vault)


def _vault(rest: str) -> KeyUri:
    found = _VAULT_KEY.fullmatch(rest)
    if not found:
        raise UsageError(
            "this URI names no key in Vault",
            got=f"hv:{rest}"[:160],
            wanted="hashivault://NAME or hashivault://NAME/VERSION, a key of the mount transit/",
        )
    return KeyUri("hv", f"hv:{rest}", found[1], found[2] or "")


def _rfc7512(rest: str) -> KeyUri:
    """Turn ``token=…;id=%02?module-path=…`` into ``hsm:2?label=…`` (RFC 7512, section 2.3)."""
    path, _, query = rest.partition("?")
    attributes = dict(part.partition("=")[::2] for part in path.split(";") if part)
    options = {name: values[0] for name, values in parse_qs(query).items()}
    if "pin-value" in options or "pin-source" in options:
        raise UsageError(
            "a PIN does not belong in a URI", hint="set LADING_KEY_PASSWORD, or wait to be asked"
        )
    if "id" not in attributes:
        raise UsageError("the PKCS#11 URI names no key", wanted="id=%NN", got=rest[:160])
    if module := options.get("module-path"):
        os.environ.setdefault(_MODULE_VARIABLE, module)  # the only way to tell securesystemslib
    number = str(int.from_bytes(unquote_to_bytes(attributes["id"]), "big"))
    label = unquote(attributes.get("token", ""))
    text = f"hsm:{number}" + (f"?label={quote(label)}" if label else "")
    return KeyUri("hsm", text, number, place=label)
