# make lab     JupyterLab on the first notebook        make test    everything that proves it works
# make demo    masks to portraits, without a browser   make models  rebuild the weights that ship
#
# TORCH_INDEX=https://download.pytorch.org/whl/cpu (or …/cu126, …) chooses the build of torch;
# without it pip decides. PYTHON=python3.12 chooses the interpreter of .venv.

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
# Windows (Git Bash, MSYS) keeps a virtual environment's programs in Scripts.
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN := $(BIN)/python
PIP := $(RUN) -m pip --disable-pip-version-check
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)

# One stamp for each index, so that naming another one changes the build of torch.
TORCH_STAMP := $(VENV)/.torch$(if $(TORCH_INDEX),-$(subst /,_,$(subst :,_,$(TORCH_INDEX))))

.DEFAULT_GOAL := help
.PHONY: help lab test demo models bench bench-widgets bench-pad bench-watching bench-open test-gpu lint

help:
	@sed -n 's/^# //p' Makefile | head -5

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(TORCH_STAMP): $(VENV)/.made
ifneq ($(TORCH_INDEX),)
	$(PIP) uninstall --quiet --yes torch
endif
	$(PIP) install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	@rm -f $(VENV)/.torch-* && touch $(VENV)/.torch $@

$(VENV)/.lab: $(TORCH_STAMP) pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable ".[lab]"
	@touch $@

$(VENV)/.dev: $(VENV)/.lab
	$(PIP) install --constraint constraints.txt --editable ".[dev]"
# Only for the copy of the ipywidgets HTML manager that it brings.
	$(PIP) install --constraint constraints.txt --no-deps shinywidgets
	@touch $@

lab: $(VENV)/.lab
	$(BIN)/smis lab

demo: $(VENV)/.lab
	$(BIN)/smis demo --out demo

test: $(VENV)/.dev
	$(RUN) -m pytest

# No environment of our own: PYTHON has torch for CUDA, numpy, scipy, pillow, safetensors, pytest;
# the native operations are tested too where nvcc, g++ and ninja are.
test-gpu:
	$(PYTHON) -m pytest --device cuda tests/ops tests/networks tests/latents

models: $(VENV)/.dev
	$(BIN)/smis models

bench: $(VENV)/.dev
	$(RUN) benchmarks/bench_generator.py $(BENCH_ARGS)

bench-widgets: $(VENV)/.dev
	$(RUN) benchmarks/bench_widgets.py $(BENCH_ARGS)

bench-pad: $(VENV)/.dev
	$(RUN) benchmarks/bench_pad.py $(BENCH_ARGS)

bench-watching: $(VENV)/.dev
	$(RUN) benchmarks/bench_watching.py $(BENCH_ARGS)

bench-open: $(VENV)/.dev
	$(RUN) benchmarks/bench_open.py $(BENCH_ARGS)

lint: $(VENV)/.dev
	$(RUN) -m ruff check .
	$(RUN) -m mypy
