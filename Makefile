# Qingyuan (清源). `make` alone lists what can be done.

DATA     ?= ./data
ADDR     ?= :8080
FUZZTIME ?= 20s
GOVULNDB ?=
SIZES    ?= 10000,100000,1000000
WATCHERS ?= 1000
RATE     ?= 20000
PARTICIPANTS ?= 20000
MINUTES ?= 60
BENCHFLAGS ?=
CHECKS ?= 1000

VERSION := $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)

# Tools are built once through the Go module proxy; the version is part of the
# path, so that a new one is built when it changes here.
GOLANGCI_VERSION    := v2.15.0
GOVULNCHECK_VERSION := v1.1.4
TOOLS       := bin/tools
GOLANGCI    := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)/golangci-lint
GOVULNCHECK := $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION)/govulncheck

# The version is stamped below. Go's own stamp would need a healthy git checkout
# and fail without one, in a source archive or a container.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false -trimpath)
# The program is built without C, and so are tests: what both need is then compiled once.
export CGO_ENABLED ?= 0

# Tests mostly wait, for a disk, a child, a tick: more of them at once than there are
# processors take a third of the time. What vet finds, `make lint` finds too, and what a
# debugger reads is left out, which halves the linking of sixty programs.
TESTFLAGS := -vet=off -ldflags '-s -w' -parallel 6 -timeout 9m

# Go's tests wait for the disk more than for anything else, and prove nothing of it: it
# is `make chaos` that cuts the power. So their files lie in memory where there is room.
IN_MEMORY := $(shell scripts/memory.sh)

# test_dirs_of lists the packages whose tests hold a line like $(1), test_dirs those with a
# function named like it.
test_dirs_of = $(sort $(dir $(shell grep -rlE '$(1)' --include='*_test.go' \
	--exclude-dir=bin --exclude-dir=data --exclude-dir=node_modules .)))
test_dirs = $(call test_dirs_of,^func $(1))
bench_dirs = $(call test_dirs,Benchmark)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: need-redis build ## Serve the demonstration: DATA=./data ADDR=:8080
	exec bin/qingyuan serve --demo --data '$(DATA)' --addr '$(ADDR)'

.PHONY: build
build: web ## Build bin/qingyuan, with the pages where Node 20.19 is at hand
	go build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/qingyuan ./cmd/qingyuan

.PHONY: web
web: ## Build the pages, if Node is at hand
	@scripts/web.sh build

.PHONY: test
test: need-servers need-browser web ## Run the tests, on real Redis and PostgreSQL servers and in a real browser
	$(IN_MEMORY) go test $(TESTFLAGS) ./...
	@$(MAKE) -j 2 test-web test-miniprogram

.PHONY: test-miniprogram
test-miniprogram: need-redis build ## Run the tests of the mini-program's client, against the real server
	@scripts/miniprogram.sh '$(CURDIR)/bin/qingyuan'

.PHONY: test-web
test-web: need-redis need-browser build ## Check the pages and run their tests, in a real browser too
	@scripts/web.sh test

.PHONY: race
race: need-race ## Run the tests under the race detector
	CGO_ENABLED=1 go test -race -timeout 20m ./...

.PHONY: chaos
chaos: need-chaos ## Kill, starve and deceive the real program: a few minutes
	go test -tags failpoints -count=1 -vet=off ./internal/failpoint
	go test -tags failpoints -count=1 -vet=off -run '^TestKilled' ./internal/ledger ./internal/prooflog
	go test -tags chaos -count=1 -timeout 30m -v ./internal/chaos/... -args -chaos.scale=short

.PHONY: chaos-long
chaos-long: need-chaos ## The same with the counts of a release: hours
	go test -tags chaos -count=1 -timeout 24h -v ./internal/chaos/... -args -chaos.scale=long

.PHONY: check
check: lint vet race test chaos ## All that must hold before a change is handed in

.PHONY: lint
lint: $(GOLANGCI) ## Run golangci-lint, built on the first use
	$(GOLANGCI) run ./...

.PHONY: vet
vet: ## Run go vet
	go vet -tags chaos ./...

.PHONY: fuzz
fuzz: need-servers ## Run each fuzz target for FUZZTIME=20s
	@set -eu; for dir in $(call test_dirs,Fuzz); do \
		for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' $${dir}*_test.go); do \
			echo "$$dir $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime '$(FUZZTIME)' "$$dir"; \
		done; \
	done

.PHONY: machines
machines: need-servers ## Run the packages with models and state machines with CHECKS=1000 random runs, of which the dear ones leave some out
	go test -vet=off -count=1 -timeout 6h $(call test_dirs_of,rapid\.Check) -rapid.checks '$(CHECKS)'

.PHONY: bench
bench: need-redis build ## Compare the server with what the machine allows: BENCHFLAGS='-pairs 15'
	go build -o bin/bench ./internal/bench
	bin/bench $(BENCHFLAGS)

.PHONY: bench-go
bench-go: need-servers ## Run the Go benchmarks, and no tests
	$(if $(bench_dirs),go test -run '^$$' -bench . -benchmem -timeout 30m $(bench_dirs),@echo 'no benchmarks')

.PHONY: bench-growth
bench-growth: need-redis ## What a submission, a rank, a snapshot cost at SIZES=10000,100000,1000000
	go test ./internal/growth -run '^$$' -bench Growth -benchtime 1x -timeout 6h -v -sizes '$(SIZES)'

.PHONY: bench-whole
bench-whole: need-redis build ## What whole requests cost among the fewest and the most of SIZES
	go build -o bin/bench ./internal/bench
	bin/bench -sizes '$(SIZES)' $(BENCHFLAGS)

.PHONY: bench-lag
bench-lag: need-redis ## How old facts are when counted and stored, at RATE=20000 a second
	go test ./internal/growth -run '^$$' -bench Lag -benchtime 1x -timeout 30m -v -lag.rate '$(RATE)' -lag.for 5s

.PHONY: bench-sealing
bench-sealing: need-redis ## What sealing acts costs beside them, at RATE=2000 a second
	go test ./internal/growth -run '^$$' -bench Sealing -benchtime 1x -timeout 30m -v -sealing.rate '$(if $(filter command line environment,$(origin RATE)),$(RATE),2000)' -sealing.for 20s -sealing.every 5s

.PHONY: bench-watchers
bench-watchers: need-redis ## What WATCHERS=1000 of a live stream cost (10000 needs ulimit -n 11000)
	go test ./internal/watching -run '^$$' -bench Watchers -benchtime 1x -timeout 30m -v -watchers '$(WATCHERS)'

.PHONY: rehearse
rehearse: need-redis build ## Play the rush of the evening on this machine: ten minutes, one page
	bin/qingyuan rehearse

.PHONY: film
film: need-redis need-browser build ## Film a visit and the big screen while PARTICIPANTS=20000 take part
	@PARTICIPANTS='$(PARTICIPANTS)' scripts/film.sh film

.PHONY: soak
soak: need-redis need-browser build ## Leave the big screen standing for MINUTES=60, and weigh its heap
	@MINUTES='$(MINUTES)' scripts/film.sh soak

.PHONY: vuln
vuln: $(GOVULNCHECK) ## Look for known vulnerabilities: GOVULNDB=file:///… for a local copy
	$(GOVULNCHECK) $(if $(GOVULNDB),-db '$(GOVULNDB)') ./...

.PHONY: clean
clean: ## Remove what was built; tools and data stay
	rm -f bin/qingyuan bin/bench coverage.out
	rm -rf web/dist/* web/dist/.vite web/shots

# These make sure that programs can be run, and start none.
.PHONY: need-redis need-servers need-race need-browser need-chaos
need-redis:
	@scripts/need.sh redis
need-servers:
	@scripts/need.sh redis postgres nginx
need-race:
	@scripts/need.sh redis postgres nginx gcc
need-browser:
	@scripts/need.sh node chromium han tibetan
need-chaos:
	@scripts/need.sh redis postgres gcc strace nginx ext4

$(GOLANGCI):
	GOBIN='$(CURDIR)/$(@D)' go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

$(GOVULNCHECK):
	GOBIN='$(CURDIR)/$(@D)' go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
