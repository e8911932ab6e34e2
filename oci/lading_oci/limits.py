"""Every bound on what a registry, a layout or a credential file may make us do.

Sizes are bytes, times are seconds. A reader that meets its bound raises
:class:`lading_oci.errors.LimitExceeded`; it never allocates by a size somebody else declared.
"""

from __future__ import annotations

from lading_oci.records import record

__all__ = ["LIMITS", "Limits"]

KIB = 1024
MIB = 1024 * KIB


# what nobody needs of so many fields is not made: it would take milliseconds of every start
@record
class Limits:
    """Bounds of the OCI client; ``dataclasses.replace(LIMITS, …)`` makes others."""

    # documents
    manifest: int = 4 * MIB  # distribution-spec: registries refuse larger ones too
    layout_index: int = 64 * MIB
    layout_unfinished_seconds: float = 24 * 3600.0  # since its last byte, until a file is dead
    json_depth: int = 64
    media_type: int = 255
    annotations: int = 1000
    annotation_value: int = 1 * MIB
    descriptors: int = 100_000  # in one manifest or index

    # referrers and lists
    referrers: int = 20_000
    referrers_pages: int = 200
    referrers_bytes: int = 64 * MIB
    referrers_settled: int = 100  # descriptors whose manifest is read because they say too little
    tags: int = 1_000_000
    tag_pages: int = 10_000

    # HTTP
    redirects: int = 5
    error_body: int = 64 * KIB
    error_text: int = 300
    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 120.0  # one exchange whose body is read whole
    stream_seconds: float = 24 * 3600.0  # one blob that is streamed
    attempts: int = 5
    backoff_first: float = 0.2
    backoff_most: float = 5.0
    retry_after_most: float = 60.0
    idle_connections: int = 8

    # authentication
    credential_file: int = 1 * MIB
    helper_output: int = 256 * KIB
    helper_seconds: float = 30.0
    token_answer: int = 512 * KIB
    token_length: int = 128 * KIB
    token_seconds: float = 60.0  # lifetime when the server does not say (distribution token spec)
    challenges: int = 16 * KIB

    # uploads
    single_post: int = 128 * KIB
    whole_put: int = 4 * MIB  # up to here in one PUT, above in chunks
    chunk: int = 16 * MIB

    # referrers that others write at the same time
    tag_merge_seconds: float = 90.0
    settle_least: float = 0.25  # between writing and reading back
    settle_most: float = 5.0
    settle_quiet: float = 1.5  # without another writer, once there was one
    tag_annotation: int = 1 * KIB  # longer ones are left out first when the index gets too large

    # copies
    copy_manifests: int = 100_000
    copy_depth: int = 16


LIMITS = Limits()
