"""Options that several verbs share, so that they mean and say the same everywhere."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "SIGNING",
    "TRUST",
    "AllPlatforms",
    "Evidence",
    "Image",
    "Insecure",
    "Json",
    "Outputs",
    "Platform",
    "PolicyFile",
    "Previous",
    "Target",
    "collected",
    "option",
]


def option(flags: str, metavar: str, text: str) -> Any:
    """Return an option that takes a value; ``flags`` are its names, a space between them."""
    return typer.Option(*flags.split(), metavar=metavar, help=text, show_default=False)


Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="IMAGE (in the Docker engine, else in its registry), or docker:, registry:, "
        "oci-dir:, oci-archive:, docker-archive:, dir: and a name or path.",
        show_default=False,
    ),
]
Image = Annotated[
    str,
    typer.Argument(
        metavar="IMAGE",
        help="Image reference; registry:IMAGE or docker:IMAGE looks only there.",
        show_default=False,
    ),
]
Platform = Annotated[
    str | None,
    option("--platform", "OS/ARCH", "Of a multi-platform image."),
]
AllPlatforms = Annotated[
    bool, typer.Option("--all-platforms", help="Every platform of a multi-platform image.")
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure", help="Allow HTTP and unverified TLS to hosts other than loopback."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Evidence = Annotated[
    str | None,
    typer.Option(
        "--evidence",
        metavar="PLACE",
        envvar="LADING_EVIDENCE",
        help="Evidence store: a directory (OCI layout) or REGISTRY/REPOSITORY.",
        show_default=False,
    ),
]
PolicyFile = Annotated[
    Path | None,
    option("--policy", "FILE", "Judge what is attested by this policy, too (docs/policy.md)."),
]
Previous = Annotated[
    str | None,
    option(
        "--previous",
        "IMAGE|FILE",
        "The release before this one, for drift rules: an image, verified like this one, or "
        "a CycloneDX file.",
    ),
]
Outputs = Annotated[
    list[str] | None,
    option(
        "--verdict",
        "FORMAT=FILE",
        "Write the policy's verdict: json, sarif, junit, markdown or table; "
        "'github' adds to the step summary. Repeatable.",
    ),
]

#: How to sign: setting → type and option. ``build`` has the same (``engine.argv.OWN_OPTIONS``).
SIGNING: Final[dict[str, Any]] = {
    "signing-key": Annotated[
        str | None,
        option(
            "--signing-key",
            "FILE|URI",
            "Private key to sign with (password from LADING_KEY_PASSWORD or a prompt), or a key "
            "service's: awskms: gcpkms: azurekms: hashivault: pkcs11:",
        ),
    ],
    "keyless": Annotated[
        bool,
        typer.Option(
            "--keyless",
            help="Sign as yourself or as this automation, with a certificate from Sigstore; the "
            "identity becomes public.",
        ),
    ],
    "identity-token": Annotated[
        str | None,
        option("--identity-token", "FILE|TOKEN", "OpenID Connect token to sign keyless with."),
    ],
    "trust-config": Annotated[
        str | None,
        option(
            "--trust-config", "FILE", "A private Sigstore: ClientTrustConfig (default: public)."
        ),
    ],
    "certificate": Annotated[
        str | None,
        option("--certificate", "FILE", "Certificate (PEM) of the signing key, to sign under."),
    ],
    "tlog": Annotated[
        bool, typer.Option("--tlog", help="Have a key's signature in the transparency log, too.")
    ],
    "timestamp": Annotated[
        bool, typer.Option("--timestamp", help="Have a key's signature timestamped, too.")
    ],
}

#: Whom to trust: setting → type and option.
TRUST: Final[dict[str, Any]] = {
    "key": Annotated[
        list[Path] | None,
        option("--key", "FILE", "Trusted public key; may be repeated, any of them counts."),
    ],
    "identity": Annotated[
        list[str] | None,
        option("--identity", "NAME", "Trusted identity, exactly; with --issuer. Repeatable."),
    ],
    "identity-regexp": Annotated[
        list[str] | None,
        option("--identity-regexp", "REGEXP", "The same, as a pattern of the whole identity."),
    ],
    "issuer": Annotated[
        str | None,
        option("--issuer", "URL", "OpenID Connect issuer that vouches for the identity."),
    ],
    "trusted-root": Annotated[
        str | None,
        option(
            "--trusted-root --trust-config",
            "FILE",
            "Root of trust of a Sigstore, used offline (default: the public one's, refreshed).",
        ),
    ],
    "certificate-root": Annotated[
        str | None,
        option(
            "--certificate-root",
            "FILE",
            "Your own authority's root (PEM) for the identity, in place of --issuer.",
        ),
    ],
    "certificate-chain": Annotated[
        str | None,
        option("--certificate-chain", "FILE", "Intermediate certificates (PEM) below that root."),
    ],
    "tlog": Annotated[
        bool, typer.Option("--tlog", help="Insist on a transparency log entry for a key, too.")
    ],
    "timestamp": Annotated[
        bool, typer.Option("--timestamp", help="Insist on a trusted timestamp for a key, too.")
    ],
    "trust": Annotated[
        str | None,
        option("--trust", "FILE", "Trust rules: who may sign which images (docs/verification.md)"),
    ],
}


def collected(name: str, options: Mapping[str, Any]) -> Callable[..., Any]:
    """Give a command ``options`` after its argument; it receives them as one mapping ``name``.

    The mapping has every setting by its name with hyphens, whether it was given or not.
    """
    parameters = [
        inspect.Parameter(
            setting.replace("-", "_"),
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=False if annotation.__origin__ is bool else None,
        )
        for setting, annotation in options.items()
    ]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        kept = [value for value in own.parameters.values() if value.name != name]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            settings = {option: given.pop(option.replace("-", "_")) for option in options}
            command(**given, **{name: settings})

        named = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in kept]
        run.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=[named[0], *parameters, *named[1:]]
        )
        run.__annotations__ = {}  # the signature says it all, and has its types resolved
        return run

    return decorate
