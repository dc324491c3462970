# Two commands do everything on a fresh machine: `make demo` and `make test`.
.PHONY: demo test check bench bench-tables bench-plots bench-smoke engines docs clean

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

# Speed and memory beside what a user would pick instead: make bench ROWS=10M. See benchmarks/README.md.
# The peers live in an environment of their own.
ROWS ?= 1M
ROUNDS ?= 3
PEERS ?= duckdb,polars,spark,beam
ITEMS ?= ingest,release,nightly,intake,drift
SLICES ?= 1
BENCH := benchmarks/.venv/bin

benchmarks/.venv/.ready: pyproject.toml setup.py benchmarks/requirements.txt
	@test -x $(BENCH)/python || $(PYTHON) -m venv benchmarks/.venv
	@echo "installing byleave and its peers into benchmarks/.venv"
	@$(BENCH)/python -m pip install --disable-pip-version-check --editable . -r benchmarks/requirements.txt \
		> benchmarks/.venv/pip.log 2>&1 || { cat benchmarks/.venv/pip.log; exit 1; }
	@touch $@

bench: benchmarks/.venv/.ready
	@$(BENCH)/python -m benchmarks.run --rows $(ROWS) --rounds $(ROUNDS) --peers $(PEERS) --items $(ITEMS) \
		--slices $(SLICES)

# The same world on FnApiRunner, Prism and Flink, store and inputs on a GCS server: make engines ROWS=10M.
# Needs Go, Java 17 and Maven; see docs/engines.md.
engines: .venv/.dev
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.engines --rows $(ROWS)

bench-tables: .venv/.dev
	@$(BIN)/python -m benchmarks.report

bench-plots: benchmarks/.venv/.ready
	@$(BENCH)/python -m benchmarks.report --plots

# In CI, on 1M rows, against DuckDB alone, which the tests need anyway. It never fails because of a time.
bench-smoke: .venv/.dev
	@$(BIN)/python -m benchmarks.smoke

# docs/cli.md and the transcript in README.md are written by the program; CI checks that they are current.
docs: .venv/.dev
	@$(BIN)/python -m pytest -q tests/docs --write

clean:
	rm -rf .venv demo build dist *.egg-info benchmarks/data benchmarks/.venv
