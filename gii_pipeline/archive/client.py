"""Who is asking: the versions that the manifest names next to every entry, and that sources see as the user agent."""

from importlib.metadata import version

CLIENT = f"gii-pipeline/{version('gii-pipeline')} requests/{version('requests')}"
