# Everything a developer or CI needs. `make demo` and `make test` work in a fresh clone with python3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

# Hundreds of processes start in a run of the tests: compiled once, whatever the shell says of writing bytecode.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: setup demo test check pytest bench torture format clean

setup: $(STAMP)

# The build backend is installed first and pinned too, so that building needs no isolated, unpinned environment.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("healthdesk needs python 3.11 or newer, this is %s: make PYTHON=python3.11" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(PIP) install -c constraints.txt hatchling editables
	$(PIP) install -c constraints.txt --no-build-isolation -e '.[dev]'
	touch $@

demo: setup
	$(BIN)/healthdesk demo

test: check pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src
	$(BIN)/lint-imports

# PYTEST_ARGS narrows a run: make pytest PYTEST_ARGS='tests/unit -k config'
pytest: setup
	$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: setup
	$(BIN)/python -m bench

torture: setup
	$(BIN)/python -m tests.acceptance.torture

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
