"""The run launcher of a deployment whose runs are processes of the code server: it notices when one is gone.

Belongs here: asking the code server whether it still has a run. Does not: what then happens to it, which
`run_monitoring` and `run_retries` of `dagster.yaml.example` say.

Dagster's own launcher cannot be asked. The code server itself reports a worker that was killed, but nobody reports the
runs of a code server that was killed with them.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value


class WatchedRunLauncher(DefaultRunLauncher):
    """Starts runs on the code server, and reports whether it still has them."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the code server has the run's process. A server that does not answer raises, and is asked again."""
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is not None:
            told = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id))
            if deserialize_value(told, CanCancelExecutionResult).can_cancel:
                return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "The code server has no process for this run")
