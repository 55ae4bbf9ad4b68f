"""Apache Spark: one session for counting and reading, and pieces of reading on its executors.

Belongs here: which engines there are, opening Spark's session, spreading independent pieces over executors, and
refusing executors that are not what the driver is.
Does not: what a piece is (see `sources`), or what is counted.
"""

from __future__ import annotations

import os
import pickle
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from functools import cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gii_pipeline import machine, memory
from gii_pipeline.errors import GiiError, InputError, MachineError
from gii_pipeline.fingerprints import installation

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

T = TypeVar("T")
R = TypeVar("R")
ENGINES: Final = ("duckdb", "spark")
SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.enabled": "false",
}
REMEDY: Final = (
    "Nothing was read there. Give the executors the driver's environment, in their image or by `spark.archives`, and "
    "the root under the same path (docs/the-whole-world.md)."
)


def session() -> SparkSession:
    """The running session, else a new one, whose driver keeps within GII_MEMORY.

    Where Spark runs (`spark.master`, executors) is the environment's to say, by spark-defaults.conf or spark-submit.
    Raises InputError if the `spark` extra is not installed.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise InputError("The engine spark needs `pip install gii-pipeline[spark]` and Java 17.") from error
    settings: dict[str, Any] = SETTINGS | {"spark.driver.memory": f"{memory.budget() >> 20}m"}
    return SparkSession.builder.appName("gii_pipeline").config(map=settings).getOrCreate()


def slots() -> int:
    """How many tasks run at once on the executors that exist."""
    return max(1, session().sparkContext.defaultParallelism)


def on_executors(
    function: Callable[[T], R], pieces: Sequence[T], at_once: int, root: Path, done: Callable[[T, R], None]
) -> None:
    """Apply the function to each piece on an executor. done: called here with a piece and what came of it, as it comes.

    A piece is a task of its own, so that what is done is known at any time, and Spark gives one whose executor died to
    another. No executor touches a piece before it has compared its installation with the driver's, and has seen `root`.
    An error of one piece stops those not yet begun; what the others bring is taken before it is raised.
    """
    spark, tag = session(), f"gii-{secrets.token_hex(8)}"
    root.mkdir(parents=True, exist_ok=True)
    sign = root / f".{tag}"
    sign.touch()
    task, first = _task(installation(), str(sign)), None
    try:
        with ThreadPoolExecutor(at_once) as pool:
            futures = {pool.submit(_one, spark, tag, task, pickle.dumps((function, piece))): piece for piece in pieces}
            try:
                for future in as_completed(futures):
                    try:
                        done(futures[future], future.result())
                    except CancelledError:
                        continue
                    except Exception as error:  # noqa: BLE001 - it is raised once the others have ended
                        first = first or error
                        pool.shutdown(wait=False, cancel_futures=True)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                spark.sparkContext.cancelJobsWithTag(tag)
                raise
    finally:
        sign.unlink(missing_ok=True)
    if first:
        raise first


def _one(spark: SparkSession, tag: str, task: Callable[..., Any], packed: bytes) -> Any:  # noqa: ANN401
    """What the function gives for one piece, or its error raised here."""
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415
    from pyspark.errors import PythonException  # noqa: PLC0415

    spark.sparkContext.addJobTag(tag)
    frame = spark.createDataFrame([(packed,)], "piece binary").coalesce(1)
    try:
        [(packed_result, missing)] = frame.mapInPandas(task, "answer binary, missing string").collect()
    except PythonException as error:
        last = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "")
        if "ModuleNotFoundError" in last or "PYTHON_VERSION_MISMATCH" in last:
            raise InputError(f"The Python of a Spark executor cannot run this: {last}. {REMEDY}") from error
        raise
    except Py4JJavaError as error:
        said = str(error.java_exception).splitlines()[0]
        raise MachineError(
            f"Spark gave up what an executor was to read: {said} What was read is kept. Run again with fewer tasks at "
            "once (GII_WORKERS), or with more memory for each executor (spark.executor.memoryOverhead)."
        ) from error
    if missing:
        raise InputError(f"{missing} {REMEDY}")
    result = pickle.loads(packed_result)  # noqa: S301 - of our own executor
    if isinstance(result, GiiError):
        raise result
    return result


def _task(driver: dict[str, str], sign: str) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """What a task runs. It is sent by value, so that an executor without this package can say so."""

    def run(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import socket  # noqa: PLC0415

        import pandas as pd  # noqa: PLC0415

        for frame in frames:
            try:
                from gii_pipeline import spark  # noqa: PLC0415, PLW0406 - on the executor
            except ImportError as error:
                missing = f"The Spark executor on {socket.gethostname()} has no gii_pipeline that runs: {error}."
                yield pd.DataFrame({"answer": [None] * len(frame), "missing": missing})
            else:
                yield pd.DataFrame(
                    {"answer": [spark.answer(driver, sign, one) for one in frame["piece"]], "missing": None}
                )

    return run


def answer(driver: dict[str, str], sign: str, packed: bytes) -> bytes:
    """On an executor: what the packed function gives for its piece, or the error that a person must fix, pickled."""
    try:
        with machine.refusals_told():
            _refuse_other(driver, Path(sign))
            _begin()
            function, piece = pickle.loads(packed)  # noqa: S301 - of our own driver
            return pickle.dumps(function(piece))
    except GiiError as error:
        return pickle.dumps(error)


def _refuse_other(driver: dict[str, str], sign: Path) -> None:
    """Raise InputError where this executor would not give what the driver gives."""
    host = socket.gethostname()
    try:
        here = installation()
        other = [f"{name} {here[name]}, the driver {driver[name]}" for name in here if here[name] != driver[name]]
    except PackageNotFoundError as error:
        other = [f"no {error.name}, the driver {driver[str(error.name)]}"]
    if other:
        raise InputError(
            f"The Spark executor on {host} has another installation than the driver: {'; '.join(other)}. {REMEDY}"
        )
    if not sign.exists():
        raise InputError(f"The Spark executor on {host} does not see {sign.parent} as the driver does. {REMEDY}")


@cache
def _begin() -> None:
    """In a worker of an executor: its part of the memory, and one thread of DuckDB."""
    from pyspark import TaskContext  # noqa: PLC0415

    context = TaskContext.get()
    cores = int((context and context.getLocalProperty("resource.executor.cores")) or os.cpu_count() or 1)
    tasks = max(1, cores // (context.cpus() if context else 1))
    os.environ[memory.VARIABLE] = str(memory.share(tasks))
    memory.use_one_thread()
