# tidecast: what a person or a machine runs here. `make help` lists it.
# A Debian machine with a Rust toolchain, gcc, make and python3 suffices; what more is needed, the targets fetch.

CARGO    ?= cargo
TRACES   ?= $(or $(TIDECAST_TRACES),$(wildcard ../shared/data))
BIN       = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/release/tidecast

.DEFAULT_GOAL := help
.PHONY: help release demo test test-kubernetes chaos show-kubernetes show-aws check fmt swarm bench bench-forecast bench-capacity bench-service bench-keda kills bless docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: release ## build, then the main job on a sample that ships inside
	@$(BIN) demo

release: ## build the binary
	$(CARGO) build --release --locked -p tidecast

test: ## everything that must hold; installs what it needs
	@scripts/test

check: ## format, lints, licences
	@scripts/check

fmt: ## format the code
	$(CARGO) fmt --all

test-kubernetes: ## the cases for Kubernetes against any cluster: KUBECONFIG=…; without it, against our own
	@scripts/test_kubernetes '$(KUBECONFIG)'

chaos: ## the fault campaigns at their nightly size, into docs/benchmarks/scalers.md
	@scripts/chaos
	@scripts/chaos_aws

show-kubernetes: ## a rush in real time: Prometheus, tidecast, a Deployment; a quarter of an hour
	@scripts/show_kubernetes

show-aws: ## a rush in real time: Prometheus, tidecast, two Auto Scaling groups; twenty minutes
	@scripts/show_aws

swarm: ## seeded worlds with every invariant watched: SEED=8113 for one, or DAYS=10000
	@$(CARGO) run -q --locked -p tidecast-world --example swarm -- $(or $(SEED),1) $(or $(DAYS),$(if $(SEED),2,10000))

bench: release ## how long fits, forecasts and simulated turns take
	@$(BIN) bench

bench-forecast: release ## accuracy and calibration on the traces, into docs/benchmarks/forecast.md
	@TRACES='$(TRACES)' BIN=$(BIN) scripts/bench forecast

bench-capacity: release ## service and cost of the policies on the traces, into docs/benchmarks/capacity.md
	@TRACES='$(TRACES)' BIN=$(BIN) scripts/bench capacity

bench-service: release ## how the service bears its load, into docs/benchmarks/service.md: about an hour, or QUICK=1
	@scripts/bench_service.py --binary $(BIN) $(if $(QUICK),--quick --out target/service-quick.md)

bench-keda: release ## how fast KEDA is answered, into docs/benchmarks/scalers.md; needs h2load (nghttp2-client)
	@scripts/bench_keda.py --binary $(BIN)

kills: ## a thousand kills of the store and of the service; nothing acknowledged may be lost
	TIDECAST_TEST_KILLS=$(or $(KILLS),1000) $(CARGO) test --locked -p tidecast --test real -- kills::loses_nothing_acknowledged_when_killed_at_random service::forgets_no_decree --nocapture

bless: ## take what the code says now as the new goldens; read the diff
	@scripts/bless

docs: ## the book, and the crates' own reference
	@scripts/docs

clean: ## remove what was built
	$(CARGO) clean
	rm -rf .venv docs/book
