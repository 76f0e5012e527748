# The two commands of the README and their relatives; `make help` lists them.
#
# With CONTEXT=name, `up` and its relatives use that context of your kubeconfig and the Pulumi on your PATH.
# Without it they start an embedded Kubernetes and an embedded Pulumi engine on this machine.

STACK ?= dev
CONTEXT ?=
TEAM ?=
IMAGE ?=
# Of `access`: a git revision to compare with, and text, json or markdown.
AGAINST ?=
FORMAT ?= text
# Of `rehearse`.
NAME ?=
# Of `configuration`: anything, for JSON.
JSON ?=

PYTHON := .venv/bin/python
RUN := tools/with-cluster '$(CONTEXT)'

.DEFAULT_GOAL := help
.PHONY: help image up preview status down destroy purge env access configuration passwords smoke reach test e2e evidence rehearse bench fmt generate picture ready cluster testbed

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { gsub(/\$$\$$/, "$$", $$2); printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

image: $(if $(CONTEXT),ready) ## build images/mlflow and push it as IMAGE, or load it into a local cluster (CONTEXT=kind-NAME)
	@tools/image '$(IMAGE)' '$(CONTEXT)' '$(STACK)'

ready:
	@tools/bootstrap

# Without a context the embedded cluster of the testbed is meant.
cluster:
	@tools/bootstrap $(if $(CONTEXT),,--testbed)

testbed:
	@tools/bootstrap --testbed

up: cluster ## deploy the platform, use it once, print where to look
	@tools/up '$(STACK)' '$(CONTEXT)'

preview: cluster ## show what `up` would change, judged by the policy pack
	@$(RUN) tools/preview '$(STACK)'

status: testbed ## status of the embedded cluster
	@$(PYTHON) -m testbed status

down: testbed ## stop the embedded cluster, keep its data
	@$(PYTHON) -m testbed down

destroy: cluster ## delete the platform; asks, and names what it leaves
	@tools/destroy '$(STACK)' '$(CONTEXT)'

purge: cluster ## delete what an archived TEAM has in MLflow, after asking
	@tools/purge '$(STACK)' '$(CONTEXT)' '$(TEAM)'

env: testbed ## print the environment for `pulumi` and `kubectl` by hand: eval "$$(make -s env)"
	@$(PYTHON) -m testbed env

access: ready ## print who may do what, or AGAINST=main what changes; needs no cluster
	@$(PYTHON) -m tools.access_matrix --stack '$(STACK)' --against '$(AGAINST)' --format '$(FORMAT)'

configuration: ready ## print every setting of STACK and where it comes from (JSON=1 for programs); needs no cluster
	@$(PYTHON) -m tools.configuration '$(STACK)' $(if $(JSON),--json)

passwords: cluster ## print the development users' passwords
	@$(RUN) pulumi stack output passwords --show-secrets --stack '$(STACK)'

smoke: cluster ## use the deployed platform as a data scientist would
	@$(RUN) $(PYTHON) -m tools.smoke

test: testbed ## linters, types and every test that needs no cluster
	@tools/test

e2e: testbed ## every end-to-end test, on the embedded cluster; deploys `dev` first
	@tools/e2e all

evidence: testbed ## what CI runs: acceptance tests, and rehearsals whose inputs have changed since their last pass
	@tools/e2e due

rehearse: testbed ## one rehearsal by NAME; without it, list them and say which are due
	@tools/e2e $(if $(NAME),rehearse '$(NAME)',list)

bench: testbed ## cost of a preview; cost of the login and throughput of the server on the deployed `dev` stack
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m benchmarks.preview_cost
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m benchmarks.login_cost
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m benchmarks.server_load

fmt: ready ## format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix --quiet .

generate: ready ## renew generated pages, snapshots and Pulumi.yaml from the code
	@$(PYTHON) -m tests.generated

picture: ready ## render the picture of docs/architecture.md; needs Graphviz
	@tools/picture

reach: cluster ## show who may connect to whom on the deployed platform, by its NetworkPolicies
	@$(RUN) $(PYTHON) -m tools.reachability
