"""Write what follows from the contracts: `python -m gii_pipeline.contracts [DOCS] [--odcs FOLDER]`.

DOCS: the folder of the data dictionary, by default `docs`. FOLDER: every contract as a complete document of the Open
Data Contract Standard.
"""

import argparse
from pathlib import Path

from gii_pipeline.contracts.consumers import write_documents
from gii_pipeline.contracts.dictionary import write
from gii_pipeline.contracts.reading import load, names

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m gii_pipeline.contracts", description="Write what follows from the contracts."
    )
    parser.add_argument("docs", nargs="?", type=Path, default=Path("docs"), help="folder of the data dictionary")
    parser.add_argument("--odcs", type=Path, metavar="FOLDER", help="every contract as a document of the standard")
    asked = parser.parse_args()
    write([load(name) for name in names()], asked.docs)
    if asked.odcs:
        write_documents(names(), asked.odcs)
