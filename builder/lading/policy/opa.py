"""Rego, evaluated by the real ``opa`` program: no network, no environment, bounded time and output.

Whatever is not one clear value is an error, and an error is a no: no ``opa``, a module that does
not compile, an undefined result, a built-in that fails, a timeout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lading.errors import InputError
from lading.limits import LIMITS

__all__ = ["Opa"]

#: Built-ins that reach outside the evaluation; the module does not compile with them. A JSON
#: schema may refer to another, by URL or file, and opa fetches it whatever ``allow_net`` says.
_REFUSED: Final = frozenset(
    {
        "http.send", "json.match_schema", "json.verify_schema", "net.lookup_ip_addr",
        "opa.runtime", "trace",
    }
)  # fmt: skip
#: Those that opa itself marks as not the same each time, and that reach nothing but the clock.
_CLOCKS: Final = frozenset({"io.jwt.decode_verify", "time.now_ns"})


@dataclass(frozen=True, slots=True)
class Opa:
    """Runs ``opa``: ``program``, else LADING_OPA, else what PATH has."""

    program: Path | None = None

    def __call__(self, module: str, query: str, document: dict[str, Any]) -> Any:
        """Return the value of ``query`` over ``module`` with ``document`` as input.

        Raises:
            InputError: any other outcome than one value.
        """
        program = self._find()
        with tempfile.TemporaryDirectory(prefix="lading-opa-") as name:
            work = Path(name)
            capabilities = json.loads(self._run(program, work, ["capabilities", "--current"]))
            capabilities["builtins"] = [
                one
                for one in capabilities["builtins"]
                if one["name"] not in _REFUSED
                and (not one.get("nondeterministic") or one["name"] in _CLOCKS)
            ]
            capabilities["allow_net"] = []
            (work / "capabilities.json").write_text(json.dumps(capabilities))
            (work / "policy.rego").write_text(module, encoding="utf-8")
            (work / "input.json").write_text(json.dumps(document))
            words = [
                *("eval", "--format", "json", "--strict", "--strict-builtin-errors"),
                *("--capabilities", "capabilities.json", "--data", "policy.rego"),
                *("--input", "input.json", query),
            ]
            return _value(self._run(program, work, words), query)

    def _find(self) -> Path:
        named = self.program or os.environ.get("LADING_OPA") or shutil.which("opa")
        if not named or not Path(named).is_file():
            raise InputError(
                "A rule in Rego needs opa, which is not there",
                where=str(named) if named else None,
                hint="Install Open Policy Agent, or name the program with LADING_OPA.",
            )
        return Path(named).resolve()

    def _run(self, program: Path, work: Path, words: list[str]) -> bytes:
        output = work / "output"
        with output.open("wb") as out, (work / "errors").open("wb") as errors:
            try:
                ended = subprocess.run(
                    [str(program), *words],
                    cwd=work,
                    env={"HOME": str(work), "TMPDIR": str(work)},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=errors,
                    timeout=LIMITS.opa_seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise InputError(
                    "opa took too long", wanted=f"at most {LIMITS.opa_seconds:g} s"
                ) from None
            except OSError as error:
                raise InputError(
                    "opa cannot be started", where=str(program), got=error.strerror
                ) from error
        if output.stat().st_size > LIMITS.opa_output:
            raise InputError("opa's answer is too large")
        answer = output.read_bytes()
        if ended.returncode != 0:
            raise InputError(
                "opa could not evaluate the rule", got=_reason(answer, work / "errors")
            )
        return answer


def _value(answer: bytes, query: str) -> Any:
    try:
        document = json.loads(answer)
        results = document.get("result", [])
        values = [one["value"] for result in results for one in result["expressions"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError("opa's answer cannot be read", got=str(error)[:200]) from error
    if document.get("errors") or len(values) != 1:
        raise InputError(
            "the rule's result is undefined",
            got=f"no value of {query}",
            wanted="package lading, with deny as a set or allow as a boolean",
        )
    return values[0]


def _reason(answer: bytes, errors: Path) -> str:
    """Return opa's own words: the errors in its answer, else the end of its error stream."""
    try:
        found = json.loads(answer).get("errors", [])
        messages = [str(one.get("message")) for one in found]
    except (ValueError, AttributeError, RecursionError):
        messages = []
    if not messages:
        with errors.open("rb") as file:
            messages = [file.read(LIMITS.subprocess_error_text).decode("utf-8", "replace")]
    text = " ".join("; ".join(messages).split())
    return "".join(char for char in text if char.isprintable())[:500] or "no message"
