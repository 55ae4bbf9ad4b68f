"""The most memory that this process had at once, whatever the process that started it had."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path


def peak_mib() -> int:
    """Linux counts in `getrusage` what a process had before it became this program; its own status does not."""
    status = Path("/proc/self/status")
    if status.is_file():
        [kib] = re.findall(r"^VmHWM:\s*(\d+) kB$", status.read_text(encoding="utf-8"), re.MULTILINE)
        return int(kib) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)
