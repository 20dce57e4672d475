# make run    the dashboard with the embedded study, on http://127.0.0.1:8050
# make test   environment, then every test
# make setup  the environment alone
.PHONY: setup run test lint

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

run: setup
	$(PY) -m dashboard

test: lint
	$(PY) -m pytest -n 2 --dist loadscope

lint: setup
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

setup: $(STAMP)

$(STAMP): requirements.txt pyproject.toml scripts/system-programs
	scripts/system-programs
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check $$(grep '^torch==' requirements.txt)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
