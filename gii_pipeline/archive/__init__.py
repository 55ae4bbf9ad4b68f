"""The archive: raw bytes kept by sha256 with a manifest line each, and the HTTP that fills it.

Belongs here: keeping, finding and checking what was received; retry, resume, pacing, redaction.
Does not: what to ask a source for, or what the bytes mean.
"""

from gii_pipeline.archive.archive import Archive
from gii_pipeline.archive.connecting import connection
from gii_pipeline.archive.download import Expected, fetch_file
from gii_pipeline.archive.entry import Entry
from gii_pipeline.archive.http import HttpClient
from gii_pipeline.archive.listing import Begun, Listing, PageFacts, begin_list, fetch_list
from gii_pipeline.archive.pacing import Clock, Patience
from gii_pipeline.archive.request import Answer, Key, Request, Terms

__all__ = [
    "Answer",
    "Archive",
    "Begun",
    "Clock",
    "Entry",
    "Expected",
    "HttpClient",
    "Key",
    "Listing",
    "PageFacts",
    "Patience",
    "Request",
    "Terms",
    "begin_list",
    "connection",
    "fetch_file",
    "fetch_list",
]
