# Two commands do all their own set-up: `make demo` and `make test`. `make help` lists the rest.
# What they install goes into .venv and ~/.cache/lading, and stays there for the next time.

PYTEST_ARGS ?=
BENCH_ARGS ?=
BIN = .venv/bin
# Each process starts registries of its own: more than four would gain little.
PYTEST = $(BIN)/python -m pytest -n auto --maxprocesses 4
GOTOOLS = $(BIN)/python tools/gotools.py

.PHONY: help demo test interop coverage bench lint format venv light heavy lock
.PHONY: engine engine-stop clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv light ## build, inspect, sign, push and verify a real image; refuse a tampered one
	$(BIN)/python tools/demo.py

test: venv light ## unit tests, and integration tests on the parts that are on this machine
	$(PYTEST) $(PYTEST_ARGS)

interop: venv light heavy ## install the heavy real parts and run the tests that need them
	$(PYTEST) -m interop $(PYTEST_ARGS)

bench: venv ## measure lading against its peers on a 5 GB image; minutes, some 20 GB of disk
	$(BIN)/python tests/benchmarks/run.py $(BENCH_ARGS)

coverage: venv ## unit tests of the models and image rooms; fails below 95 % of either's branches
	$(PYTEST) tests/unit/models tests/unit/image --cov=lading.models \
		--cov=lading.image --cov-branch --cov-report=term-missing:skip-covered $(PYTEST_ARGS)
	$(BIN)/python tools/branches.py 95 models image

lint: venv ## ruff, mypy (strict)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: venv ## let ruff put the sources in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

venv: ## the virtual environment, from requirements-dev.lock
	@tools/setup.sh

# A part that cannot be had is no failure here: the tests that need it say why they are skipped,
# and fail where LADING_EXPECT_PARTS names it.
light: venv
	@$(GOTOOLS) install light || true
	@tools/debian.sh parts || true

heavy: venv
	@$(GOTOOLS) install heavy sigstore || true
	@tools/setup.sh kms || true

lock: ## resolve the locked requirements anew (needs uv); UPGRADE=--upgrade takes newer versions
	tools/lock.sh $(UPGRADE)

engine: ## use the running Docker engine or start one; for a shell: tools/engine.py env
	@python3 tools/engine.py up

engine-stop: ## stop the Docker engine that we started
	@python3 tools/engine.py down

clean: ## remove what was built in this directory (.venv, caches, the demo's files)
	rm -rf .venv .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist htmlcov .coverage
