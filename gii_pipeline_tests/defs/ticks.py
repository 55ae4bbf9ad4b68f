"""Ticks of a daemon: one that it missed while it was down, one whose interval is over, and what came of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

import dagster as dg
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorTick,
    ScheduleInstigatorData,
    SensorInstigatorData,
)


def ticks(instance: dg.DagsterInstance, name: str) -> Sequence[InstigatorTick]:
    """The ticks of a schedule or sensor that have ended, the newest first."""
    state = _state(instance, name)
    found = instance.get_ticks(state.instigator_origin_id, state.selector_id) if state else []
    return [tick for tick in found if tick.is_completed]


def miss_tick(instance: dg.DagsterInstance, schedule: str, since: datetime) -> None:
    """To a daemon that starts after this, the schedule has run since then and no tick has come of it."""
    state = _state(instance, schedule)
    assert state is not None
    assert isinstance(state.instigator_data, ScheduleInstigatorData)
    instance.purge_ticks(state.instigator_origin_id, state.selector_id, before=time.time())
    data = ScheduleInstigatorData(state.instigator_data.cron_schedule, since.timestamp())
    instance.update_instigator_state(state.with_data(data))


def let_interval_pass(instance: dg.DagsterInstance, sensor: str) -> None:
    """To the daemon, the sensor's last tick is long ago."""
    state = _state(instance, sensor)
    assert state is not None
    data = state.instigator_data
    assert isinstance(data, SensorInstigatorData)
    instance.update_instigator_state(
        state.with_data(
            SensorInstigatorData(
                last_run_key=data.last_run_key,
                min_interval=data.min_interval,
                cursor=data.cursor,
                last_sensor_start_timestamp=data.last_sensor_start_timestamp,
                sensor_type=data.sensor_type,
            )
        )
    )


def _state(instance: dg.DagsterInstance, name: str) -> InstigatorState | None:
    return next((state for state in instance.all_instigator_state() if state.instigator_name == name), None)
