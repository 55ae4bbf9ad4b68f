"""Tests of gii_pipeline. One folder a room; `profiles/` holds the profiles that tests and `make run` use."""
