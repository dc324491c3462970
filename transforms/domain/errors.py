"""The tree of errors. A branch says what the operator should do; each has its exit code.

::

    ByleaveError
    ├── ConfigError           3  fix the options, the policy or the configuration
    ├── InputError            4  fix or leave out the input file
    │   └── TooManyQuarantined
    ├── StateError            5  the store is not in a state for this: take the step that is named
    ├── RetryError            6  nothing is wrong with the request: run it again
    │   └── UnreachableError        when the store answers again
    ├── RefusedError          7  stop: publishing this would break a promise
    ├── IntegrityError        8  stop: the store holds something other than what was written
    └── CommitOutcomeUnknown  9  find out whether it is published: the same command does

Exit code 0 is success, 1 a defect of byleave itself, 2 a command line that cannot be read, 130 Ctrl-C.

A message says the fact, the values, the cure and the place. Errors raised on a worker cross the
runner as text; :func:`encode` and :func:`decode` carry them through any of Beam's runners.
"""

from __future__ import annotations

import json

_MARK = "BYLEAVE-ERROR "


class ByleaveError(Exception):
    """Anything that the operator can act on. ``str(error)`` is the whole message."""

    exit_code = 1


class ConfigError(ByleaveError):
    """Options, a policy or a configuration that cannot be right. Every fault is in the message."""

    exit_code = 3


class InputError(ByleaveError):
    """An input file that is unreadable, corrupt, or not of the stated format."""

    exit_code = 4


class TooManyQuarantined(InputError):
    """The share of rows in quarantine is above what the operator accepts."""


class StateError(ByleaveError):
    """The store lacks what the command needs, or already holds something else under that name."""

    exit_code = 5


class RetryError(ByleaveError):
    """Another run got in the way, or the store did not answer; the same command may succeed now."""

    exit_code = 6


class UnreachableError(RetryError):
    """The store did not answer within the time that a request may take; a write may stand or not."""


class RefusedError(ByleaveError):
    """Publishing was refused: rows do not reconcile, or a row meets the opt-out ledger."""

    exit_code = 7


class IntegrityError(ByleaveError):
    """A digest does not match its bytes, or an action gave two results for the same inputs."""

    exit_code = 8


class CommitOutcomeUnknown(ByleaveError):
    """The store did not say whether a commit stands. Nothing was deleted, and running it again is safe."""

    exit_code = 9


def unusable(error: OSError) -> StateError:
    """What the operating system refused, as the operator's to mend."""
    place = error.filename or "the store"
    return StateError(
        f"{place}: {error.strerror or error}. Free the space or give the permission, and run it again"
    )


_BY_NAME = {
    kind.__name__: kind
    for kind in (
        ByleaveError,
        ConfigError,
        InputError,
        TooManyQuarantined,
        StateError,
        RetryError,
        UnreachableError,
        RefusedError,
        IntegrityError,
        CommitOutcomeUnknown,
    )
}


def encode(error: ByleaveError) -> str:
    """One line of text that :func:`decode` turns back into the same error."""
    return _MARK + json.dumps([type(error).__name__, str(error)])


def decode(text: str) -> ByleaveError | None:
    """The first error encoded anywhere in ``text`` (a runner's own message), or None."""
    start = text.find(_MARK)
    if start < 0:
        return None
    try:
        (name, message), _ = json.JSONDecoder().raw_decode(text, start + len(_MARK))
        return _BY_NAME.get(name, ByleaveError)(message)
    except (ValueError, TypeError):  # a text that only begins like one
        return None
