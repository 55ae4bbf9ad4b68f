"""Writers at once: processes that wait for one another before they publish."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["gii_pipeline_tests.releases.small_edition", "s3fs"])


def at_once(release: Callable[..., None], given: Sequence[tuple[object, ...]]) -> list[str]:
    """What each process answered, sorted. release: called with what is given, a queue of answers and a barrier."""
    barrier, answers = CONTEXT.Barrier(len(given)), CONTEXT.Queue()
    writers = [CONTEXT.Process(target=release, args=(*each, answers, barrier)) for each in given]
    for writer in writers:
        writer.start()
    said = sorted(answers.get(timeout=60) for _ in writers)
    for writer in writers:
        writer.join()
    return said
