# Parley. `make start` runs the whole thing, `make test` runs every test. Both install what they need.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help start test bench build lint deploy clean install

# npm brings its own Node (26): the replica needs multi-memory and 64-bit Wasm memories.
NODE := node_modules/.bin/node
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
STAMP := node_modules/.parley-installed

help:
	@echo "make start [CLEAN=1] [PORT=n]   install, build, run everything, print the URL"
	@echo "make test                       install, then every test"
	@echo "make bench | lint | build | deploy NETWORK=local | clean"

# Reinstalls only when the lock file changed, so that everything else works offline.
$(STAMP): package.json package-lock.json $(wildcard */package.json) .npmrc
	@command -v npm >/dev/null || { echo "Parley needs Node.js 20.19 or newer with npm: https://nodejs.org"; exit 1; }
	npm ci --no-audit --no-fund --loglevel=error
	@touch $(STAMP)

install: $(STAMP)

build: $(STAMP)
	@$(NODE) backend/tools/deploy/builds.ts

start: $(STAMP)
	@CLEAN="$(CLEAN)" PORT="$(PORT)" exec $(NODE) backend/tools/deploy/start.ts

deploy: $(STAMP) build
	@$(NODE) backend/tools/deploy/main.ts --network "$(or $(NETWORK),local)"

test: $(STAMP)
	@exec $(NODE) .ci/test.ts

bench: $(STAMP)
	@exec $(NODE) .ci/bench.ts

lint: $(STAMP)
	@npx --no-install eslint .
	@npm run --silent typecheck

clean:
	rm -rf .parley node_modules backend/build backend/generated frontend/dist e2e/test-results e2e/playwright-report
