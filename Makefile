# Each target does the set-up that it needs; a second run is quick.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT := 8501

.PHONY: env app eval test check soak lock clean

env: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make env PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@

# Index corpus/documents, or what ITU_ASSISTANT_CORPUS names, and serve the web app. Documents that
# cannot be read (exit code 4) do not keep the others from being served.
app: env
	$(BIN)/python -m ingest sync || test $$? -eq 4
	$(BIN)/streamlit run app_streamlit.py --server.port $(PORT)

# The benchmark gate over the sample corpus: sound labels, then no drop beyond the intervals.
CASES := $(sort $(wildcard eval/sample/*.jsonl))
RUN := eval/runs/sample
eval: env
	$(BIN)/python -m ingest sync --corpus corpus/documents --index eval/runs/index
	$(BIN)/python -m eval check $(CASES) --index eval/runs/index
	rm -rf $(RUN)
	$(BIN)/python -m eval run --cases $(CASES) --index eval/runs/index --out $(RUN)
	$(BIN)/python -m eval gate $(RUN) --baseline eval/sample/baseline.json

# The tests of a file stay together, as they share indexes that take long to build.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile
test: env
	$(PYTEST) -m "not slow"

# What CI runs: lint, types, tests. `make test check` runs the tests once.
check: env test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Every fault at every step, large indexes, many readers at once: some ten minutes.
soak: env
	$(PYTEST) -m slow
	$(BIN)/python -m tests.faults.proven --write

# Write the lock anew from what pyproject.toml asks for, in an environment of its own.
lock:
	rm -rf .lock-venv
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	.lock-venv/bin/python -m pip install --quiet --disable-pip-version-check '.[dev]'
	.lock-venv/bin/python -m pip freeze --exclude itu-ai-assistant --exclude pip --exclude setuptools \
		| sed -e 's/+cpu$$//' > requirements.lock
	rm -rf .lock-venv build *.egg-info

clean:
	rm -rf $(VENV) .lock-venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
