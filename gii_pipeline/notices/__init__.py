"""Notices: telling a person what an unattended run needs one for, by e-mail and by a chat's webhook.

Belongs here: where a notice goes (the environment says), and sending it.
Does not: when there is something to tell (see `defs.notifying`).
"""

from gii_pipeline.notices.sending import Channels, NoticeError

__all__ = ["Channels", "NoticeError"]
