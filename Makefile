# make            says what there is to make
# make run        the whole service on this machine
# make test       all tests, against a local cloud of their own
#
# The targets stay short: what they do is in .tools/.

.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
STACK := $(PYTHON) .tools

# Which environment of samconfig.toml `make deploy` uses: dev or prod. And which make smoke: also local.
CONFIG ?= dev
ENV ?= $(CONFIG)
# Ports of the local cloud and of the one for tests; the latter takes another when it is not free.
PORT ?= 4566
TEST_PORT ?= 4577
# For make api-key and make publish.
TENANT ?= demo
TYPE ?= environment.created
DATA ?= {}
VIA ?= sqs
# Handed to go test, for instance GOTEST='-run TestDelivery ./functions/dispatcher'.
GOTEST ?= ./...
# The profile of make test, when it runs all tests.
COVERAGE := .local/coverage.out
# A test that takes longer than this is stuck.
GOTEST_TIMEOUT ?= 12m
# How long make fuzz runs each of the fuzz tests.
FUZZTIME ?= 10s
# For make isolation and make soak: how long the trouble lasts; the concurrency of the normal lane; events a second.
DURATION ?= 60s
CONCURRENCY ?= 80
RATE ?= 3
# For make redrive.
QUEUE ?= events
# Packages with Go benchmarks that need no local cloud, and how often make bench invokes a function.
HOT_PATHS := ./shared/event ./shared/webhook ./shared/delivery ./shared/webhook/signature ./shared/delivery/attempt ./shared/attemptlog/attemptlogdb ./shared/event/eventdb ./shared/aws/boot
BENCHTIME ?= 1000x
# For make schemathesis; without a seed every run tries something else.
SECONDS_TO_TRY ?= 80
SEED ?=
export PORT TEST_PORT TENANT TYPE DATA VIA SCOPES KEY_ID QUEUE REASON STACK_NAME SECONDS_TO_TRY SEED DURATION CONCURRENCY RATE

##@ Run it here
.PHONY: run stop reset logs api-key api-keys revoke-key publish letters redrive
run: ## The whole service on this machine: start, build, deploy, deliver one event
	@$(STACK) run
stop: ## Stop it and keep its data
	@$(STACK) stop
reset: ## Stop it and drop its data
	@$(STACK) reset
logs: ## Follow the functions' logs
	@$(STACK) logs
api-key: ## Print a new API key: make -s api-key TENANT=acme SCOPES="webhooks:read logs:read"
	@$(STACK) api-key
api-keys: ## List a tenant's API keys: make api-keys TENANT=acme
	@$(STACK) api-keys
revoke-key: ## End an API key: make revoke-key KEY_ID=...
	@$(STACK) revoke-key
letters: ## List the dead letters by reason, with what to do: make letters STACK_NAME=... (none: here)
	@$(STACK) letters
redrive: ## Send dead letters back: make redrive QUEUE=events|deliveries|bus REASON=... STACK_NAME=... (none: here)
	@$(STACK) redrive
publish: ## Publish an event: make publish TYPE=training.failed DATA='{"job":7}' VIA=bus
	@$(STACK) publish

##@ SAM
.PHONY: build validate deploy start-api invoke
build: ## sam build, for this machine's processor
	@$(STACK) build
validate: ## sam validate --lint
	@$(STACK) sam validate --lint --region us-east-1
deploy: ## sam build and sam deploy to your AWS account: make deploy CONFIG=prod
	@$(STACK) account-check
	@$(STACK) sam build --config-env $(CONFIG) --build-dir .aws-sam/$(CONFIG)
	@template=$$($(STACK) template .aws-sam/$(CONFIG)/template.yaml $(CONFIG)) && \
	$(STACK) sam deploy --config-env $(CONFIG) --config-file "$(CURDIR)/samconfig.toml" --template-file "$$template"
start-api: ## sam local start-api on port 3000 in Docker, on the tables and queues of make run
	@$(STACK) start-api
invoke: ## sam local invoke in Docker, likewise: make invoke FUNCTION=ListWebhooksFunction EVENT=events/list-webhooks.json
	@$(STACK) invoke $(FUNCTION) $(EVENT)

##@ Measure it
.PHONY: bench cost
bench: ## Speed: Go benchmarks of the hot paths, then the real functions under a driver; figures in .local/bench.json
	@rm -f .local/bench.json
	go test -run '^$$' -bench . -benchmem $(HOT_PATHS)
	@$(STACK) measure go test -run '^$$' -bench . -benchtime $(BENCHTIME) ./shared/systemtest/bench
cost: ## What AWS bills for a million events, deliveries and an idle month; figures in .local/cost.json
	@rm -f .local/cost.json
	@WEBHOOKS_RECORD_COST=1 $(STACK) measure go test -count=1 -v -run 'Billed|Idle' ./shared/systemtest/cost | grep -v '^ *[=-][=-][=-]'

##@ Check it
.PHONY: test test-up test-go test-down test-containers schemathesis lint fmt isolation crash soak smoke fuzz
test: ## All tests, with the race detector and the floor of coverage, against a local cloud started for them
	@rm -f $(COVERAGE)
	@$(STACK) test go test -race -timeout $(GOTEST_TIMEOUT) $(if $(subst ./...,,$(GOTEST)),,-coverprofile=$(COVERAGE) -coverpkg=./functions/...,./shared/...) $(GOTEST)
	@[ ! -f $(COVERAGE) ] || .ci/coverage $(COVERAGE)
test-up: ## Start that cloud and leave it running, for make test-go
	@$(STACK) test-up
test-go: ## Tests against the cloud of make test-up: make test-go GOTEST='-run TestSigningKeys ./shared/...'
	@$(STACK) test-env go test -timeout $(GOTEST_TIMEOUT) $(GOTEST)
test-down: ## Stop that cloud
	@$(STACK) test-down
test-containers: ## sam local invoke and start-api in real containers (Linux, root: installs Docker when missing)
	@$(STACK) test-containers
crash: ## Let every AWS call on an event's way fail in every manner, one failure at a time (make test: some at a time)
	@CRASH=all $(STACK) test go test -race -timeout 60m -v -run 'Crash|Redrive' ./shared/systemtest/crash
soak: ## Publish while receivers fail, functions are killed and the cloud restarts: make soak DURATION=10m RATE=3
	@$(STACK) soak
smoke: ## Try a deployed stack, with your credentials, and report what only AWS shows: make smoke ENV=dev
	@$(STACK) smoke $(ENV)
schemathesis: ## Search for answers that the OpenAPI document does not have: make schemathesis SEED=7 SECONDS_TO_TRY=600
	@$(STACK) schemathesis
isolation: ## What a slow and a failing receiver do to a third, with and without the slow lane: make isolation DURATION=60s
	@$(STACK) isolation
fuzz: ## Every fuzz test for FUZZTIME: make fuzz FUZZTIME=1m
	@.ci/fuzz $(FUZZTIME)
lint: ## gofmt, go vet, staticcheck, gosec, go mod tidy, sam validate, checkov
	@test -z "$$(gofmt -l functions shared | tee /dev/stderr)" || { echo 'gofmt: the files above are not formatted; make fmt does it' >&2; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go tool -modfile=.ci/gosec.mod gosec -quiet ./functions/... ./shared/...
	go mod tidy -diff
	@$(MAKE) --no-print-directory validate
	@$(STACK) checkov --config-file .ci/checkov.yaml --file template.yaml
fmt: ## Format the Go code
	gofmt -w functions shared

.PHONY: help
help: ## This text
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
