"""Text of docs/sizing.md, which `make generate` writes from the profiles and the constants in `settings/sizing/`."""

import json
from collections.abc import Iterator, Mapping

from components.database.postgres import SHARED_FRACTION
from settings import Settings, outline
from settings.draft import Draft
from settings.profiles import PRESETS, PROFILES, Preset
from settings.sizing import connections, pools, postgres, replicas, server, volumes
from settings.sizing.remedies import GIBIBYTE, MEBIBYTE

# Stack file for the page's example of an error: five replicas with the database of profile `evaluation`.
REFUSED: Mapping[str, object] = {
    "profile": "evaluation",
    "database": {"kind": "in-cluster"},
    "server": {"replicas": 5},
}
PAGE = """# Sizes

<!-- Written by `make generate`; do not edit. -->

`profile` in the stack file selects defaults: `evaluation` to try MLflow, `small` for a single team, `production` for a
company. A value in the stack file overrides the profile, and the profile overrides the setting's own default. This
prints all values of a stack with their origin, and the sums:

```sh
make configuration STACK=prod            # JSON=1 for programs
```

It reads only the stack file, and needs no cluster and no passphrase. Its exit code is 1 if a preview would fail.

## Defaults of the profiles

{table}
{notes}
`small` and `production` protect all resources with data from deletion. `production` does not allow `login.kind` `basic`
and `development`, a self-signed certificate, a host that ends with .localhost, a server image that begins with
localhost/, and artifact stores without TLS. `small` does not allow `login.kind` `development`.

## Sums that a preview checks

{sums}
The modules in `settings/sizing/` explain the constants.

## Error messages

A preview stops before it changes anything, and prints the key, the sum and the remedies:

```text
{refusal}
```

Each `set` is a sufficient remedy. Warnings have the same form and do not stop the preview. The teams' quotas are
checked only with `cluster.capacity`:

```yaml
  mlflow-platform:cluster:
    capacity: {{cpu: "64", memory: 256Gi, storage: 2Ti}}     # of all nodes; too much CPU is only a warning
```

`autoscaling: null` in `server` switches a profile's autoscaler off.
"""


def _mib(size: int) -> str:
    return f"{size // MEBIBYTE} MiB"


def _gib(size: int) -> str:
    return f"{size // GIBIBYTE} GiB"


SUMS = (
    (
        (
            f"(replicas, or the autoscaler's maximum, + {replicas.SURGE} surge) x workers x (pool + overflow) + "
            f"{pools.JOB_CONNECTIONS} for Jobs"
        ),
        (
            f"`max_connections` - {pools.RESERVED} reserved (at RDS: "
            f"{pools.RESERVED + connections.RESERVED_BY_RDS}); without `database.maxConnections`, RDS derives "
            "`max_connections` from `database.instanceClass`"
        ),
    ),
    (
        (
            f"{_mib(server.BASE_BYTES)} + workers x ({_mib(server.WORKER_BYTES)} + `server.bounds.transferMebibytes` + "
            f"`server.bounds.bodiesMebibytes` x {server.BODY_FACTOR})"
        ),
        "`server.memoryLimit`",
    ),
    (
        (
            f"in-cluster PostgreSQL: ({_mib(postgres.MAINTENANCE_BYTES + postgres.SHARED_MEMORY_BYTES)} + "
            f"`max_connections` x {_mib(postgres.CONNECTION_BYTES)} + (replicas + surge) x workers x "
            f"(pool + overflow - 1) / 2 searches x `server.bounds.filterClauses`² x "
            f"{postgres.KIBIBYTES_BY_SQUARE} KiB) / {1 - SHARED_FRACTION:g}"
        ),
        "`database.memoryLimit`",
    ),
    (
        (
            f"in-cluster PostgreSQL: {_gib(volumes.LOG_BYTES)} of write-ahead log + "
            f"{_gib(volumes.LEAST_DATA_BYTES)} of data"
        ),
        "`database.storage`",
    ),
    ("workers x `server.bounds.bodyMebibytes`, the largest request body", "`server.uploadSpace`"),
    ("the platform's pods and volumes + all teams' quotas", "`cluster.capacity`, if it is set"),
)


def page() -> str:
    """The text of docs/sizing.md."""
    (fault,) = connections.connections(Draft(REFUSED, Settings))
    notes = "".join(f"- {note}\n" for note in _notes())
    return PAGE.format(
        table="".join(_table()),
        notes=notes,
        sums="| Sum | Must fit into |\n|---|---|\n" + "".join(f"| {one} | {other} |\n" for one, other in SUMS),
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
    """The field's own default, for profiles that set none."""
    (key,) = (
        key
        for key in outline.keys(Settings)
        if key.path == preset.path and (preset.kind is None or key.choice == preset.kind)
    )
    return outline.default(key.field)
