"""`python -m gii_pipeline`: the command `gii`, for environments whose scripts are not on the PATH."""

from gii_pipeline.cli import process

if __name__ == "__main__":
    process()
