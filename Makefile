# make demo, make test: all that a fresh machine with python3, python3-venv and make needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROMPT := a red ball bouncing on a blue background

.PHONY: demo test test-slow check format clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/developed: $(VENV)/installed
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(VENV)/installed  ## a short clip first, then a minute of video
	$(BIN)/pavdm generate "$(PROMPT)" --seconds 4 --seed 1
	$(BIN)/pavdm generate "$(PROMPT)" --seconds 60 --seed 1

test: $(VENV)/developed  ## what CI runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-slow: $(VENV)/developed  ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

check: $(VENV)/developed  ## format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

format: $(VENV)/developed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist outputs *.egg-info
