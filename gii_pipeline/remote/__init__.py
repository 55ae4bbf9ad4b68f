"""A root on an object store: what lies in the bucket, and the working copy that a machine has of it.

Belongs here: objects and pointers (`bucket`), bringing files here and back (`working_copy`), what others ask of a root
(`roots`), reading a bucket again (`inspection`).
Does not: releases, which lie in the bucket as plain folders (`releases`), or what a file contains.
"""

from gii_pipeline.remote.roots import bring, called, forget, is_elsewhere, opened, publish, published
from gii_pipeline.remote.working_copy import WorkingCopy

__all__ = ["WorkingCopy", "bring", "called", "forget", "is_elsewhere", "opened", "publish", "published"]
