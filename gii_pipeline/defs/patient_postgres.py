"""Dagster's Postgres storage, whose processes wait for a database that is away.

Belongs here: how long a process waits to connect, connections that were cut, and questions that are asked again.
Does not: what Dagster keeps there.

Dagster gives up after some ten seconds. A run worker that does so cannot write that its run failed, and the code server
that then looks for dead workers stops looking, so that the run counts as started for good. `dagster.yaml.example` names
this class; it needs the extra `postgres`.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import Connection, Engine, Pool, event
from sqlalchemy.exc import DisconnectionError, OperationalError

WAIT_SECONDS = 300.0
"""How long one attempt to connect waits. Dagster attempts it six times."""
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
STARTING_OR_STOPPING = "the database system is"

logger = logging.getLogger(__name__)


class PatientPostgresStorage(DagsterPostgresStorage):
    """The storage of dagster-postgres, with the same settings, in a process that waits."""


def is_away(message: str) -> bool:
    """Whether a refused connection may be had later: no server answered, or it is starting or stopping."""
    return "FATAL:" not in message or STARTING_OR_STOPPING in message


@event.listens_for(Engine, "do_connect")
def connect_patiently(dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> Any:  # noqa: ANN401
    """A new connection to Postgres, as soon as the server is there."""
    if dialect.name != "postgresql":
        return None
    deadline, delay = time.monotonic() + WAIT_SECONDS, FIRST_DELAY_SECONDS
    while True:
        try:
            return dialect.connect(*arguments, **parameters)
        except dialect.loaded_dbapi.OperationalError as error:
            if not is_away(str(error)) or time.monotonic() + delay > deadline:
                raise
            logger.warning("Postgres is not available, waiting: %s", str(error).strip())
        time.sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY_SECONDS)


class AskingAgain(Connection):
    """A connection whose first question is asked again where the database went away before it answered.

    Only questions: whether a row that was being written is there, nobody knows. SQLAlchemy has no public way to name
    the class of an engine's connections.
    """

    def execute(self, statement: Any, *given: Any, **options: Any) -> Any:  # noqa: ANN401
        first = not self.in_transaction()
        try:
            return super().execute(statement, *given, **options)
        except OperationalError as error:
            again = first and error.connection_invalidated and getattr(statement, "is_select", False)
            if not again or self.dialect.name != "postgresql":
                raise
        self.rollback()
        return super().execute(statement, *given, **options)


Engine._connection_cls = AskingAgain  # noqa: SLF001


@event.listens_for(Pool, "checkout")
def refuse_what_was_cut(connection: Any, _record: Any, _proxy: Any) -> None:  # noqa: ANN401
    """A connection that was kept (the web server keeps some) and is dead is replaced before it is used."""
    try:
        connection.cursor().execute("SELECT 1")
    except connection.Error as error:
        raise DisconnectionError from error
