# `make help` lists the targets.
#
# With CONTEXT=name, targets that need a cluster use that context of your kubeconfig and the Pulumi on your PATH.
# Without it they use the embedded cluster: a Kubernetes and a Pulumi engine of the testbed.

STACK ?= dev
CONTEXT ?=
TEAM ?=
IMAGE ?=
# For `access`: a git revision to compare with, and text, json or markdown.
AGAINST ?=
FORMAT ?= text
# For `rehearse`.
NAME ?=
# For `attack`: a seed and a number of cases, or the numbers of cases to repeat, such as 12,345.
SEED ?=
COUNT ?=
CASE ?=
# For `configuration`, `doctor` and `audit`: any value prints JSON.
JSON ?=
# For `doctor`: version of the MLflow client in use.
CLIENT ?=
# For `render`: dev or full (both if empty), the folder to write, a file with values of AWS resources, and the git
# repository, revision and folder that Argo CD reads.
OVERLAY ?=
OUT ?=
VALUES ?=
REPOSITORY ?=
REVISION ?= main
FOLDER ?=
# For `audit`: a period such as 6h, or a time.
SINCE ?=

PYTHON := .venv/bin/python
RUN := tools/with-cluster '$(CONTEXT)'

.DEFAULT_GOAL := help
.PHONY: help image up preview status down destroy purge env access configuration passwords smoke doctor render render-secrets reach audit test e2e attack evidence rehearse pressure bench fmt generate picture ready cluster testbed

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { gsub(/\$$\$$/, "$$", $$2); printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

image: $(if $(CONTEXT),ready) ## build images/mlflow and push it as IMAGE, or load it into kind, k3d or Docker Desktop (CONTEXT=kind-NAME)
	@tools/image '$(IMAGE)' '$(CONTEXT)' '$(STACK)'

ready:
	@tools/bootstrap

# Without a context, targets use the embedded cluster.
cluster:
	@tools/bootstrap $(if $(CONTEXT),,--testbed)

testbed:
	@tools/bootstrap --testbed

up: cluster ## deploy the platform, run a smoke test, print the URLs
	@tools/up '$(STACK)' '$(CONTEXT)'

preview: cluster ## show what `up` would change, and check it with the policy pack
	@$(RUN) tools/preview '$(STACK)'

status: testbed ## show the status of the embedded cluster
	@$(PYTHON) -m testbed status

down: testbed ## stop the embedded cluster, keep its data
	@$(PYTHON) -m testbed down

destroy: cluster ## delete the platform after confirmation, list the volumes that remain
	@tools/destroy '$(STACK)' '$(CONTEXT)'

purge: cluster ## permanently delete the MLflow data of an archived TEAM, after confirmation
	@tools/purge '$(STACK)' '$(CONTEXT)' '$(TEAM)'

env: testbed ## print the environment variables for the embedded cluster: eval "$$(make -s env)"
	@$(PYTHON) -m testbed env

access: ready ## show which groups and programs have access to each team; AGAINST=main shows changes; needs no cluster
	@$(PYTHON) -m tools.access_matrix --stack '$(STACK)' --against '$(AGAINST)' --format '$(FORMAT)'

configuration: ready ## print all settings of STACK with their origin; JSON=1 prints JSON; needs no cluster
	@$(PYTHON) -m tools.configuration '$(STACK)' $(if $(JSON),--json)

render: ready ## write the objects of STACK for kustomize and Argo CD: OVERLAY=dev or full, OUT=folder; no secrets; needs no cluster
	@$(PYTHON) -m tools.render '$(STACK)' --overlay '$(OVERLAY)' --out '$(OUT)' --values '$(VALUES)' \
		--repository '$(REPOSITORY)' --revision '$(REVISION)' --folder '$(FOLDER)'

render-secrets: cluster ## create the Secrets that the rendered STACK needs, in the cluster; passwords are kept in the stack's state
	@tools/render-secrets '$(STACK)' '$(CONTEXT)' '$(VALUES)'

passwords: cluster ## print the generated passwords of users
	@$(RUN) pulumi stack output passwords --show-secrets --stack '$(STACK)'

smoke: cluster ## log a run on the deployed platform with the MLflow client
	@$(RUN) $(PYTHON) -m tools.smoke

doctor: cluster ## name the one thing that is wrong with the deployed platform, and its remedy; JSON=1 prints JSON; CLIENT=3.17.2 compares a client
	@$(RUN) $(PYTHON) -m tools.doctor --stack '$(STACK)' --context '$(CONTEXT)' --client '$(CLIENT)' $(if $(JSON),--json)

test: testbed ## run the linters, the type checker and all tests that need no cluster
	@tools/test

e2e: testbed ## run every end-to-end test on the embedded cluster; deploys `dev` first
	@tools/e2e all

evidence: testbed ## run the same end-to-end tests as CI: acceptance, and rehearsals whose inputs have changed since their last pass
	@tools/e2e due

rehearse: testbed ## run the rehearsal NAME; without NAME, list all rehearsals and show which are due
	@tools/e2e $(if $(NAME),rehearse '$(NAME)',list)

attack: testbed ## run all generated attacks on the deployed `dev` stack; SEED= COUNT= run a sample, CASE=12,345 repeats cases
	@ATTACK_SEED='$(SEED)' ATTACK_COUNT='$(or $(COUNT),1000000)' ATTACK_SECONDS=86400 ATTACK_CASE='$(CASE)' \
		$(PYTHON) -m testbed exec -- .venv/bin/pytest -q testbed/e2e/acceptance/test_generated_attacks.py

pressure: testbed ## attack the availability of the deployed `dev` stack, and print what another team notices; NAME= selects attacks
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m benchmarks.pressure $(if $(NAME),'$(NAME)')

bench: testbed ## measure the preview time, and the cost of login and row-level security and the throughput of the deployed `dev` stack
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m benchmarks.preview_cost
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m benchmarks.login_cost
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m benchmarks.row_security_cost
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m benchmarks.server_load

fmt: ready ## format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix --quiet .

generate: ready ## write generated pages, snapshots and Pulumi.yaml from the code
	@$(PYTHON) -m tests.generated

picture: ready ## render the picture of docs/architecture.md; needs Graphviz
	@tools/picture

reach: cluster ## show the connections that the NetworkPolicies of the deployed platform allow
	@$(RUN) $(PYTHON) -m tools.reachability

audit: cluster ## show who changed what, and what was refused: of all teams or of TEAM, all or SINCE=6h; JSON=1 prints JSON lines
	@$(RUN) $(PYTHON) -m tools.audit --team '$(TEAM)' --since '$(SINCE)' $(if $(JSON),--json)
