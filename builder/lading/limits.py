"""Every bound on what is read from outside, typed and named. Sizes are bytes unless said.

Everything read from an image, a registry or a file is hostile: each reader stops at its bound
with :class:`lading.errors.LimitError` or a finding, never with an allocation.
"""

from __future__ import annotations

from lading.records import record

__all__ = ["LIMITS", "Limits"]

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


# what nobody needs of so many fields is not made: it would take milliseconds of every start
@record
class Limits:
    """Bounds of the readers in ``lading``; those of the OCI client are in ``lading_oci.limits``."""

    # image: tar and archive reading
    tar_path_length: int = 4 * KIB
    tar_pax_header: int = 1 * MIB
    tar_entries: int = 5_000_000
    tar_sparse_fragments: int = 100_000
    layers: int = 512
    image_config: int = 8 * MIB
    image_manifest: int = 4 * MIB
    image_index_depth: int = 4  # indexes within indexes
    image_platforms: int = 256  # manifests and indexes of one image, when all of them are wanted
    archive_members: int = 100_000  # files of an archive that holds an image
    archive_documents: int = 64 * MIB  # all its documents together
    decompressed_layer: int = 1024 * GIB
    decompression_ratio: int = 2_000
    layer_links: int = 1_000_000
    layer_cache_total: int = 2 * GIB
    layer_cache_entry: int = 256 * MIB

    # engine: seconds without an answer, and without a byte of a stream (``save`` spools first)
    engine_seconds: float = 60.0
    engine_stream_seconds: float = 3600.0

    # models: headers and companions
    model_files: int = 250_000  # of one layer
    sniff_bytes: int = 4 * KIB
    safetensors_header: int = 100 * MIB
    gguf_metadata_entries: int = 65_536
    gguf_tensors: int = 1_000_000
    gguf_string: int = 16 * MIB
    gguf_array_elements: int = 16_000_000
    protobuf_depth: int = 64
    protobuf_fields: int = 10_000_000
    pickle_opcodes: int = 20_000_000
    lz4_steps: int = 20_000_000  # of half a microsecond each, for one compressed file
    flatbuffer: int = 16 * MIB  # the start of a file that is held for its tables
    flatbuffer_tables: int = 1_000_000  # visited in one file
    data_footer: int = 16 * MIB  # of a file that keeps its description at its end
    zip_entries: int = 1_000_000
    zip_directories: int = 100  # of archives in a row
    zip_inflated: int = 4 * GIB
    inflated_floor: int = 64 * MIB  # small files may expand this far whatever their ratio
    archive_nesting: int = 4
    searched_file: int = 4 * GIB  # without a suffix or a mark, in which an archive may lie
    companion_json: int = 16 * MIB
    companion_text: int = 2 * MIB
    findings_per_file: int = 100
    finding_text: int = 500  # characters
    fact_text: int = 8 * KIB  # characters
    fact_items: int = 4096
    safetensors_tensors: int = 500_000
    json_value: int = 1 * MIB  # one member that is kept whole
    json_members: int = 10_000_000
    pickle_stack: int = 250_000
    pickle_memo: int = 100_000  # remembered entries; what is forgotten counts as unknown
    text_line: int = 64 * KIB
    layout_links: int = 40  # symbolic links followed for one path, as Linux does

    # packages
    package_file: int = 64 * MIB
    package_files: int = 200_000
    package_bytes: int = 1 * GIB
    record_rows: int = 2_000_000
    record_files: int = 200_000  # of a layer that are compared with RECORDs
    record_digest: int = 1 * MIB  # larger files are compared by size, unless they are models
    syft_cache_total: int = 64 * MIB
    program_texts: int = 8 * MIB
    archive_file: int = 2 * GIB
    archive_entries: int = 200_000
    archive_inflated: int = 2 * GIB

    # bill of materials: what is written into it, and somebody's document that is read
    bom_document: int = 256 * MIB
    bom_text: int = 16 * KIB  # characters of one value
    bom_license_expression: int = 2 * KIB  # characters
    bom_violations: int = 5  # schema violations that are told

    # subprocesses
    syft_output: int = 512 * MIB
    syft_seconds: float = 600.0
    subprocess_error_text: int = 64 * KIB

    # sources of models and data sets
    source_files: int = 1_000_000
    source_workers: int = 8  # threads that read and hash
    git_listing: int = 512 * MIB
    git_objects: int = 64 * GIB
    git_seconds: float = 3600.0
    hub_file: int = 64 * MIB  # a file that is no LFS object, and is fetched to be hashed
    hub_total: int = 4 * GIB
    hub_seconds: float = 60.0  # without an answer
    signature_file: int = 16 * MIB
    differences_told: int = 20
    catalogue: int = 10_000  # signed lists of one store
    journal: int = 1 * GIB  # what was read before an interruption
    bom_source_files: int = 2_000  # listed one by one in the BOM of a source

    # policies and third-party reports
    policy_file: int = 1 * MIB
    policy_lookups: int = 256  # base models that the Hub is asked for
    policy_violations: int = 1000  # of one rule that are listed
    opa_seconds: float = 60.0
    opa_output: int = 16 * MIB
    report: int = 7_000_000  # what makes a bundle that everybody reads

    # a build's own sources
    dockerfile: int = 1 * MIB
    context_git_seconds: float = 30.0

    # attestations
    bundle: int = 10_000_000
    seal: int = 48 * KIB  # of a bundle that rides in an annotation
    statement: int = 64 * MIB
    statement_subjects: int = 1024
    subject_digests: int = 32
    json_depth: int = 128
    key_file: int = 64 * KIB
    trusted_keys: int = 64
    bundle_log_entries: int = 8
    bundle_timestamps: int = 32
    log_proof_hashes: int = 64
    attestations_read: int = 1024
    tree_depth: int = 16  # attestations about attestations that are listed
    trust_file: int = 4 * MIB
    trust_rules: int = 1000
    identity_token: int = 64 * KIB

    # signing services (Fulcio, log, timestamp authority, identity provider)
    service_answer: int = 4 * MIB
    service_seconds: float = 90.0
    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    login_seconds: float = 300.0


LIMITS = Limits()
