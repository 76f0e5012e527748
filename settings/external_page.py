"""Text of docs/configuration.md about stacks without a server of their own."""

from settings.modes import KINDS
from settings.outline import one_of

TITLE = "External tracking server"
EXAMPLE = """config:
  mlflow-platform:profile: production
  mlflow-platform:server:
    kind: external
    url: https://tracking.example.com
    addresses: [192.0.2.10/32]
    credentials:
      kind: secret
  mlflow-platform:workspaces:
    clientVersion: "3.17.2"
  mlflow-platform:teams:
    research: {}
    pricing:
      podLabel: uses-mlflow=true
"""
INTRODUCTION = f"""## {TITLE}

With `server.kind` {one_of(KINDS)} the teams use a tracking server that somebody else runs, and no server is deployed
([external.md](external.md)). A stack file then has `profile` (see above) and these sections only.

```yaml
{EXAMPLE}```
"""
