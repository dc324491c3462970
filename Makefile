# Two commands do everything on a fresh machine: `make demo` and `make test`.
.PHONY: demo test check bench docs clean

PYTHON ?= python3
BIN := .venv/bin

# The environment is made anew when what it holds changes. What pip has to say is shown if it fails.
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check

.venv/.user: pyproject.toml setup.py
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing byleave into .venv"
	@$(INSTALL) --editable . > .venv/pip.log 2>&1 || { cat .venv/pip.log; exit 1; }
	@touch $@

.venv/.dev: .venv/.user
	@echo "installing what its tests need"
	@$(INSTALL) --editable '.[dev]' > .venv/pip.log 2>&1 || { cat .venv/pip.log; exit 1; }
	@touch $@

# Make a manifest, cut two releases a license change and some opt-outs apart, and look at the drift.
demo: .venv/.user
	@$(BIN)/python -m pipelines.demo demo

test: .venv/.dev
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -q

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint sql

# Speed and memory, side by side with a hand-written DuckDB statement: make bench ROWS=10M
ROWS ?= 1M
bench: .venv/.dev
	@$(BIN)/python -m benchmarks.run --rows $(ROWS)

# docs/cli.md and the transcript in README.md are written by the program; CI checks that they are current.
docs: .venv/.dev
	@$(BIN)/python -m pytest -q tests/docs --write

clean:
	rm -rf .venv demo build dist *.egg-info benchmarks/data
