# make app   starts the explorer on the shipped models (http://localhost:8501)
# make test  runs every test; browser tests need Chromium and are skipped without it
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

.PHONY: app test lint

app: .venv/.app
	$(BIN)/streamlit run streamlit_app.py --server.port $(PORT)

test: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

lint: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.app: requirements.txt | .venv/bin/python
	$(BIN)/pip install --quiet --requirement requirements.txt
	touch $@

.venv/.dev: requirements-dev.txt .venv/.app
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $@
