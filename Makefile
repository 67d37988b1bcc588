# Everything there is to do with Forum from a terminal. `make` alone explains.
PYTHON ?= python3
BIN := .venv/bin
MAKEFLAGS += --no-print-directory
# What the page at /reference loads. Kept out of git, packaged with the functions.
ASSETS := functions/reference/assets
# What the page is made of.
PAGE := web/index.html web/vite.config.ts $(wildcard web/public/* web/src/* web/src/*/*)
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --generate-hashes

# What each command needs, it installs: `make dev` and an operator's commands the stack, `make deploy` Supabase's command
# line, `make test` and `make check` the rest as well. All of it by the hashes in the lock files.
STACK := .venv/stack node_modules/stack
DEPLOY := $(STACK) node_modules/deploy
UV_INSTALL := $(BIN)/uv pip install --python $(BIN)/python --require-hashes
NPM_INSTALL := npm install --no-save --no-audit --no-fund --loglevel=error

.DEFAULT_GOAL := help
.PHONY: help install install-deploy dev page types token agent-token sync logs reset migration test coverage check format openapi lock bench package release plan deploy rollback remove rotate-keys

help: ## Show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: .venv/everything node_modules/everything web/dist/index.html ## Install everything into this folder, the tests and linters included

install-deploy: $(DEPLOY) ## Install what `make deploy` runs on, without tests and linters

.venv/uv: requirements-uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Forum needs Python 3.11 or newer: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Installing into this folder, about a minute the first time; nothing outside of it changes." >&2
	@echo "  uv, which installs the Python packages" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@touch $@

.venv/stack: .venv/uv requirements.txt requirements-stack.txt
	@echo "  Python packages of the local stack, 60 MB to download" >&2
	@$(UV_INSTALL) --quiet -r requirements.txt -r requirements-stack.txt
	@touch $@

.venv/everything: .venv/stack requirements-dev.txt
	@echo "  Python packages of the tests and linters, 110 MB to download" >&2
	@$(UV_INSTALL) --quiet -r requirements.txt -r requirements-dev.txt
	@touch $@

# Not `npm ci`: it refuses a lock file without the optional binaries of platforms that a registry does not offer.
node_modules/stack: package.json package-lock.json
	@node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' || \
		{ echo "Forum's local stack needs Node 20 or newer" >&2; exit 1; }
	@echo "  Postgres, PostgREST and serverless-offline from npm, 60 MB to download, about half a minute" >&2
	@$(NPM_INSTALL) --workspaces=false >&2
	@mkdir -p $(ASSETS)
	@cp $(addprefix node_modules/swagger-ui-dist/,swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt swagger-ui.css LICENSE NOTICE) $(ASSETS)
	@touch $@

node_modules/deploy: node_modules/stack operations/package.json
	@echo "  Supabase's command line from npm, 65 MB to download" >&2
	@$(NPM_INSTALL) --workspace=operations --include-workspace-root >&2
	@touch $@

# Of all workspaces, and so what a deployment needs as well.
node_modules/everything: node_modules/stack operations/package.json tests/package.json
	@echo "  Postgres 15, Supabase's command line, TypeScript and linters from npm, for the tests, 130 MB to download" >&2
	@$(NPM_INSTALL) >&2
	@touch node_modules/deploy $@

# The page has a lock of its own: whoever deploys the backend alone installs nothing of it.
web/node_modules/installed: web/package.json web/package-lock.json node_modules/stack
	@echo "  The page's packages from npm, 45 MB to download" >&2
	@cd web && $(NPM_INSTALL) >&2
	@touch $@

web/dist/index.html: web/node_modules/installed $(PAGE)
	@cd web && npm run --silent build -- --logLevel warn >&2
	@touch $@

page: web/dist/index.html ## Build the page into web/dist

dev: $(STACK) web/dist/index.html ## Start the whole backend on this machine; Ctrl-C stops it
	@$(BIN)/python -m local dev

token: $(STACK) ## Print a token for a local user: make -s token email=a@example.com
	@$(BIN)/python -m local token $(email)

agent-token: $(STACK) ## Print an access token for an agent: make -s agent-token email=a@example.com product=Atlas grants=work,docs
	@$(BIN)/python -m local agent-token $(email) $(if $(product),--product "$(product)") $(if $(grants),--grants "$(grants)")

sync: $(STACK) ## Re-sync with GitHub what is due; one user's repositories: make sync email=a@example.com
	@$(BIN)/python -m local sync $(if $(email),--email $(email))

logs: $(STACK) ## Show what all parts of the local stack log; only one: make logs part=api
	@$(BIN)/python -m local logs $(if $(part),--part $(part))

reset: $(STACK) ## Throw the local data away
	@$(BIN)/python -m local reset

migration: $(STACK) ## Write the next migration from what supabase/schemas have changed: make migration name=leases_by_region
	@test -n "$(name)" || { echo "Say what it is about: make migration name=leases_by_region" >&2; exit 1; }
	@$(BIN)/python -m local migration $(name)

test: install ## Run every test; only some: make test only="tests/shared -k cursor"
	@$(BIN)/python -m pytest $(or $(only),--numprocesses 2 --dist loadfile)

coverage: install ## Run the tests that call the functions in their own process, and show which lines none of them reaches
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --cov --cov-report term \
		tests/env_files tests/functions tests/openapi tests/operations tests/shared tests/sync

check: install ## Lint, type-check, look over the migrations; changes nothing
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.database.check
	$(BIN)/python -m local.openapi.write --check
	cd web && npm run --silent check
	node_modules/.bin/redocly lint --config tests/openapi/redocly.yaml openapi.json
	node_modules/.bin/spectral lint --quiet --fail-severity hint --ruleset tests/openapi/spectral.yaml openapi.json

format: install ## Format the code and fix what can be fixed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

openapi: $(STACK) ## Write openapi.json anew from the functions' routes
	$(BIN)/python -m local.openapi.write

types: install ## Write supabase/database.types.ts anew from the migrations
	@$(BIN)/python -m tests.database.typescript

package: $(STACK) ## Build dist/forum.zip for Lambda; with bytecode: make package compile=python3.13
	@$(BIN)/python -m operations.package $(if $(compile),--compile-with $(compile))

bench: $(STACK) ## Measure cold starts, lists, searches and imports, as ratios; fails where a bound is missed
	@$(BIN)/python -m bench

lock: .venv/uv ## Pin what pyproject.toml asks for, with the hashes that an install has to find
	$(LOCK) --group install -o requirements-uv.txt
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --group stack -c requirements.txt -o requirements-stack.txt
	$(LOCK) --group dev -c requirements.txt -c requirements-stack.txt -o requirements-dev.txt

release: $(STACK) ## Make a release on this machine, commit, tag and package: make release version=0.2.0
	@test -n "$(version)" || { echo "Say which version: make release version=0.2.0" >&2; exit 1; }
	@$(BIN)/python -m operations.release $(version)

plan: $(STACK) ## Say what a deployment would change, and change nothing: make plan stage=production
	@test -n "$(stage)" || { echo "Say which stage: make plan stage=production" >&2; exit 1; }
	@$(BIN)/python -m operations.plan $(stage)

deploy: $(DEPLOY) ## Migrate, deploy to AWS and try it: make deploy stage=production; without a question: yes=1
	@test -n "$(stage)" || { echo "Say which stage: make deploy stage=production" >&2; exit 1; }
	@$(BIN)/python -m operations.package $(if $(compile),--compile-with $(compile),--compile)
	@$(BIN)/python -m operations.deploy $(stage) $(if $(filter 1,$(yes)),--yes)

rollback: $(STACK) ## Go back to the last deployment that worked: make rollback stage=production
	@test -n "$(stage)" || { echo "Say which stage: make rollback stage=production" >&2; exit 1; }
	@$(BIN)/python -m operations.rollback $(stage) $(if $(to),--to $(to))

remove: $(STACK) ## Take a stage down; the keys and stored secrets stay: make remove stage=staging really=staging
	@test -n "$(stage)" || { echo "Say which stage, twice: make remove stage=staging really=staging" >&2; exit 1; }
	@$(BIN)/python -m operations.remove $(stage) --really "$(really)"

rotate-keys: $(STACK) ## Put what is sealed under the new key: make rotate-keys stage=production
	@$(BIN)/python -m operations.rotate_keys $(stage)
