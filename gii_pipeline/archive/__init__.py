"""The archive: raw bytes kept by sha256 with a manifest line each, and the HTTP that fills it.

Belongs here: keeping, finding and checking what was received; retry, resume, pacing, redaction.
Does not: what to ask a source for, or what the bytes mean.
"""

from gii_pipeline.archive.archive import Archive
from gii_pipeline.archive.entry import Entry

__all__ = ["Archive", "Entry"]
