"""A person is told of what an unattended run needs one for, once, on every channel that the environment names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from gii_pipeline.defs.failing import failing_clearly
from gii_pipeline.defs.notifying import needed, notifying_sensors, told_of
from gii_pipeline.errors import FetchStoppedError, InputError
from gii_pipeline.notices import Channels, NoticeError
from gii_pipeline_tests.archive.server import Reply, Server
from gii_pipeline_tests.defs import calendar_world
from gii_pipeline_tests.defs.calendar_world import at
from gii_pipeline_tests.notices.mailbox import Mailbox, mailbox


@pytest.fixture
def mail() -> Iterator[Mailbox]:
    with mailbox() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[Server]:
    with Server(lambda _: Reply(b"ok")) as server:
        yield server


def settings(mail: Mailbox, hook: Server, **more: str) -> dict[str, str]:
    return {
        "GII_NOTIFY_EMAIL": "ann@example.org, bob@example.org",
        "GII_NOTIFY_FROM": "gii@example.org",
        "GII_NOTIFY_SMTP": mail.address,
        "GII_NOTIFY_WEBHOOK": f"{hook.url}/hook",
        **more,
    }


def test_a_notice_goes_by_mail_and_by_webhook(mail: Mailbox, hook: Server) -> None:
    Channels.from_environment(settings(mail, hook)).send("gii: ingest 2024 failed", "It is spent.\nŁódź \x1b[2J")
    (message,) = mail.received
    assert mail.receivers == ["ann@example.org", "bob@example.org"]
    assert (message["Subject"], message["From"]) == ("gii: ingest 2024 failed", "gii@example.org")
    assert message.get_content().splitlines() == ["It is spent.", r"Łódź \x1b[2J"]
    assert hook.asked[0].json == {"text": "gii: ingest 2024 failed\nIt is spent.\nŁódź \\x1b[2J"}


def test_teams_gets_a_card(mail: Mailbox, hook: Server) -> None:
    Channels.from_environment(settings(mail, hook, GII_NOTIFY_WEBHOOK_FORM="teams")).send("late", "patents of 2024")
    (attachment,) = hook.asked[0].json["attachments"]
    assert [block["text"] for block in attachment["content"]["body"]] == ["late", "patents of 2024"]


def test_a_subject_adds_no_header_and_no_receiver(mail: Mailbox, hook: Server) -> None:
    Channels.from_environment(settings(mail, hook)).send("failed\r\nBcc: eve@example.org", "x")
    assert mail.received[0]["Bcc"] is None
    assert "eve@example.org" not in mail.receivers


def test_one_channel_that_is_down_does_not_keep_the_other_from_being_told(mail: Mailbox, hook: Server) -> None:
    hook.faults = [Reply(b"no", 500)]
    channels = Channels.from_environment(settings(mail, hook))
    with pytest.raises(NoticeError, match=r"not delivered by webhook \(ValueError\)"):
        channels.send("late", "x")
    assert len(mail.received) == 1
    secret = settings(mail, hook, GII_NOTIFY_SMTP="smtp+plain://me:s3cretpw@127.0.0.1:9")
    with pytest.raises(NoticeError, match=r"not delivered by e-mail") as failed:
        Channels.from_environment(secret).send("late", "x")
    assert "s3cretpw" not in str(failed.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"GII_NOTIFY_EMAIL": "a@b.org"},
        {"GII_NOTIFY_EMAIL": "a@b.org", "GII_NOTIFY_SMTP": "mail.example.org"},
        {"GII_NOTIFY_WEBHOOK": "http://x", "GII_NOTIFY_WEBHOOK_FORM": "pigeon"},
    ],
)
def test_half_a_setting_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError, match="GII_NOTIFY"):
        Channels.from_environment(wrong)


def test_a_failed_run_is_told_with_its_reason(mail: Mailbox, hook: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    @dg.op
    def fetch() -> None:
        with failing_clearly():
            raise FetchStoppedError("openalex_api: the daily budget is spent")

    @dg.job
    def ingest() -> None:
        fetch()

    with dg.DagsterInstance.ephemeral() as instance:
        result = ingest.execute_in_process(instance=instance, raise_on_error=False)
        records = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        failure = records[0].dagster_event
        assert failure is not None
        context = dg.build_run_status_sensor_context(
            sensor_name="tell_when_a_run_fails",
            dagster_event=failure,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        subject, text = told_of(context)
    assert subject == "gii: ingest failed"
    assert text.startswith("openalex_api: the daily budget is spent\n")
    assert result.dagster_run.run_id in text


def test_a_late_source_is_told_once(
    mail: Mailbox, hook: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = calendar_world.pipeline(tmp_path)
    assert needed(made, at(2023, 6, 1).date()) == {}
    late = needed(made, at(2024, 6, 1).date())
    assert set(late) == {f"{table} of 2023 is late" for table in ("patents", "publications", "vc_deals")}
    assert "gii ingest --years 2023 --refresh" in late["patents of 2023 is late"]

    for name, value in settings(mail, hook).items():
        monkeypatch.setenv(name, value)
    _, sensor = notifying_sensors(made)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    cursor = tick(sensor, None)
    told = len(mail.received)
    assert told == len(json.loads(cursor)) > 0
    hook.faults = [Reply(b"", 500)] * 9
    assert tick(sensor, cursor) == cursor
    assert len(mail.received) == told
    with pytest.raises(NoticeError):
        tick(sensor, None)


def tick(sensor: Any, cursor: str | None) -> str:
    with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(instance, cursor=cursor) as context:
        sensor(context)
        return str(context.cursor)
