"""The client of Google Cloud Storage: who asks, and over how many connections.

With STORAGE_EMULATOR_HOST set, a server of that address is asked, and nobody signs in. Otherwise the
application-default credentials do.
"""

from __future__ import annotations

import os

import google.auth
import google_crc32c
from google.auth import credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import storage
from requests import Session
from requests.adapters import HTTPAdapter

from transforms.domain.errors import ConfigError

_THREADS = 64
"""So many threads of a process ask at once without waiting for a connection."""

_SIGN_IN_S = 15.0

_NO_CREDENTIALS = (
    "Sign in with `gcloud auth application-default login`, or name a key file in"
    " GOOGLE_APPLICATION_CREDENTIALS"
)


def new_client(url: str) -> storage.Client:
    """A client for the store at ``url``. It may be used by many threads, and by one process.

    Raises:
        ConfigError: there are no credentials, or checksums would be computed byte by byte in Python.
    """
    if google_crc32c.implementation != "c":
        raise ConfigError(
            f"{url}: google-crc32c is installed without its C part, and would take minutes for each file."
            " Reinstall it from a wheel: pip install --force-reinstall --only-binary :all: google-crc32c"
        )
    # Otherwise a thread of the library asks for the bucket's metadata, to trace calls that nobody traces.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    signed = _credentials(url)
    session = AuthorizedSession(signed, refresh_timeout=_SIGN_IN_S, auth_request=Request(Session()))
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=_THREADS))
    # A project is needed to create buckets, and for nothing that is done here.
    return storage.Client(project=None, credentials=signed, _http=session)


def _credentials(url: str) -> credentials.Credentials:
    if os.environ.get("STORAGE_EMULATOR_HOST"):
        return credentials.AnonymousCredentials()
    try:
        found, _ = google.auth.default(scopes=storage.Client.SCOPE)
    except GoogleAuthError as error:
        raise ConfigError(f"{url}: there are no credentials for Google Cloud. {_NO_CREDENTIALS}") from error
    return found


def no_entry(url: str) -> ConfigError:
    """What to tell whoever has credentials that are not accepted."""
    return ConfigError(f"{url}: the credentials are not accepted. {_NO_CREDENTIALS}")
