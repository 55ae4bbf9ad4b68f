"""Write `docs/data-dictionary.md` from the contracts: `python -m gii_pipeline.contracts [PATH]`."""

import sys
from pathlib import Path

from gii_pipeline.contracts.dictionary import markdown
from gii_pipeline.contracts.reading import load, names

if __name__ == "__main__":
    path = Path(*sys.argv[1:2] or ["docs/data-dictionary.md"])
    path.write_text(markdown([load(name) for name in names()]), encoding="utf-8")
