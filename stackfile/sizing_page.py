"""docs/sizing.md, written from the table and the sums: `python -m stackfile.sizing_page > docs/sizing.md`."""

import json
from collections.abc import Iterator, Mapping

from settings import Settings
from stackfile import outline
from stackfile.budget import connections, pools
from stackfile.draft import Draft
from stackfile.profiles import PRESETS, PROFILES, Preset

# One way to be refused, for the page to show: what `dev` says, and one replica more.
REFUSED: Mapping[str, object] = {
    "profile": "evaluation",
    "database": {"kind": "in-cluster"},
    "server": {"replicas": 5},
}
PAGE = """# Sizes

<!-- Written by `python -m stackfile.sizing_page > docs/sizing.md`; do not edit. -->

`profile` in the stack file chooses defaults: `evaluation` for looking at MLflow, `small` for one team that looks after
itself, `production` for a company. What the stack file says goes before the profile, the profile before the setting's
own default. See what holds for a stack, where each value comes from and which sums follow:

```sh
make configuration STACK=prod            # JSON=1 for programs
```

It reads the stack file alone, and needs no cluster and no passphrase. It ends with 1 where a preview would refuse.

## What the profiles set

{table}
{notes}
`small` and `production` protect whatever holds data. `production` refuses `login.kind` `basic` and `development`, a
self-signed certificate, a host below .localhost, images of one node, and stores without TLS; `small` refuses
development users.

## What is added up

{sums}
Where the figures come from is said beside them, in `stackfile/budget/`.

## How to read a refusal

A preview ends before anything is touched, and names the key, the sum, and what would make it come out:

```text
{refusal}
```

Each `set` is one way, and enough by itself. Warnings look alike, and stop nothing. `cluster.capacity` makes quotas
count:

```yaml
  mlflow-platform:cluster:
    capacity: {{cpu: "64", memory: 256Gi, storage: 2Ti}}     # of all nodes; CPU is only warned of
```

A profile's autoscaler is switched off by `autoscaling: null` in `server`.
"""

SUMS = (
    (
        (
            "(replicas, or the autoscaler's most, + 1 while rolling) x workers x (pool + overflow) + "
            f"{pools.JOB_CONNECTIONS} of jobs"
        ),
        (
            f"`max_connections` - {pools.RESERVED} in reserve, - "
            f"{pools.RESERVED + connections.RESERVED_BY_RDS} at RDS; there "
            "`database.instanceClass` decides if `database.maxConnections` is not said"
        ),
    ),
    ("190 MiB + workers x (210 MiB + 160 MiB of uploads)", "`server.memoryLimit`"),
    ("(64 MiB + `max_connections` x 4 MiB) / 0.75 of the in-cluster PostgreSQL", "`database.memoryLimit`"),
    ("1 GiB of write-ahead log + 1 GiB of data of the in-cluster PostgreSQL", "`database.storage`"),
    ("workers x 32 MiB, the largest body", "`server.uploadSpace`"),
    ("the platform's pods and volumes + all teams' quotas", "`cluster.capacity`, where that is said"),
)


def page() -> str:
    """The whole page."""
    (fault,) = connections.connections(Draft(REFUSED, Settings))
    notes = "".join(f"- {note}\n" for note in _notes())
    return PAGE.format(
        table="".join(_table()),
        notes=notes,
        sums="| Sum | Has to fit into |\n|---|---|\n" + "".join(f"| {one} | {other} |\n" for one, other in SUMS),
        refusal=f"  - {fault}".replace("; ", ";\n    ").replace(", or set", ",\n    or set"),
    )


def _table() -> Iterator[str]:
    yield f"| Key | {' | '.join(PROFILES)} |\n|---|{'---|' * len(PROFILES)}\n"
    for preset in PRESETS:
        cells = " | ".join(f"`{json.dumps(preset.values.get(name, _own(preset)))}`" for name in PROFILES)
        yield f"| {_key(preset)} | {cells} |\n"


def _notes() -> Iterator[str]:
    for preset in PRESETS:
        yield f"{_key(preset)}: {preset.source}"


def _key(preset: Preset) -> str:
    return f"`{preset.path}`" + (f" (`{preset.kind}`)" if preset.kind else "")


def _own(preset: Preset) -> object:
    """The field's own default."""
    (key,) = (
        key
        for key in outline.keys(Settings)
        if key.path == preset.path and (preset.kind is None or key.choice == preset.kind)
    )
    return outline.default(key.field)


if __name__ == "__main__":
    print(page(), end="")
