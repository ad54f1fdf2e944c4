# make            lists the targets
# make run        runs the whole service on this machine
# make test       runs all tests, in a local cloud started for them
#
# The targets are short. The programs behind them are in .tools/: `python3 .tools --help` lists their commands.

.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
TOOLS := $(PYTHON) .tools

# The environment of samconfig.toml that make deploy uses, and the one that make smoke tests, which may also be local.
CONFIG ?= dev
ENV ?= $(CONFIG)
# The ports of the local cloud and of the test cloud. The test cloud takes another port when its own is not free.
PORT ?= 4566
TEST_PORT ?= 4577
# For make api-key and make publish.
TENANT ?= demo
TYPE ?= environment.created
DATA ?= {}
VIA ?= sqs
# Arguments of go test, for instance GOTEST='-run TestDelivery ./functions/dispatcher'.
GOTEST ?= ./...
# The coverage profile of make test, when it runs all tests.
COVERAGE := .local/coverage.out
# The timeout of go test for each package.
GOTEST_TIMEOUT ?= 12m
# How long make fuzz runs each fuzz test.
FUZZTIME ?= 10s
# For make isolation and make soak: the duration, the concurrency of the normal lane, and the events per second.
DURATION ?= 60s
CONCURRENCY ?= 80
RATE ?= 3
# For make deploy: with PREFLIGHT=report it goes on in spite of problems.
PREFLIGHT ?= stop
# For make redrive.
QUEUE ?= events
# The packages whose Go benchmarks need no local cloud, and how often make bench invokes a function.
HOT_PATHS := ./shared/event ./shared/webhook ./shared/delivery ./shared/webhook/signature ./shared/delivery/attempt ./shared/attemptlog/attemptlogdb ./shared/event/eventdb ./shared/aws/boot
BENCHTIME ?= 1000x
# For make schemathesis. Without a seed, every run tries other requests.
SECONDS_TO_TRY ?= 80
SEED ?=
export FROM INSTEAD PORT TEST_PORT TENANT TYPE DATA VIA SCOPES KEY_ID QUEUE REASON STACK_NAME PREFLIGHT SECONDS_TO_TRY SEED DURATION CONCURRENCY RATE

##@ Run it here
.PHONY: run stop reset logs api-key api-keys revoke-key publish letters redrive
run: ## Start the whole service on this machine, deploy it and deliver one event
	@$(TOOLS) run
stop: ## Stop it and keep its data
	@$(TOOLS) stop
reset: ## Stop it and delete its data
	@$(TOOLS) reset
logs: ## Follow the functions' logs
	@$(TOOLS) logs
api-key: ## Print a new API key (STACK_NAME=... of a stack on AWS): make -s api-key TENANT=acme SCOPES="webhooks:read logs:read"
	@$(TOOLS) api-key
api-keys: ## List a tenant's API keys (STACK_NAME likewise): make api-keys TENANT=acme
	@$(TOOLS) api-keys
revoke-key: ## Revoke an API key (STACK_NAME likewise): make revoke-key KEY_ID=...
	@$(TOOLS) revoke-key
publish: ## Publish an event: make publish TYPE=training.failed DATA='{"job":7}' VIA=bus
	@$(TOOLS) publish
letters: ## List the dead letters by reason, with what to do (with STACK_NAME=... those of a stack on AWS)
	@$(TOOLS) letters
redrive: ## Send dead letters back (STACK_NAME likewise): make redrive QUEUE=events|deliveries|bus REASON=...
	@$(TOOLS) redrive

##@ SAM
.PHONY: build validate preflight deploy restore start-api invoke
build: ## Run sam build for this machine's processor
	@$(TOOLS) build
validate: ## Run sam validate --lint
	@$(TOOLS) sam validate --lint --region us-east-1
preflight: ## Build, and ask AWS what a deployment would meet; creates nothing: make preflight CONFIG=prod
	@$(TOOLS) preflight $(CONFIG)
deploy: ## Run preflight, then deploy to your AWS account: make deploy CONFIG=prod
	@$(TOOLS) preflight $(CONFIG)
	@template=$$($(TOOLS) template .aws-sam/$(CONFIG)/template.yaml $(CONFIG)) && \
	$(TOOLS) sam deploy --config-env $(CONFIG) --config-file "$(CURDIR)/samconfig.toml" --template-file "$$template"
restore: ## Import the tables, queues and key of a deleted stack into a new one: make restore CONFIG=prod
	@$(TOOLS) restore $(CONFIG)
start-api: ## Run sam local start-api on port 3000 in Docker, with the tables and queues of make run
	@$(TOOLS) start-api
invoke: ## Run sam local invoke likewise: make invoke FUNCTION=ListWebhooksFunction EVENT=events/list-webhooks.json
	@$(TOOLS) invoke $(FUNCTION) $(EVENT)

##@ Measure it
.PHONY: bench cost
bench: ## Measure the speed of the hot paths and of the built functions; figures in .local/bench.json
	@rm -f .local/bench.json
	go test -run '^$$' -bench . -benchmem $(HOT_PATHS)
	@$(TOOLS) measure go test -run '^$$' -bench . -benchtime $(BENCHTIME) ./shared/systemtest/bench
cost: ## Compute what AWS bills for a million events, deliveries and an idle month; figures in .local/cost.json
	@rm -f .local/cost.json
	@set -o pipefail; WEBHOOKS_RECORD_COST=1 $(TOOLS) measure go test -count=1 -v -run 'Billed|Idle' ./shared/systemtest/cost | grep -v '^ *[=-][=-][=-]'

##@ Check it
.PHONY: test test-up test-go test-down test-containers schemathesis clients lint lock audit fmt isolation crash soak smoke fuzz
test: ## Run all tests with the race detector in a test cloud started for them; fails below the coverage floor
	@rm -f $(COVERAGE)
	@$(TOOLS) test go test -race -vet=off -ldflags=-s -timeout $(GOTEST_TIMEOUT) $(if $(subst ./...,,$(GOTEST)),,-coverprofile=$(COVERAGE) -coverpkg=./functions/...,./shared/...) $(GOTEST)
	@$(if $(subst ./...,,$(GOTEST)),:,.ci/coverage $(COVERAGE))
test-up: ## Start the test cloud and leave it running, for make test-go
	@$(TOOLS) test-up
test-go: ## Run Go tests in that cloud: make test-go GOTEST='-run TestSigningKeys ./shared/...'
	@$(TOOLS) test-env go test -timeout $(GOTEST_TIMEOUT) $(GOTEST)
test-down: ## Stop that cloud
	@$(TOOLS) test-down
test-containers: ## Run sam local invoke and start-api in containers (Linux, root; installs Docker when missing)
	@$(TOOLS) test-containers
crash: ## Make each AWS call of an event's delivery fail in every possible way, one at a time (make test: several at once)
	@CRASH=all $(TOOLS) test go test -race -vet=off -ldflags=-s -timeout 60m -v -run 'Crash|Redrive' ./shared/systemtest/crash
soak: ## Publish while receivers fail, functions are killed and the cloud restarts: make soak DURATION=10m RATE=3
	@$(TOOLS) soak
smoke: ## Try a deployed stack with your credentials, and report what only AWS shows: make smoke ENV=dev
	@$(TOOLS) smoke $(ENV)
schemathesis: ## Search for responses that are not in the OpenAPI document: make schemathesis SEED=7 SECONDS_TO_TRY=600
	@$(TOOLS) schemathesis
clients: ## Lint the OpenAPI document, and publish an event with clients that five generators make of it
	@$(TOOLS) clients
isolation: ## Measure how slow receivers, a wave, a paced burst and a busy tenant delay others; figures in .local/isolation.json: DURATION=60s
	@$(TOOLS) isolation
fuzz: ## Run every fuzz test for FUZZTIME: make fuzz FUZZTIME=1m
	@.ci/fuzz $(FUZZTIME)
lint: ## Run gofmt, go vet, staticcheck, gosec, go mod tidy, ruff, mypy, sam validate, cfn-lint, parliament, checkov
	@test -z "$$(gofmt -l functions shared | tee /dev/stderr)" || { echo 'gofmt: the files above are not formatted; make fmt formats them' >&2; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go tool -modfile=.ci/gosec.mod gosec -quiet ./functions/... ./shared/...
	go mod tidy -diff
	@$(TOOLS) lint
	@$(TOOLS) template-lint
	@$(MAKE) --no-print-directory validate
	@$(TOOLS) checkov --config-file .ci/checkov.yaml --file template.yaml
lock: ## Write the lock files of the Python packages after a change in .tools/requirements
	@$(TOOLS) lock $(if $(UPGRADE),--upgrade)
audit: ## Compare all packages with the known vulnerabilities (govulncheck, pip-audit; they download their databases)
	@$(TOOLS) audit
fmt: ## Format the Go and Python code
	gofmt -w functions shared
	@$(TOOLS) format

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
