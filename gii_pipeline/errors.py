"""Errors that a person must fix, each with the exit code of `gii`.

Belongs here: the few exception classes shared by all packages.
Does not: messages. The package that detects the error says what was wrong, where, and what to do.
"""


class GiiError(Exception):
    """An error that a person must fix. The message names the file, row, column or year, and the remedy."""

    exit_code = 2


class InputError(GiiError):
    """A file, profile, edition or argument is missing, unreadable or not what it claims to be."""


class MissingYearsError(InputError):
    """An edition needs data years that are not in the core tables."""


class DamagedError(GiiError):
    """A file that the pipeline wrote is missing, truncated or was changed; the message says how to repair it."""

    exit_code = 7


class ContractError(GiiError):
    """A table breaks a rule of its contract; nothing was promoted."""

    exit_code = 3


class FetchStoppedError(GiiError):
    """A source refused (budget spent, key refused, source retired). Fetched files are kept; a re-run resumes."""

    exit_code = 4


class TransientError(GiiError):
    """A fetch failed in a way that a later attempt may fix: time-outs, resets, 5xx after all retries."""

    exit_code = 5


class MachineError(GiiError):
    """The machine refused: a full disk, no write permission, too many open files. No partial file is left."""

    exit_code = 8


class ReleaseError(GiiError):
    """A release was refused, is broken, or does not exist."""

    exit_code = 6
