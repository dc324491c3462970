"""Calls to Google Cloud Storage: how long they are tried, and what their errors mean to the operator.

A call has one deadline, whatever goes wrong: refusals for the moment, resets, damaged bytes, silence. The
library's own retry is not used. It sends a write again without looking whether the first one stands, goes on
with a broken download without checking the sum of its parts, and waits for two minutes.
"""

from __future__ import annotations

import http
import time
from collections.abc import Callable
from typing import TypeVar

import requests
import urllib3
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption

from pipelines.store.gcs_client import no_entry
from transforms.domain.errors import ByleaveError, ConfigError, IntegrityError, StateError, UnreachableError

PATIENCE_S = 60.0
"""How long a call is tried. Sockets wait less, so that it ends within one and a half times that."""

_Answer = TypeVar("_Answer")
_MOMENTARY = (
    exceptions.TooManyRequests,
    exceptions.ServerError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    ConnectionError,
    TransportError,
    DataCorruption,
)
_MISUSED = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


class Unsettled(Exception):
    """What was sent was neither done nor refused for good: send it again."""


class Damaged(Exception):
    """What arrived is not what the store says it sent."""


class Clock:
    """The time that is left to a call.

    A socket waits for a part of it, and a little at the very end: so a call that began in time still has its
    chance to find out how it ended.
    """

    def __init__(self, patience_s: float, left_s: float) -> None:
        self._patience_s = patience_s
        self._ends_at = time.monotonic() + left_s

    @property
    def left_s(self) -> float:
        """Seconds until nothing new is begun."""
        return self._ends_at - time.monotonic()

    def timeout(self) -> tuple[float, float]:
        """For one request: how long to wait for a connection, and for bytes."""
        left = max(self.left_s, self._patience_s / 12)
        return min(left, self._patience_s / 6), min(left, self._patience_s / 3)


class Calls:
    """Calls to one store. Threads share what they know of its silence.

    When the store has been silent for as long as a call may take, a call that begins then has a sixth of
    that, or a job with many threads would find out about an outage one thread after the other.
    """

    def __init__(self, url: str, patience_s: float) -> None:
        self._url = url
        self._patience_s = patience_s
        self._silent_since: float | None = None

    def until_answered(self, path: str, ask: Callable[[Clock], _Answer]) -> _Answer:
        """What ``ask`` came to, which is called again while the store's errors are momentary.

        Raises:
            UnreachableError: it did not answer in time.
            IntegrityError: what it sent was damaged each time.
            StateError: the bucket is not there, or refuses.
            ConfigError: the credentials or the address cannot be right.
        """
        clock = Clock(self._patience_s, self._left_s())

        def once() -> _Answer:
            try:
                answer = ask(clock)
            except Exception as error:
                if momentary(error):
                    self._silent_since = self._silent_since or time.monotonic()
                raise
            self._silent_since = None
            return answer

        # Delays are drawn at random below a bound that doubles.
        retry = Retry(
            predicate=momentary,
            initial=self._patience_s / 120,
            maximum=self._patience_s / 8,
            timeout=clock.left_s,
        )
        try:
            return retry(once)()
        except exceptions.RetryError as error:
            raise self._gave_up(path, error.cause) from error
        except (exceptions.GoogleAPICallError, GoogleAuthError, *_MISUSED) as error:
            raise self._refused(path, error) from error

    def _left_s(self) -> float:
        """Until the store has been silent for long enough, and not much less than a call deserves."""
        silent_s = time.monotonic() - self._silent_since if self._silent_since is not None else 0.0
        return max(self._patience_s - silent_s, self._patience_s / 6)

    def _gave_up(self, path: str, last: Exception | None) -> ByleaveError:
        if isinstance(last, DataCorruption | Damaged):
            return IntegrityError(
                f"{self._url}/{path}: what arrives is not what the store says it sends, each time in"
                f" {self._patience_s:.0f} s ({said(last)}). Is there a proxy on the way that changes it?"
            )
        return UnreachableError(
            f"{self._url}/{path}: the store did not answer for {self._patience_s:.0f} s ({said(last)})."
            " Nothing was deleted; run the same command again when it answers"
        )

    def _refused(self, path: str, error: Exception) -> ByleaveError:
        bucket = "/".join(self._url.split("/")[:3])
        if isinstance(error, exceptions.Unauthorized | GoogleAuthError):
            return no_entry(self._url)
        if isinstance(error, exceptions.Forbidden):
            return StateError(
                f"{self._url}/{path}: {bucket} does not allow this ({said(error)}). Give the account in use"
                " the role roles/storage.objectUser on the bucket, and run it again"
            )
        if isinstance(error, exceptions.NotFound):
            return StateError(
                f"{self._url}: there is no bucket {bucket}. Create it with"
                f" `gcloud storage buckets create {bucket}`, or name another"
            )
        if isinstance(error, _MISUSED):
            return ConfigError(f"{self._url}: STORAGE_EMULATOR_HOST is no address ({error})")
        return StateError(f"{self._url}/{path}: the store refuses this ({said(error)})")


def momentary(error: BaseException) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, Unsettled | Damaged):
        return True
    if isinstance(error, exceptions.GoogleAPICallError) and error.code == http.HTTPStatus.REQUEST_TIMEOUT:
        return True
    if isinstance(error, GoogleAuthError):
        return isinstance(error, TransportError) or bool(error.retryable)
    return isinstance(error, _MOMENTARY) and not isinstance(error, _MISUSED)


def said(error: BaseException | None) -> str:
    """An error of the store or of the way there, in a few words."""
    if isinstance(error, Unsettled):
        error = error.__cause__
    if isinstance(error, exceptions.GoogleAPICallError) and error.code is not None:
        code = http.HTTPStatus(error.code)
        return f"{code.value} {code.phrase}"
    if isinstance(error, requests.ConnectionError) and error.args:
        reason = getattr(error.args[0], "reason", error.args[0])
        return str(reason).rpartition(": ")[2].strip("')>") or type(error).__name__
    return type(error).__name__ if error is not None else "no answer"
