# make app   starts the explorer on the shipped models (http://localhost:8501); HOST=0.0.0.0 for a class
# make test  runs every test; browser tests need Chromium and are skipped without it
# make site  writes a site of live pages that needs no server, into site/ (OUT=folder)
# make fast  lints, checks types, and runs the tests that need no browser, train nothing and are quick
PYTHON ?= python3
HOST ?= localhost
PORT ?= 8501
OUT ?= site
# Processes that share the test files; each computes on one core, and a thread without work sleeps.
WORKERS ?= 2
BIN := .venv/bin
PYTEST := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

.PHONY: app test fast types lint site

app: .venv/.app
	$(BIN)/python -m app.serve --server.address $(HOST) --server.port $(PORT)

test: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST)

fast: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -m "not browser and not slow and not training"

types: .venv/.dev
	$(BIN)/mypy

site: .venv/.app
	$(BIN)/python -m dgflow_core site $(OUT)

lint: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.app: requirements.txt | .venv/bin/python
	$(BIN)/pip install --quiet --no-compile --requirement requirements.txt
	touch $@

.venv/.dev: requirements-dev.txt .venv/.app
	$(BIN)/pip install --quiet --no-compile --requirement requirements-dev.txt
	touch $@
