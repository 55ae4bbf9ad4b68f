"""Sending a notice: SMTP, and webhooks that take JSON.

Belongs here: reading the settings, building and sending one message.
Does not: its words.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal
from urllib.parse import unquote, urlsplit

import requests

from gii_pipeline.errors import GiiError, InputError
from gii_pipeline.report.plain import plain

TIMEOUT_S = 20
LONGEST = 4_000
SMTP_PORTS = {"smtp": 587, "smtp+plain": 25, "smtps": 465}
Form = Literal["text", "teams"]


class NoticeError(GiiError):
    """A notice could not be delivered on some channel. The message names the channel, never a password."""

    exit_code = 5


@dataclass(frozen=True)
class Channels:
    """Where notices go.

    to, sender: e-mail addresses. smtp: `smtp://user:password@host:587` (STARTTLS is required), `smtps://…` (TLS from
    the start), `smtp+plain://host:25` (neither, for a relay on the same machine). webhook: an address that takes a POST
    of JSON. form: `text` is `{"text": …}`, which Slack, Mattermost and Rocket.Chat take; `teams` is the adaptive card
    that a workflow of Teams takes.
    """

    to: tuple[str, ...] = ()
    sender: str = ""
    smtp: str = ""
    webhook: str = ""
    form: Form = "text"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Channels:
        """GII_NOTIFY_EMAIL, GII_NOTIFY_FROM, GII_NOTIFY_SMTP, GII_NOTIFY_WEBHOOK, GII_NOTIFY_WEBHOOK_FORM."""
        told = {name: environment.get(f"GII_NOTIFY_{name}", "").strip() for name in _NAMES}
        to = tuple(address.strip() for address in told["EMAIL"].split(",") if address.strip())
        form: Form = "teams" if told["WEBHOOK_FORM"] == "teams" else "text"
        if told["WEBHOOK_FORM"] not in ("", "text", "teams"):
            raise InputError(f"GII_NOTIFY_WEBHOOK_FORM is {told['WEBHOOK_FORM']!r}. Set it to `text` or `teams`.")
        if to and not told["SMTP"]:
            raise InputError("GII_NOTIFY_EMAIL is set and GII_NOTIFY_SMTP is not: set it to smtp://user:pw@host:587.")
        if told["SMTP"] and urlsplit(told["SMTP"]).scheme not in SMTP_PORTS:
            raise InputError(
                f"GII_NOTIFY_SMTP must begin with one of {', '.join(f'{name}://' for name in SMTP_PORTS)}."
            )
        sender = told["FROM"] or (to[0] if to else "")
        return cls(to, sender, told["SMTP"], told["WEBHOOK"], form)

    @property
    def any(self) -> bool:
        return bool(self.to or self.webhook)

    def send(self, subject: str, text: str) -> None:
        """Send on every channel. NoticeError when one of them failed, after the others were tried."""
        subject, text = " ".join(plain(subject).split()), plain(text)[:LONGEST]
        failed = []
        for channel, deliver in (("e-mail", self._mail if self.to else None), ("webhook", self._post)):
            try:
                if deliver:
                    deliver(subject, text)
            except (OSError, smtplib.SMTPException, requests.RequestException, ValueError) as error:
                failed.append(f"{channel} ({type(error).__name__})")
        if failed:
            raise NoticeError(f"A notice was not delivered by {' and '.join(failed)}: {subject}. Check GII_NOTIFY_*.")

    def _mail(self, subject: str, text: str) -> None:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, self.sender, ", ".join(self.to)
        message.set_content(text)
        parts = urlsplit(self.smtp)
        host, port = parts.hostname or "localhost", parts.port or SMTP_PORTS[parts.scheme]
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
            if parts.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        ) as server:
            if parts.scheme == "smtp":
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)

    def _post(self, subject: str, text: str) -> None:
        if not self.webhook:
            return
        body = _card(subject, text) if self.form == "teams" else {"text": f"{subject}\n{text}"}
        answer = requests.post(self.webhook, json=body, timeout=TIMEOUT_S, allow_redirects=False)
        if not 200 <= answer.status_code < 300:
            raise ValueError(f"status {answer.status_code}")


_NAMES = ("EMAIL", "FROM", "SMTP", "WEBHOOK", "WEBHOOK_FORM")


def _card(subject: str, text: str) -> dict[str, object]:
    blocks = [
        {"type": "TextBlock", "text": subject, "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": text, "wrap": True, "fontType": "Monospace"},
    ]
    content = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": content}],
    }
