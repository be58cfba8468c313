# Two commands: `make demo` shows Pilothouse at work, `make test` proves it. Both install what they need into .venv.
PYTHON ?= python3
BIN := .venv/bin
export PYTHONPATH :=

.PHONY: demo test test-spark check lint types imports bench migration lock clean

demo: .venv/ready
	$(BIN)/pilothouse up --demo --workspace demo-workspace

test: .venv/ready .venv/services
	$(BIN)/pytest -n 2 --dist loadscope $(ARGS)

# Spark is half a gigabyte with its Java runtime, and few need it: it has an environment of its own.
test-spark: .venv-spark/ready
	.venv-spark/bin/pytest -m spark -n 0 tests/data/test_on_spark.py

check: lint types imports

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/pyright

imports: .venv/ready
	$(BIN)/lint-imports

bench: .venv/ready
	@for each in benchmarks/*.py; do case $$each in */__init__.py) ;; *) $(BIN)/python $$each;; esac; done

migration: .venv/ready
	@$(BIN)/python scripts/draft-migration

lock:
	$(BIN)/uv pip compile -q --generate-hashes --no-header --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-header --no-emit-index-url --no-annotate --group dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --generate-hashes --no-header --no-emit-index-url --no-annotate --group dev --extra spark pyproject.toml -o requirements-spark.lock

.venv/ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pilothouse needs Python 3.11 or newer; set PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check uv
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	$(BIN)/python -m compileall -q src
	touch $@

# PostgreSQL's server binaries and Chromium, which some tests drive for real.
.venv/services: .venv/ready scripts/install-services
	scripts/install-services
	touch $@

.venv-spark/ready: .venv/ready requirements-spark.lock scripts/install-java
	scripts/install-java
	$(PYTHON) -m venv .venv-spark
	$(BIN)/uv pip install -q --compile-bytecode --python .venv-spark/bin/python --require-hashes -r requirements-spark.lock
	$(BIN)/uv pip install -q --python .venv-spark/bin/python --no-deps -e .
	touch $@

clean:
	rm -rf .venv .venv-spark demo-workspace
