"""The servers of the sandbox as a process of their own, for the process that started it (see `cli.beside`)."""

import sys
from pathlib import Path

from gii_pipeline.sandbox.servers.serving import serve_until_closed

if __name__ == "__main__":
    serve_until_closed(Path(sys.argv[1]))
