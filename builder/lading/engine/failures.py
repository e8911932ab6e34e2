"""What went wrong between us and the engine, said so that a person can act on it."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any

from lading.errors import EngineError

if TYPE_CHECKING:
    from lading.engine.context import Endpoint

__all__ = ["Refused", "answered", "api_failure", "connection_failure", "is_failure", "is_refusal"]

_TEXT = 2000  # characters of an engine's own message that are worth showing
_ERRORS = 400
_START = "start the engine (`systemctl start docker`, Docker Desktop), or set DOCKER_HOST to one"


class Refused(Exception):
    """An answer that is none of what was asked for; looks like docker-py's errors."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.response = self
        self.status_code = status
        self.content = body


def answered(status: int, body: bytes) -> Any:
    """Return the JSON data of an answer.

    Raises:
        Refused: it is an error's, or has none.
    """
    if status >= _ERRORS:
        raise Refused(status, body)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(status, body) from None


def is_failure(error: Exception) -> bool:
    """Say whether an exception is the engine's or the connection's, rather than a defect here."""
    if isinstance(error, Refused | OSError):
        return True
    from docker.errors import DockerException, StreamParseError
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    return isinstance(
        error, DockerException | StreamParseError | RequestException | HTTPError | OSError
    )


def is_refusal(error: BaseException) -> bool:
    """Say whether the engine answered that it did not do what it was asked for."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(status, int) and status >= _ERRORS


def connection_failure(error: Exception, endpoint: Endpoint) -> EngineError:
    """Return the error for an engine that could not be talked to at all."""
    where = f"{endpoint.host} ({endpoint.source})"
    numbers = {cause.errno for cause in _causes(error) if isinstance(cause, OSError)}
    if errno.EACCES in numbers or errno.EPERM in numbers:
        return EngineError(
            "you may not talk to the Docker engine",
            where=where,
            got="permission denied",
            hint="add yourself to the socket's group (usually `docker`), or use sudo",
        )
    if numbers & {errno.ENOENT, errno.ECONNREFUSED}:
        got = "no socket there" if errno.ENOENT in numbers else "connection refused"
        return EngineError("no Docker engine is running", where=where, got=got, hint=_START)
    text = str(error)
    if "API version" in text or "client version" in text:
        return EngineError(
            "the Docker engine and lading have no API version in common",
            where=where,
            got=_short(text),
            hint="update the engine (20.10 or newer), or unset DOCKER_API_VERSION",
        )
    return EngineError(
        "the Docker engine cannot be reached", where=where, got=_short(text), hint=_START
    )


def api_failure(error: Exception, what: str, where: str) -> EngineError:
    """Return the error for a request that failed; the engine's own words are in ``got``."""
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    got = _message(error, response)
    hint = None
    if status == 404 and "image" in got.lower():
        hint = "build or pull it first; `docker images` lists what the engine has"
    elif "minimum supported api version" in got.lower() or "too old" in got.lower():
        hint = "lading and the engine have no API version in common: update the older of the two"
    elif "no space left" in got.lower():
        hint = "the engine's disk is full; `docker system df` shows what takes it up"
    elif status is None:
        hint = _START
    return EngineError(what, where=where, got=got or None, hint=hint)


def _message(error: Exception, response: Any) -> str:
    explanation = getattr(error, "explanation", None)
    if isinstance(explanation, bytes):
        explanation = explanation.decode("utf-8", "replace")
    if not explanation and response is not None:
        explanation = _body(response)
    return _short(str(explanation or error))


def _body(response: Any) -> str:
    """Return the message of a JSON answer, or nothing; a broken body must not hide the error."""
    try:
        found = json.loads(response.content[:_TEXT])
    except (ValueError, RuntimeError, OSError, AttributeError):
        return ""
    message = found.get("message") if isinstance(found, dict) else None
    return message if isinstance(message, str) else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _TEXT else text[:_TEXT] + "…"


def _causes(error: BaseException) -> list[BaseException]:
    """Return the exceptions below one: causes, contexts and exceptions kept as arguments."""
    found: list[BaseException] = []
    todo: list[BaseException] = [error]
    while todo:
        cause = todo.pop()
        if cause in found:
            continue
        found.append(cause)
        nested = [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
        todo += [item for item in nested if isinstance(item, BaseException)]
    return found
