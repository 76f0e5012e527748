"""The stand-in for pulumi-kubernetes: the protocol's methods over the operations on objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi.runtime.proto import provider_pb2

from testbed.providers.kubernetes import settings as configuration
from testbed.providers.kubernetes.api_errors import ClusterError
from testbed.providers.kubernetes.changes import Changes, Question, compare
from testbed.providers.kubernetes.check import AUTONAMED, Defaults, Naming, check
from testbed.providers.kubernetes.checkpoint import with_secrets
from testbed.providers.kubernetes.client import Cluster
from testbed.providers.kubernetes.connection import ConfigurationError, connect
from testbed.providers.kubernetes.create import create
from testbed.providers.kubernetes.delete import delete
from testbed.providers.kubernetes.diff import Change
from testbed.providers.kubernetes.kinds import (
    annotation,
    is_patch,
    kind_of,
    name_of_object,
    namespace_of,
)
from testbed.providers.kubernetes.read import read
from testbed.providers.kubernetes.ready.job import job_done
from testbed.providers.kubernetes.settings import Settings
from testbed.providers.kubernetes.update import Wanted, update
from testbed.providers.kubernetes.work import Work
from testbed.providers.plugin import Plugin
from testbed.providers.protocol import ProviderError
from testbed.providers.values import decode, dig, encode, plain_object, same

if TYPE_CHECKING:
    from testbed.providers.engine import Engine
    from testbed.providers.kubernetes.kinds import Kind
    from testbed.providers.values import Object

VERSION: Final = "4.34.2"
_HINT: Final = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the "
    'operation with the PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)
_KINDS_OF_CHANGE: Final = {
    (Change.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Change.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Change.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Change.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Change.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Change.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class KubernetesProvider(Plugin):
    """One configured provider: at most one cluster."""

    def __init__(self, engine: Engine) -> None:
        """Wait for the configuration."""
        super().__init__(VERSION, engine)
        self._settings = Settings()
        self._cluster: Cluster | None = None
        self._unreachable = "the provider is not configured"
        self._namespace = "default"

    def check_config(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Refuse what the stand-in does not have; the kubeconfig is not looked at."""
        configuration.read(plain_object(decode(request.news)))
        return provider_pb2.CheckResponse(inputs=request.news)

    def diff_config(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Replace the provider, and with it all its resources, when the cluster is another one."""
        old = plain_object(decode(request.old_inputs)) or plain_object(decode(request.olds))
        new = plain_object(decode(request.news))
        keys = sorted(old.keys() | new.keys())
        changed = [key for key in keys if not same(dig(old, key), dig(new, key))]
        replaces = configuration.replaced_inputs(old, new)
        return provider_pb2.DiffResponse(changes=_some(bool(changed or replaces)), diffs=changed, replaces=replaces)

    def configure(self, request: provider_pb2.ConfigureRequest) -> None:
        """Find the cluster; one that does not answer fails the operations, not this."""
        self._settings = configuration.read(plain_object(decode(request.args)))
        try:
            config = configuration.parse_kubeconfig(self._settings.kubeconfig or configuration.ambient_kubeconfig())
            self._namespace = configuration.default_namespace(config, self._settings)
        except ProviderError as error:
            self._unreachable = str(error)
            return
        try:
            cluster = Cluster(connect(self._settings))
            cluster.probe()
        except ConfigurationError as error:
            self._unreachable = f"unable to load Kubernetes client configuration from kubeconfig file: {error}"
        except ClusterError as error:
            self._unreachable = f"unable to load schema information from the API server: {error}"
        else:
            self._cluster = cluster

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Complete the inputs."""
        old, new = decode(request.olds), decode(request.news)
        if self._cluster is None and self._settings.skip_update_unreachable and old:
            self.engine.warn(request.urn, f"{self._reason()} The resource is left as it is.")
            return provider_pb2.CheckResponse(inputs=request.olds)
        if annotation(new, AUTONAMED):
            ignored = f'ignoring user-specified value for internal annotation "pulumi.com/{AUTONAMED}"'
            self.engine.warn(request.urn, ignored)
        options = request.autonaming if request.HasField("autonaming") else None
        naming = Naming(
            request.randomSeed,
            proposed=options.proposed_name if options else "",
            forbidden=options is not None and options.mode == type(options).DISABLE,
        )
        defaults = Defaults(self._namespace, self._namespaced)
        inputs = check(request.urn, old, new, naming, defaults)
        return provider_pb2.CheckResponse(inputs=encode(with_secrets(inputs, new)))

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Compare inputs with the state; the cluster is asked for an unfinished Job only."""
        if self._cluster is None and self._settings.skip_update_unreachable:
            return provider_pb2.DiffResponse(changes=_some(value=False))
        new = decode(request.news)
        changes = compare(
            Question(
                state=decode(request.olds),
                new=new,
                ignored=request.ignoreChanges,
                namespaced=self._namespaced(kind_of(plain_object(new))),
                patch=is_patch(request.urn, plain_object(new)),
                unready=self._is_unready_job(request.urn, plain_object(new)),
            ),
            self._settings,
        )
        return _diff_response(changes)

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Create an object, or preview it."""
        echo = provider_pb2.CreateResponse(id="", properties=request.properties)
        if self._cluster is None and request.preview:
            return echo
        work = self._work(request.urn)
        created = create(work, decode(request.properties), request.timeout, preview=request.preview)
        if created.state is None:
            return echo
        return provider_pb2.CreateResponse(id=created.resource_id, properties=encode(created.state))

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Change an object, or preview it."""
        echo = provider_pb2.UpdateResponse(properties=request.news)
        if self._cluster is None and request.preview:
            return echo
        state = update(
            self._work(request.urn),
            Wanted(
                state=decode(request.olds),
                marked=decode(request.news),
                timeout=request.timeout,
                ignored=request.ignoreChanges,
                preview=request.preview,
            ),
        )
        return echo if state is None else provider_pb2.UpdateResponse(properties=encode(state))

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Return an object as it is; an answer without id means that it is gone."""
        if self._cluster is None:
            self.engine.warn(request.urn, self._reason())
            if self._settings.delete_unreachable:
                return provider_pb2.ReadResponse()
            if self._settings.skip_update_unreachable:
                return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
            message = f"failed to read resource state due to unreachable cluster. {_HINT}"
            raise ProviderError(message)
        try:
            found = read(
                self._work(request.urn),
                request.id,
                decode(request.properties),
                decode(request.inputs),
            )
        except ClusterError as error:
            raise ProviderError(str(error)) from error
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=encode(found.state), inputs=encode(found.inputs))

    def delete(self, request: provider_pb2.DeleteRequest) -> None:
        """Delete an object and see it gone."""
        if self._cluster is None:
            self.engine.warn(request.urn, self._reason())
            if self._settings.delete_unreachable:
                return
            message = f"configured Kubernetes cluster is unreachable. {_HINT}"
            raise ProviderError(message)
        work = self._work(request.urn)
        delete(work, request.id, decode(request.properties), request.timeout)

    def _reason(self) -> str:
        return f"configured Kubernetes cluster is unreachable: {self._unreachable}"

    def _work(self, urn: str) -> Work:
        if self._cluster is None:
            raise ProviderError(self._reason())
        return Work(urn, self._cluster, self._settings, self.engine, self.cancelled)

    def _namespaced(self, kind: Kind) -> bool:
        return self._cluster.namespaced(kind) if self._cluster else kind.probably_namespaced

    def _is_unready_job(self, urn: str, new: Object) -> bool:
        if annotation(new, "replaceUnready") != "true" or self._cluster is None:
            return False
        if kind_of(new).name != "Job":
            message = "replaceUnready annotation is not supported for this resource"
            self.engine.warn(urn, message)
            return False
        try:
            live = self._cluster.get(kind_of(new), namespace_of(new), name_of_object(new))
        except ClusterError:
            return False  # what is gone or cannot be read is no reason to replace
        return not job_done(live)


def _some(value: bool) -> provider_pb2.DiffResponse.DiffChanges.ValueType:  # noqa: FBT001 - the answer itself
    return provider_pb2.DiffResponse.DIFF_SOME if value else provider_pb2.DiffResponse.DIFF_NONE


def _diff_response(changes: Changes) -> provider_pb2.DiffResponse:
    detailed = {
        str(found): provider_pb2.PropertyDiff(
            kind=_KINDS_OF_CHANGE[found.change, str(found) in changes.replaces],
            inputDiff=found.change is Change.DELETE,
        )
        for found in changes.found
    }
    return provider_pb2.DiffResponse(
        changes=_some(bool(changes.found or changes.replaces)),
        replaces=sorted(changes.replaces),
        deleteBeforeReplace=changes.delete_first,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
