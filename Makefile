# `make help` lists the targets.
#
# With CONTEXT=name, targets that need a cluster use that context of your kubeconfig and the Pulumi on your PATH.
# Without it they use the embedded cluster: a Kubernetes and a Pulumi engine of the testbed.

STACK ?= dev
CONTEXT ?=
TEAM ?=
IMAGE ?=
# For `access`, `plan` and `deploy`: a git revision to compare with. For `access`: text, json or markdown.
AGAINST ?=
FORMAT ?= text
# For `rehearse`.
NAME ?=
# For `attack`: a seed and a number of cases, or the numbers of cases to repeat, such as 12,345.
SEED ?=
COUNT ?=
CASE ?=
# For `plan` and `deploy`: a file with prices.
PRICES ?=
# For `deploy`: the fingerprint of the approved plan, and who has approved it.
APPROVED ?=
APPROVER ?=
# For `check`, `configuration`, `scan`, `plan`, `drift`, `preflight`, `doctor`, `audit` and `backups`: any value prints
# JSON.
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
# For `undelete`: any value only adds rows that are missing.
MISSING ?=
# For `restore`, and `undelete`: a time such as 2026-11-28T10:15:00Z, or latest; the name of what an earlier restore has kept; the folder
# of another database cluster in the bucket of the backups.
TO ?=
DROP ?=
FROM ?=

# For `adopt`: the old MLflow, where its files are now ([FROM=]TO) and names of experiments, both separated by commas, the
# beginning of all names in the workspace; any value of DELETED also moves what is deleted.
SOURCE ?=
ARTIFACTS ?=
EXPERIMENTS ?=
PREFIX ?=
DELETED ?=

PYTHON := .venv/bin/python
RUN := tools/with-cluster '$(CONTEXT)'

.DEFAULT_GOAL := help
.PHONY: help image up check preflight preview plan deploy drift status down grow destroy purge retention env access configuration scan passwords sign-out-everybody smoke doctor render render-secrets reach alerts dashboard audit backup backups restore prove undelete adopt test e2e attack usage evidence rehearse pressure bench fmt generate picture ready cluster testbed

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

plan: cluster ## show what `up` would do, for whoever approves it: access, data, interruptions, cost; AGAINST=main, PRICES=file, JSON=1
	@BASE='$(or $(AGAINST),HEAD)' FORMAT=$(if $(JSON),json,text) PRICES='$(PRICES)' $(RUN) tools/preview-pull-request '$(STACK)'

deploy: cluster ## apply the approved plan and nothing else: APPROVED=sha256:... APPROVER=name; AGAINST= and PRICES= as for its plan
	@BASE='$(or $(AGAINST),HEAD)' PRICES='$(PRICES)' APPROVED='$(APPROVED)' APPROVER='$(APPROVER)' $(RUN) tools/deploy '$(STACK)'

drift: cluster ## show what differs between the cluster and the stack, and who changed it; exit code 1 if anything differs; JSON=1
	@JSON='$(JSON)' $(RUN) tools/drift '$(STACK)'

status: testbed ## show the status of the embedded cluster
	@$(PYTHON) -m testbed status

down: testbed ## stop the embedded cluster, keep its data
	@$(PYTHON) -m testbed down

grow: cluster ## enlarge the volumes of the deployed STACK to the sizes in its stack file, after confirmation
	@$(RUN) $(PYTHON) -m tools.growth grow '$(STACK)' --yes '$(YES)'

destroy: cluster ## delete the platform after confirmation, list the volumes that stay
	@tools/destroy '$(STACK)' '$(CONTEXT)'

purge: cluster ## permanently delete the MLflow data of an archived TEAM, after confirmation
	@tools/purge '$(STACK)' '$(CONTEXT)' '$(TEAM)'

retention: cluster ## delete or archive data that is older than the ages in the stack file, after confirmation; DRY=1 only shows it
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.retention --stack '$(STACK)' --yes '$(YES)' $(if $(DRY),--dry)

env: testbed ## print the environment variables for the embedded cluster: eval "$$(make -s env)"
	@$(PYTHON) -m testbed env

access: ready ## show which groups and programs have access to each team; AGAINST=main shows changes; needs no cluster
	@$(PYTHON) -m tools.access_matrix --stack '$(STACK)' --against '$(AGAINST)' --format '$(FORMAT)'

check: ready ## check all stack files, or STACK's, in under a second; JSON=1 prints JSON; needs no cluster
	@$(PYTHON) -m tools.check $(if $(filter command environment,$(word 1,$(origin STACK))),'$(STACK)') $(if $(JSON),--json)

configuration: ready ## print all settings of STACK with their origin; JSON=1 prints JSON; needs no cluster
	@$(PYTHON) -m tools.configuration '$(STACK)' $(if $(JSON),--json)

preflight: cluster ## name what the cluster lacks for STACK, each with its remedy; changes nothing; JSON=1 prints JSON
	@$(RUN) $(PYTHON) -m tools.preflight '$(STACK)' $(if $(JSON),--json)

scan: ready ## run checkov, kube-score, Pod Security, zizmor and actionlint over all stacks and workflows, or over STACK; JSON=1 prints JSON; needs no cluster
	@$(PYTHON) -m tools.scan $(if $(filter command environment,$(word 1,$(origin STACK))),'$(STACK)') $(if $(JSON),--json)

render: ready ## write the objects of STACK for kustomize and Argo CD: OVERLAY=dev or full, OUT=folder; no secrets; needs no cluster
	@$(PYTHON) -m tools.render '$(STACK)' --overlay '$(OVERLAY)' --out '$(OUT)' --values '$(VALUES)' \
		--repository '$(REPOSITORY)' --revision '$(REVISION)' --folder '$(FOLDER)'

render-secrets: cluster ## create the Secrets that the rendered STACK needs, in the cluster; passwords are kept in the stack's state
	@tools/render-secrets '$(STACK)' '$(CONTEXT)' '$(VALUES)'

passwords: cluster ## print the generated passwords of users
	@$(RUN) pulumi stack output passwords --show-secrets --stack '$(STACK)'

sign-out-everybody: cluster ## end all browser sessions: raises sessions.rotation in the stack file, and deploys
	@tools/sign-out-everybody '$(STACK)' '$(CONTEXT)'

smoke: cluster ## log a run on the deployed platform with the MLflow client
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.smoke

doctor: cluster ## name the first fault of the deployed platform, and its remedy; JSON=1 prints JSON; CLIENT=3.17.2 checks a client's version
	@$(RUN) $(PYTHON) -m tools.doctor --stack '$(STACK)' --context '$(CONTEXT)' --client '$(CLIENT)' $(if $(JSON),--json)

usage: cluster ## count what each team has stored: rows, traces, models, bytes; FORMAT=csv or json
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.usage --format '$(FORMAT)'

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

outages: testbed ## make faults in the deployed `dev` stack, and renew the table in docs/outages.md; NAME= makes one fault
	@$(PYTHON) -m testbed exec -- $(PYTHON) -m testbed.outages $(if $(NAME),'$(NAME)')

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
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.reachability

alerts: ready ## print the alert rules of STACK for a Prometheus without the operator; needs no cluster
	@$(PYTHON) -m tools.monitoring rules '$(STACK)'

dashboard: ready ## print the dashboard of STACK for Grafana; needs no cluster
	@$(PYTHON) -m tools.monitoring dashboard '$(STACK)'

audit: cluster ## show who changed what, and what was refused: of all teams or of TEAM, all or SINCE=6h; JSON=1 prints JSON lines
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.audit --team '$(TEAM)' --since '$(SINCE)' $(if $(JSON),--json)

backup: cluster ## take a base backup of the in-cluster PostgreSQL now
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.backups --stack '$(STACK)' now

backups: cluster ## list the backups of the in-cluster PostgreSQL, and the times that can be restored; JSON=1 prints JSON
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.backups --stack '$(STACK)' list $(if $(JSON),--json)

restore: cluster ## restore the in-cluster PostgreSQL, after confirmation: TO=2026-11-28T10:15:00Z; DROP=name deletes the data that an earlier restore kept
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.backups --stack '$(STACK)' restore --to '$(TO)' --server '$(FROM)' --drop '$(DROP)'

prove: cluster ## restore the newest backup in a separate pod and check everything in it, as happens each night
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.restored.prove

undelete: cluster ## bring the rows of one TEAM back, after confirmation: TO=2026-11-28T10:15:00Z; MISSING=1 only adds what is missing
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.restored.undelete --team '$(TEAM)' --to '$(TO)' $(if $(MISSING),--missing)

# The tool reads SOURCE from the environment: it may contain a password, and every user of the machine sees arguments.
adopt: cluster ## move an MLflow that exists already into the workspace of TEAM: SOURCE= its file, folder, database or address; DRY=1 only counts
	@$(RUN) env PULUMI_STACK='$(STACK)' $(PYTHON) -m tools.adopt --team '$(TEAM)' --artifacts '$(ARTIFACTS)' \
		--experiments '$(EXPERIMENTS)' --prefix '$(PREFIX)' $(if $(DELETED),--deleted) $(if $(DRY),--dry-run) $(if $(JSON),--json)
