"""Text of docs/sizing.md, which `make generate` writes from the profiles and the constants in `settings/sizing/`."""

import json
from collections.abc import Iterator, Mapping

from components.sizes import RESERVED_CONNECTIONS
from settings import Settings, outline
from settings.partial import partial
from settings.profiles import PRESETS, PROFILES, Preset
from settings.rules.database import connections
from settings.sizing import sums
from settings.sizing.connections import RESERVED_BY_RDS
from settings.sizing.postgres import KIBIBYTES_BY_SQUARE, LEAST_DATA_BYTES, LOG_BYTES
from settings.types.quantities import GIBIBYTE

# Stack file for the page's example of the sums, with a capacity so that there are sums of quotas too.
SUMMED: Mapping[str, object] = {
    "profile": "small",
    "cluster": {"capacity": {"cpu": "16", "memory": "64Gi", "storage": "500Gi"}},
    "database": {"kind": "in-cluster"},
    "artifacts": {"kind": "in-cluster"},
    "server": {},
    "teams": {"research": {}},
}
# The same for the example of an error: five replicas with the database of profile `evaluation`.
REFUSED: Mapping[str, object] = {
    "profile": "evaluation",
    "database": {"kind": "in-cluster"},
    "artifacts": {"kind": "in-cluster"},
    "server": {"replicas": 5},
}
PAGE = """# Sizes

<!-- Written by `make generate`; do not edit. -->

`profile` in the stack file selects defaults: `evaluation` to try MLflow, `small` for a single team, `production` for a
company. A value in the stack file overrides the profile, and the profile overrides the setting's own default. This
command prints all values of a stack with their origin, and the sums:

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

These are the sums of profile `small` with one team and everything in the cluster; `make configuration` prints those of
your stack. A preview fails if a sum is more than what is available.

| Sum | Calculation |
|---|---|
{sums}
- RDS reserves {reserved} connections. Its limit is that of `database.instanceClass`, or `database.maxConnections`.
- A search needs `server.bounds.filterClauses`² x {square} KiB of PostgreSQL's memory.
- `database.storage` of the in-cluster PostgreSQL must hold {log} GiB of write-ahead log and {data} GiB of data.
- `server.uploadSpace` must hold the largest request body (`server.bounds.bodyMebibytes`) of each worker.
- `server.bounds.bodiesMebibytes` must hold the largest JSON body with all its values.

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

`autoscaling: null` in `server` switches a profile's autoscaler off. Lower the number of replicas in a later `up`:
Pulumi deletes the autoscaler last, and until then the autoscaler would raise the number again.
"""


def page() -> str:
    """The text of docs/sizing.md."""
    (fault,) = connections(partial(Settings, REFUSED))
    return PAGE.format(
        table="".join(_table()),
        notes="".join(f"- {_key(preset)}: {preset.source}\n" for preset in PRESETS),
        sums="".join(f"| {name} | {text} |\n" for name, text in sums(partial(Settings, SUMMED))),
        reserved=RESERVED_CONNECTIONS + RESERVED_BY_RDS,
        square=KIBIBYTES_BY_SQUARE,
        log=LOG_BYTES // GIBIBYTE,
        data=LEAST_DATA_BYTES // GIBIBYTE,
        refusal=f"  - {fault}".replace("; ", ";\n    ").replace(", or set", ",\n    or set"),
    )


def _table() -> Iterator[str]:
    yield f"| Key | {' | '.join(PROFILES)} |\n|---|{'---|' * len(PROFILES)}\n"
    for preset in PRESETS:
        cells = " | ".join(f"`{json.dumps(preset.values.get(name, _own(preset)))}`" for name in PROFILES)
        yield f"| {_key(preset)} | {cells} |\n"


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
