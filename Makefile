# Everything there is to do with Forum from a terminal. `make` alone explains.
PYTHON ?= python3
BIN := .venv/bin
MAKEFLAGS += --no-print-directory
# What the page at /reference loads. Kept out of git, packaged with the functions.
ASSETS := functions/reference/assets

.DEFAULT_GOAL := help
.PHONY: help install dev token agent-token sync logs reset migration test check format openapi lock bench package deploy rollback rotate-keys

help: ## Show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

install: .venv/installed node_modules/installed ## Install everything into this folder

.venv/installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Forum needs Python 3.11 or newer: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Installing Python packages into .venv" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch $@

# Not `npm ci`: it refuses a lock file without the optional binaries of platforms that a registry does not offer.
node_modules/installed: package.json package-lock.json
	@node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' || \
		{ echo "Forum's local stack needs Node 20 or newer" >&2; exit 1; }
	@echo "Installing Node packages into node_modules" >&2
	@npm install --no-save --no-audit --no-fund --loglevel=error >&2
	@mkdir -p $(ASSETS)
	@cp $(addprefix node_modules/swagger-ui-dist/,swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt swagger-ui.css LICENSE NOTICE) $(ASSETS)
	@touch $@

dev: install ## Start the whole backend on this machine; Ctrl-C stops it
	@$(BIN)/python -m local dev

token: install ## Print a token for a local user: make -s token email=a@example.com
	@$(BIN)/python -m local token $(email)

agent-token: install ## Print an access token for an agent: make -s agent-token email=a@example.com product=Atlas grants=work,docs
	@$(BIN)/python -m local agent-token $(email) $(if $(product),--product "$(product)") $(if $(grants),--grants "$(grants)")

sync: install ## Re-sync with GitHub what is due; one user's repositories: make sync email=a@example.com
	@$(BIN)/python -m local sync $(if $(email),--email $(email))

logs: install ## Show what all parts of the local stack log; only one: make logs part=api
	@$(BIN)/python -m local logs $(if $(part),--part $(part))

reset: install ## Throw the local data away
	@$(BIN)/python -m local reset

migration: install ## Write the next migration from what supabase/schemas have changed: make migration name=leases_by_region
	@test -n "$(name)" || { echo "Say what it is about: make migration name=leases_by_region" >&2; exit 1; }
	@$(BIN)/python -m local migration $(name)

test: install ## Run every test; only some: make test only="tests/shared -k cursor"
	@$(BIN)/python -m pytest $(or $(only),--numprocesses 2 --dist loadfile)

check: install ## Lint, type-check, look over the migrations; changes nothing
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.database.check
	$(BIN)/python -m local.openapi.write --check

format: install ## Format the code and fix what can be fixed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

openapi: install ## Write openapi.json anew from the functions' routes
	$(BIN)/python -m local.openapi.write

package: install ## Build dist/forum.zip for Lambda; with bytecode: make package compile=python3.13
	@$(BIN)/python -m operations.package $(if $(compile),--compile-with $(compile))

bench: install ## Measure what the specification bounds, as ratios; fails where a bound is missed
	@$(BIN)/python -m bench

lock: install ## Pin what pyproject.toml asks for, with the hashes that an install has to find
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --generate-hashes pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --generate-hashes --group dev -c requirements.txt -o requirements-dev.txt

deploy: install ## Migrate, deploy to AWS and try it: make deploy stage=production
	@test -n "$(stage)" || { echo "Say which stage: make deploy stage=production" >&2; exit 1; }
	@$(BIN)/python -m operations.package $(if $(compile),--compile-with $(compile),--compile)
	@$(BIN)/python -m operations.deploy $(stage)

rollback: install ## Go back to the deployment before: make rollback stage=production
	@test -n "$(stage)" || { echo "Say which stage: make rollback stage=production" >&2; exit 1; }
	@$(BIN)/python -m operations.rollback $(stage) $(if $(to),--to $(to))

rotate-keys: install ## Put what is sealed under the new key: make rotate-keys stage=production
	@$(BIN)/python -m operations.rotate_keys $(stage)
