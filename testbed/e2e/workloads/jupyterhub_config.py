"""JupyterHub's configuration from values of the Helm chart, as the chart's own configuration reads them.

It reads only the values that docs/jupyterhub.md and the rehearsal set. Their names and effects are those of the chart
Zero to JupyterHub.
"""

import os
from pathlib import Path

import yaml

values = yaml.safe_load(Path("/etc/jupyterhub/values.yaml").read_text())
hub, singleuser = values["hub"], values["singleuser"]

c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.ConfigurableHTTPProxy.api_url = "http://proxy-api:8001"
c.ConfigurableHTTPProxy.should_start = False
c.JupyterHub.cleanup_servers = False
# The chart answers before a start has ended. Here the answer tells how it ended.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 120}
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.hub_bind_url = "http://:8081"
c.JupyterHub.hub_connect_url = "http://hub:8081"
c.KubeSpawner.namespace = os.environ["POD_NAMESPACE"]
c.KubeSpawner.common_labels = {"app": "jupyterhub"}
c.KubeSpawner.extra_labels = {"hub.jupyter.org/network-access-hub": "true"}
c.KubeSpawner.allow_privilege_escalation = False
# The chart's defaults.
c.KubeSpawner.uid = 1000
c.KubeSpawner.fs_gid = 100
c.KubeSpawner.service_account = singleuser["serviceAccountName"]
c.KubeSpawner.image = "{name}:{tag}".format(**singleuser["image"])
if singleuser["cloudMetadata"]["blockWithIptables"]:
    raise SystemExit("the chart's privileged container is refused in a team's namespace")
if singleuser["storage"]["type"] != "none":
    raise SystemExit("this configuration makes no volumes")

c.JupyterHub.services = [{"name": name, **service} for name, service in hub["services"].items()]
c.JupyterHub.load_roles = [{"name": name, **role} for name, role in hub["loadRoles"].items()]
for name, settings in hub["config"].items():
    c[name].update(settings)
for code in hub["extraConfig"].values():
    exec(code)
