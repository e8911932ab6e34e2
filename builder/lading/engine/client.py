"""The Docker engine's API: what lading asks of it, and every failure as one kind of error."""

from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lading.engine.ahead import INFO, known
from lading.engine.body import open_body
from lading.engine.context import Endpoint, find_endpoint
from lading.engine.failures import (
    Refused,
    answered,
    api_failure,
    connection_failure,
    is_failure,
    is_refusal,
)
from lading.engine.local import ask
from lading.errors import EngineError, RegistryError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lading.engine.local import Answer

__all__ = ["ApiStream", "Engine"]

_ERRORS = 400
_NOT_FOUND = 404
# to remove a container whose making was broken off: times, seconds between them
_TRIES, _PAUSE = 8, 0.25


class ApiStream:
    """The body of an answer, read as it arrives; a :class:`lading.image.streams.Readable`.

    Args:
        readinto: reads it.
        close: ends the connection, or gives it back.
        where: what was asked for.
    """

    def __init__(
        self,
        readinto: Callable[[memoryview], int | None],
        close: Callable[[], object],
        where: str,
    ) -> None:
        self._readinto = readinto
        self._close = close
        self._where = where

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of ``buffer``; 0 at the end.

        Raises:
            EngineError: the engine went away or gave up.
        """
        with _explained("the engine's answer breaks off", self._where):
            return int(self._readinto(buffer) or 0)

    def close(self) -> None:
        """Give the connection back, read to its end or not."""
        self._close()

    def __enter__(self) -> ApiStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _explained(what: str, where: str) -> Iterator[None]:
    """Turn whatever docker-py, requests, urllib3 and sockets raise into an EngineError."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        if not is_failure(error):
            raise
        raise api_failure(error, what, where) from error


def _reach(endpoint: Endpoint) -> None:
    """Raise what connecting to a socket raises; docker-py would leave its own open then."""
    scheme, _, path = endpoint.host.partition("://")
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
            attempt.settimeout(LIMITS.connect_seconds)
            attempt.connect(path)


class Engine:
    """One connection to an engine; every method raises EngineError and nothing else for failures.

    Args:
        endpoint: where the engine is; :meth:`connect` finds it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._opened: Any = None
        try:
            _reach(endpoint)
        except OSError as error:
            raise connection_failure(error, endpoint) from error
        if endpoint.local_socket is None:
            _ = self._api  # an engine elsewhere is found wanting at once, too

    @classmethod
    def connect(cls, environ: Mapping[str, str] | None = None) -> Engine:
        """Connect to the engine that the ``docker`` command would use."""
        return cls(find_endpoint(os.environ if environ is None else environ))

    @property
    def _api(self) -> Any:
        """The client library's, opened when first needed: it takes 20 MiB, and 50 ms to load."""
        if self._opened is None:
            import docker

            try:
                self._opened = docker.APIClient(
                    base_url=self.endpoint.host,
                    version="auto",
                    timeout=int(LIMITS.engine_seconds),
                    tls=self.endpoint.tls or False,
                )
            except Exception as error:
                if not is_failure(error):
                    raise
                raise connection_failure(error, self.endpoint) from error
        return self._opened

    def _get(self, path: str) -> Any:
        """Return a JSON answer of an engine on a local socket; None where it is elsewhere."""
        if self.endpoint.local_socket is None:
            return None
        return answered(*(known(path, self.host) or self._ask(_quoted(path))))

    def _ask(self, path: str, method: str = "GET", document: Any = None) -> Answer:
        """Return the answer of an engine on a local socket; ``path`` is quoted."""
        answer = ask(
            path, self.host, seconds=LIMITS.engine_seconds, method=method, document=document
        )
        if answer is None:
            raise EngineError("the engine went away", where=self.host)
        return answer

    # -- the engine ----------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """The engine's address, e.g. ``unix:///var/run/docker.sock``."""
        return self.endpoint.host

    def version(self) -> dict[str, Any]:
        """Return ``GET /version``: Version, ApiVersion, Os, Arch and more."""
        with _explained("the engine does not tell its version", self.host):
            return dict(self._api.version())

    def info(self) -> dict[str, Any]:
        """Return ``GET /info``: Driver, DriverStatus, DockerRootDir and more."""
        with _explained("the engine does not describe itself", self.host):
            return dict(self._get(INFO) or self._api.info())

    def ping(self) -> None:
        """Do nothing, or raise when the engine does not answer."""
        with _explained("the engine does not answer", self.host):
            self._api.ping()

    # -- images --------------------------------------------------------------------------------

    def inspect_image(self, name: str) -> dict[str, Any]:
        """Return ``GET /images/NAME/json``."""
        with _explained("the engine does not have the image", name):
            return dict(self._get(f"/images/{name}/json") or self._api.inspect_image(name))

    def history(self, name: str) -> list[dict[str, Any]]:
        """Return ``GET /images/NAME/history``, newest first."""
        with _explained("the engine does not tell the image's history", name):
            return list(self._get(f"/images/{name}/history") or self._api.history(name))

    def save(self, image_id: str) -> ApiStream:
        """Return ``docker save`` of one image as a tar stream.

        An engine with the classic store writes the whole image to its own temporary directory
        before the first byte arrives.
        """
        return self._stream(f"/images/{_quoted(image_id)}/get", image_id)

    def tag(self, image_id: str, repository: str, tag: str) -> None:
        """Give an image a further name."""
        with _explained("the engine does not tag the image", f"{repository}:{tag}"):
            self._api.tag(image_id, repository, tag, force=True)

    def push(
        self,
        repository: str,
        tag: str,
        progress: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> str:
        """Push ``repository:tag`` with docker's own credentials; return the manifest's digest.

        ``progress`` gets the engine's lines as they come: ``status``, ``id``, ``progressDetail``.
        """
        where = f"{repository}:{tag}"
        digest = ""
        with _explained("the engine cannot push the image", where):
            for line in self._api.push(repository, tag=tag, stream=True, decode=True):
                if "error" in line or "errorDetail" in line:
                    raise _line_error(line, "the engine cannot push the image", where)
                aux = line.get("aux")
                if isinstance(aux, dict) and isinstance(aux.get("Digest"), str):
                    digest = aux["Digest"]
                if progress is not None:
                    progress(line)
        if not digest:
            raise EngineError(
                "the engine pushed the image and did not tell its digest", where=where
            )
        return digest

    def pull(
        self, reference: str, progress: Callable[[Mapping[str, Any]], None] | None = None
    ) -> None:
        """Pull ``name@sha256:…`` or ``name:tag`` with docker's own credentials."""
        repository, at, version = reference.partition("@")
        if not at:
            head, colon, tail = reference.rpartition(":")
            repository, version = (
                (head, tail) if colon and "/" not in tail else (reference, "latest")
            )
        with _explained("the engine cannot pull the image", reference):
            for line in self._api.pull(repository, tag=version, stream=True, decode=True):
                if "error" in line or "errorDetail" in line:
                    raise _line_error(line, "the engine cannot pull the image", reference)
                if progress is not None:
                    progress(line)

    # -- containers that are never started ----------------------------------------------------

    def create_container(self, image_id: str, binds: Mapping[str, str] | None = None) -> str:
        """Create a container of an image, never to be started; return its ID.

        ``binds`` maps directories on the engine's machine, which must exist, to absolute paths
        in the container, all read-only. It has no network, and its command cannot run. When this
        is broken off, by a signal or a lost connection, what the engine made is removed.
        """
        from lading.engine.containers import described, new_name

        name, wanted = new_name(), described(image_id, binds or {})
        with _explained("the engine cannot create a container of the image", image_id):
            try:
                if self.endpoint.local_socket is None:
                    made = self._api.create_container_from_config(wanted, name)
                else:
                    path = f"/containers/create?name={name}"
                    made = answered(*self._ask(path, "POST", wanted))
                return str(made["Id"])
            except BaseException as error:
                if not is_refusal(error):
                    self._forget(name)
                raise

    def _forget(self, name: str) -> None:
        """Remove a container that nobody was told of; the engine may be making it still."""
        for _ in range(_TRIES):
            try:
                if self.remove_container(name):
                    return
            except EngineError:
                return  # the engine itself is gone
            time.sleep(_PAUSE)

    def remove_container(self, container: str) -> bool:
        """Remove a container and its anonymous volumes; say whether it was there."""
        with _explained("the engine cannot remove a container", container):
            if self.endpoint.local_socket is not None:
                path = f"/containers/{container}?v=true&force=true"
                return self._ask_without_answer(path, "DELETE")
            from docker.errors import NotFound

            try:
                self._api.remove_container(container, v=True, force=True)
            except NotFound:
                return False
            return True

    def _ask_without_answer(self, path: str, method: str) -> bool:
        """Say whether there is what a request is about; anything else that is no success raises."""
        status, body = self._ask(path, method)
        if status >= _ERRORS and status != _NOT_FOUND:
            raise Refused(status, body)
        return status != _NOT_FOUND

    def archive(self, container: str, path: str) -> ApiStream:
        """Return a path of a container's file system as a tar stream (links not followed)."""
        return self._stream(f"/containers/{container}/archive?path={_quoted(path)}", path)

    def exists(self, container: str, path: str) -> bool:
        """Say whether a container's merged view has ``path`` (last link not followed)."""
        asked = f"/containers/{container}/archive?path={_quoted(path)}"
        with _explained("the engine does not show a path of a container", path):
            if self.endpoint.local_socket is not None:
                return self._ask_without_answer(asked, "HEAD")
            answer = self._api.head(self._url(asked), timeout=LIMITS.engine_seconds)
            if answer.status_code == _NOT_FOUND:
                return False
            answer.raise_for_status()
            return True

    def close(self) -> None:
        """Close the connections; may be called twice."""
        if self._opened is not None:
            self._opened.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _url(self, path: str) -> str:
        return f"{self._api.base_url}/v{self._api.api_version}{path}"

    def _stream(self, path: str, where: str) -> ApiStream:
        """Ask for a body that is read as it arrives; ``path`` is quoted.

        The long timeout covers an engine that spools before it answers.
        """
        with _explained("the engine does not send its bytes", where):
            if self.endpoint.local_socket is not None:
                body = open_body(path, self.host, seconds=LIMITS.engine_stream_seconds)
                if body.status >= _ERRORS:
                    try:
                        raise Refused(body.status, body.rest())
                    finally:
                        body.close()
                return ApiStream(body.readinto, body.close, where)
            # docker-py's own ways to a body cut it into chunks in Python
            answer = self._api.get(
                self._url(path),
                headers={"Accept-Encoding": "identity"},  # or the engine gzips archives
                stream=True,
                timeout=LIMITS.engine_stream_seconds,
            )
            if not answer.ok:
                with answer:
                    answer.raise_for_status()
            return ApiStream(answer.raw.readinto, answer.close, where)


def _quoted(path: str) -> str:
    """Return a path as a part of a URL has it; bytes that are no text stay what they are."""
    return quote(path, safe="/:@", errors="surrogateescape")


def _line_error(line: Mapping[str, Any], what: str, where: str) -> RegistryError:
    """Return the error that a progress line carries; docker-py passes it on as data.

    The engine itself answered: what it reports is the registry's refusal or silence.
    """
    detail = line.get("errorDetail")
    message = line.get("error") or (detail.get("message") if isinstance(detail, dict) else "")
    hint = None
    lowered = str(message).lower()
    if any(word in lowered for word in ("denied", "unauthorized", "authentication required")):
        hint = "run `docker login` for that registry; check that you may write to the repository"
    return RegistryError(what, where=where, got=str(message) or None, hint=hint)
