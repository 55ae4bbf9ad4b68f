# `make run` and `make test` are all that a newcomer needs; each sets up the environment first.

PYTHON ?= python3
BIN := .venv/bin
export GII_CACHE ?= $(CURDIR)/.venv/cache
PROFILE ?= sandbox
EDITION ?= 2025

.PHONY: help run story test check slow bench dev docs site lock clean

.venv/installed: requirements/dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -c "import os, pathlib; from gii_pipeline.geocoding import Gazetteer; Gazetteer.default(cache=pathlib.Path(os.environ['GII_CACHE']))"
	touch $@

help:  ## list the targets
	@grep -hE "^[a-z]+:.*## " Makefile | sed "s/:.*## /\t/" | expand -t 10

run: .venv/installed  ## rank an edition, from raw records to a release
	$(BIN)/gii run --profile $(PROFILE) --edition $(EDITION)

story: .venv/installed  ## release editions 2018 to 2025 of the made-up world and open the latest report
	$(BIN)/gii backfill --profile sandbox --editions 2018..2025 --release
	$(BIN)/gii history
	$(BIN)/gii facts --edition 2025
	$(BIN)/python -m webbrowser "$$PWD/$$(ls -d gii_data/releases/v2025.* | tail -n 1)/report/index.html"

test: .venv/installed  ## run the fast tests
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

check: .venv/installed  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

slow: .venv/installed  ## run the slow tests
	$(BIN)/pytest -m slow -n auto --dist loadfile --no-loadscope-reorder

bench: .venv/installed  ## run the benchmarks
	for script in benchmarks/[a-z]*.py; do PYTHONPATH=. $(BIN)/python $$script || exit 1; done

dev: .venv/installed  ## start the Dagster UI
	$(BIN)/gii dev --profile $(PROFILE)

docs: .venv/installed  ## regenerate the data dictionary from the contracts
	$(BIN)/python -m gii_pipeline.contracts

site: .venv/installed  ## build the documentation site in site/
	$(BIN)/python -m gii_pipeline_tests.docs.commands_page
	$(BIN)/mkdocs build --strict

UV := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --quiet
lock: .venv/installed  ## pin the current dependencies
	$(BIN)/pip install --quiet uv
	$(UV) --extra dev --extra s3 --extra postgres --extra spark pyproject.toml -o requirements/dev.txt
	$(UV) --constraint requirements/dev.txt pyproject.toml -o requirements/core.txt
	$(UV) --extra s3 --extra postgres --extra kubernetes --constraint requirements/dev.txt pyproject.toml -o requirements/image.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
