"""``lading`` as a program of its own: what the console script and ``python -m lading`` run."""

from __future__ import annotations

import gc
import os
import signal
import sys

__all__ = ["run"]

#: Verbs that leave nothing behind which Python would have to clean up: no thread, no file.
_LEAVING = frozenset({"bom", "build", "inspect", "verify"})
#: Those of them that read no image, which has garbage of its own: 6 MiB more at their peak.
#: ``build`` reads one later (``lading.cli.warm``).
_SHORT = frozenset({"build", "verify"})
#: Importing makes tens of thousands of objects that stay: looking for garbage among them, as
#: often as Python does by itself, is a tenth of a short run.
_GARBAGE = 50_000


def run() -> None:
    """Run the command line and end the process with its exit status."""
    _end_in_order()
    verb = "".join(sys.argv[1:2])
    if verb in _SHORT:
        gc.set_threshold(_GARBAGE)
    from lading.cli import main

    status = main()
    if verb in _LEAVING:
        _leave(status)
    sys.exit(status)


def _end_in_order() -> None:
    """Have the signals that end a process clean up as an interrupt does; show what can be shown.

    Without that they leave private directories, programs and containers behind.
    """
    for number in (getattr(signal, "SIGTERM", None), getattr(signal, "SIGHUP", None)):
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, _end)
    if sys.stdout is not None and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough, and must not break off the cleaning
    raise SystemExit(128 + number)


def _leave(status: int) -> None:
    """End without taking the interpreter apart, which costs as much as verifying.

    Output that cannot be written is left to the ordinary end, which says so and fails.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return
    os._exit(status)


if __name__ == "__main__":
    run()
