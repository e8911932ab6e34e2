"""The command line: one file per verb, each parses, calls one function and renders.

:func:`main` is the only place that turns errors into messages and exit statuses. A verb's module
is imported only when that verb is asked for, so that ``verify`` does not pay for ``build``.
"""

from __future__ import annotations

import os
import sys

from lading import __version__
from lading.cli.render import error_to_json, print_error, print_json, say
from lading.errors import exit_code
from lading.exit_codes import ExitCode
from lading_oci.errors import FactsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

__all__ = ["VERBS", "docker_plugin", "main", "make_app"]

#: Every verb in the order of the help text; the module is ``lading.cli.<verb>``.
VERBS = (
    "build",
    "inspect",
    "bom",
    "attest",
    "attach",
    "verify",
    "policy",
    "push",
    "pull",
    "tree",
    "download",
    "copy",
    "diff",
    "keygen",
    "init",
)

#: Verbs whose plain command lines are read without typer (``lading.cli.quick``).
_QUICK = ("bom", "inspect", "verify")
#: Verbs that treat models and data sets (``hf:``, ``git:``, ``dir:`` …) unlike images.
_OF_SOURCES = ("attest", "verify")
#: How those targets begin (``lading.hub.targets.PREFIXES``, which would load all of that room).
_SOURCES = ("dir:", "file:", "git:", "hf:", "hf-dataset:")


def make_app(verbs: Sequence[str] = VERBS) -> typer.Typer:
    """Return the typer application with the given verbs registered."""
    import importlib

    import typer

    from lading.cli.root import root

    app = typer.Typer(
        name="lading",
        help="docker build, plus a signed list of every model and package in the image.",
        no_args_is_help=True,
        add_completion=set(verbs) == set(VERBS),
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(root)
    for verb in verbs:
        importlib.import_module(f"lading.cli.{verb}").register(app)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status; console scripts exit with it."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ExitCode.USAGE)
    except FactsError as error:
        if "--json" in words:
            _print_as_json(error)
        print_error(error)
        return int(exit_code(error))
    except KeyboardInterrupt:
        print("lading: interrupted", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)
    except Exception as error:
        if os.environ.get("LADING_TRACEBACK"):
            raise
        print(
            f"lading: this is a defect in lading: {type(error).__name__}: {error}\n"
            "Run it again with LADING_TRACEBACK=1 and report what it prints.",
            file=sys.stderr,
        )
        return int(ExitCode.INTERNAL)


def _print_as_json(error: FactsError) -> None:
    try:
        print_json({"error": error_to_json(error)})
    except FactsError as unwritten:
        print_error(unwritten)


def _dispatch(words: list[str]) -> int:
    words = _as_others_say(words)
    verb = words[0] if words else ""
    if verb == "build":
        from lading.cli.build import run

        return run(words[1:])
    if verb == "--version" and len(words) == 1:
        say(f"lading {__version__}")
        return int(ExitCode.OK)
    module = _module(verb, words)
    if module in _QUICK:
        from lading.cli import quick

        if getattr(quick, module)(words[1:]):
            return int(ExitCode.OK)
    app = make_app((module,) if verb in VERBS else VERBS)
    from lading.cli.usage import run_app

    return run_app(app, words)


def _as_others_say(words: list[str]) -> list[str]:
    """Return ``help``, ``help VERB`` and ``version``, as other programs have them, as ours."""
    if words == ["version"]:
        return ["--version"]
    if words[:1] == ["help"]:
        return [*words[1:], "--lading-help" if words[1:] == ["build"] else "--help"]
    return words


def _module(verb: str, words: Sequence[str]) -> str:
    """Return the module of a verb: ``attest`` and ``verify`` have one more, for sources."""
    of_source = verb in _OF_SOURCES and any(word.startswith(_SOURCES) for word in words[1:])
    return f"{verb}_source" if of_source else verb


def docker_plugin() -> int:
    """Run as a Docker CLI plugin: ``docker lading VERB …`` (docker's cli-plugins protocol)."""
    words = sys.argv[1:]
    if words[:1] == ["docker-cli-plugin-metadata"]:
        print_json(
            {
                "SchemaVersion": "0.1.0",
                "Vendor": "lading",
                "Version": __version__,
                "ShortDescription": "Build, inspect, sign and verify images that carry models",
            }
        )
        return int(ExitCode.OK)
    if words[:1] == ["lading"]:
        words = words[1:]
    return main(words)
