"""Use case: a model or data set becomes one with a signed list of its files, and a signed BOM.

The list is a Model Signing statement, which other tools verify; the BOM says what the model is.
Both are about the root digest. What is not plain files, or differs from the commit that would be
named, stops everything: a list that leaves something out in silence would be worse than none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lading.attest.bundle import BUNDLE_MEDIA_TYPE, parse_bundle
from lading.attest.keys import public_pem
from lading.attest.predicates import CYCLONEDX, OMS_SIGNATURE
from lading.attest.statement import Subject, build_statement
from lading.attest.strict_json import canonical_bytes
from lading.bom.clock import timestamp_text
from lading.errors import InputError, LimitError
from lading.hub.oms import Origin, build_predicate
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.root_digest import root_digest
from lading.usecases.attest import Attestation, attach_bundle, attach_statement, bom_statement
from lading.usecases.attest import make_bom as render_bom
from lading.usecases.source_facts import describe, examine_files, purl_of
from lading.usecases.sources import CATALOGUE, list_annotations

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lading.attest.interface import Signer
    from lading.hub.interface import Listed, Scope, Source
    from lading.inventory import Inspection, ModelFile
    from lading.usecases.journal import Journal
    from lading.usecases.source_files import Progress
    from lading_oci.interface import Repository

__all__ = ["Attested", "attest_source", "bytes_to_read", "model_signature"]

_RESOURCE_BYTES: Final = 110  # of one file in the list, without its path


@dataclass(frozen=True, slots=True)
class Attested:
    """An attested source. ``root`` is ``sha256:…``, ``bundle`` the signed list, ``size`` bytes."""

    name: str
    root: str
    origin: Origin
    inspection: Inspection
    document: bytes
    bundle: bytes
    files: int
    size: int
    attestations: tuple[Attestation, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the ``attest`` document of a source."""
        return {
            "source": self.origin.uri,
            "name": self.name,
            "digest": self.root,
            "files": self.files,
            "size": self.size,
            "unread": list(self.origin.unread),
            "commit": self.origin.commit,
            "license": self.origin.license,
            "purl": self.origin.purl,
            "attestations": [one.to_json() for one in self.attestations],
        }


def attest_source(
    source: Source,
    *,
    scope: Scope,
    signer: Signer,
    store: Repository,
    progress: Progress,
    journal: Journal | None = None,
) -> Attested:
    """Read, list, describe and sign a source, and keep the evidence in ``store``.

    With a ``journal``, what an interrupted run has read is not read again.

    Raises:
        InputError: there is nothing to sign, or something that cannot be signed.
        LimitError: the list or the BOM would be larger than verifiers read.
        SigningKeyError, RegistryError: the signer failed; nothing was stored.
        OciError: the store failed; it can be repeated.
    """
    listed = [one for one in source.files if scope.takes(one.path)]
    _refuse(source, scope, listed)
    files = examine_files(listed, progress, journal)
    inspection = describe(source, files)
    root = root_digest((one.path, one.sha256) for one in files) or ""
    unread = tuple(one.path for one in listed if one.open is None)
    origin = _origin(source, inspection, unread)
    subject = Subject(source.name, {"sha256": root.removeprefix("sha256:")})
    document = render_bom(inspection)
    bom = bom_statement([subject], document)
    predicate = build_predicate(_digests(files), origin, links=source.links)
    bundle = signer.sign(build_statement([subject], OMS_SIGNATURE, predicate))
    named = list_annotations(source.name, _digests(files).values())
    attestations = (
        attach_bundle(bundle, OMS_SIGNATURE, store=store, subject=root, annotations=named),
        attach_statement(bom, CYCLONEDX, signer=signer, store=store, subject=root),
    )
    attach_bundle(bundle, OMS_SIGNATURE, store=store, subject=CATALOGUE, annotations=named)
    if journal:
        journal.remove()
    size = sum(one.size for one in listed)
    return Attested(
        *(source.name, root, origin, inspection, document, bundle, len(files), size),
        attestations=attestations,
    )


def bytes_to_read(source: Source, scope: Scope) -> int:
    """Return how many bytes an attestation will read, at least."""
    return sum(one.size for one in source.files if one.open and scope.takes(one.path))


def model_signature(bundle: bytes, signer: Signer) -> bytes:
    """Return a signed list as Model Signing's own file: the same bundle, its key named its way.

    Model Signing names a key by the hexadecimal SHA-256 of its PEM, where we and others name it
    by that of its DER; neither name is signed. Of a signer that does not show its key, the name
    is left out, which Model Signing takes with a warning.
    """
    parsed = parse_bundle(bundle)
    if parsed.certificate is not None:
        return bundle
    key = getattr(signer, "public_key", None)
    hint = "" if key is None else hashlib.sha256(public_pem(key)).hexdigest()
    return canonical_bytes(
        {
            "mediaType": BUNDLE_MEDIA_TYPE,
            "verificationMaterial": {
                "publicKey": {"hint": hint},
                "tlogEntries": [dict(entry) for entry in parsed.log_entries],
            },
            "dsseEnvelope": parsed.envelope.to_json(),
        }
    )


def _refuse(source: Source, scope: Scope, listed: Sequence[Listed]) -> None:
    odd = {path: why for path, why in source.odd.items() if scope.takes(path)}
    if odd:
        path, why = min(odd.items())
        raise InputError(
            "The source holds what cannot be signed",
            where=source.uri,
            got=f"{path}: {why}" + (f", and {len(odd) - 1} more" if len(odd) > 1 else ""),
            hint="Leave it out with --exclude PATTERN, if what loads the model does not need it",
        )
    changed = [path for path in source.changed if scope.takes(path)]
    if changed:
        raise InputError(
            "The working tree is not what the commit says",
            where=source.uri,
            got=_some(changed),
            hint="Commit it; or attest the commit as it is with git:PATH@HEAD, or the files as "
            "they lie there with dir:PATH",
        )
    if not listed:
        raise InputError("There is no file to sign", where=source.uri)
    # base64 makes four bytes of three; said now, not after hours of reading
    expected = sum(len(one.path.encode()) + _RESOURCE_BYTES for one in listed) * 4 // 3
    if expected > LIMITS.bundle:
        raise LimitError(
            "The source has too many files for one signed list",
            where=source.uri,
            got=f"{len(listed):,} files, a list of about {expected:,} bytes",
            wanted=f"at most {LIMITS.bundle:,} bytes",
            hint="Attest its folders one by one, or choose files with --include and --exclude",
        )


def _some(paths: list[str]) -> str:
    shown = ", ".join(paths[: LIMITS.differences_told])
    more = len(paths) - LIMITS.differences_told
    return shown + (f" and {more} more" if more > 0 else "")


def _digests(files: Iterable[ModelFile]) -> dict[str, str]:
    return {one.path: one.sha256 for one in files}


def _origin(source: Source, inspection: Inspection, unread: tuple[str, ...]) -> Origin:
    known = (inspection.models or inspection.datasets)[0].facts
    licence = known.get(v.LICENSE) or known.get(v.LICENSE_NAME)
    return Origin(
        uri=source.uri,
        kind="model" if inspection.models else "dataset",
        repository=source.repository,
        commit=source.commit,
        tree=source.tree,
        license=str(licence.value) if licence else None,
        purl=purl_of(source, inspection),
        time=timestamp_text(None),
        unread=unread,
    )
