"""The stand-in for pulumi-aws: the protocol's methods, the same for every resource type."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from pulumi.runtime.proto import provider_pb2

from testbed.providers.aws import clients as aws
from testbed.providers.aws.changes import changes
from testbed.providers.aws.inputs import DEFAULTS, completed, failures
from testbed.providers.aws.kinds import Kind, tags_of
from testbed.providers.aws.states import found_state, marked, shown
from testbed.providers.aws.table import KINDS
from testbed.providers.plugin import Plugin
from testbed.providers.protocol import ProviderError, name_of, type_of
from testbed.providers.values import UNKNOWN, Object, decode, encode, mapping, parse_json, plain_object, text

VERSION: Final = "7.51.1"


def kind_of(urn: str) -> Kind:
    """Return the type of a resource."""
    try:
        return KINDS[type_of(urn)]
    except KeyError:
        message = (
            f"the AWS provider stand-in does not support {type_of(urn)}; add it to testbed/providers/aws/table.py."
            f" It supports {', '.join(sorted(KINDS))}"
        )
        raise ProviderError(message) from None


class AwsProvider(Plugin):
    """Creates, reads, changes and deletes resources on the AWS test server."""

    def __init__(self) -> None:
        """Start without region and default tags, which `configure` sets."""
        super().__init__(VERSION)
        self._default_tags: Mapping[str, str] = {}
        self._region = ""
        self._lock = threading.Lock()
        self._clients: dict[str, aws.Clients] = {}

    def diff_config(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Report changed configuration, but never a replacement: each resource's own Diff decides about that."""
        old, new = decode(request.olds), decode(request.news)
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        names = [name for name in {*old, *new} if name != "version" and old.get(name) != new.get(name)]
        return provider_pb2.DiffResponse(changes=some if names else none, diffs=names)

    def configure(self, request: provider_pb2.ConfigureRequest) -> None:
        """Set the region and the default tags, and check the AWS account, as the real provider does at this point."""
        given = plain_object(decode(request.args))
        # Objects and lists in a provider's configuration arrive as JSON strings.
        read: Object = {
            key: parse_json(json.loads(value)) if isinstance(value, str) and value[:1] in {"{", "["} else value
            for key, value in given.items()
        }
        tags = mapping(read, "defaultTags", "tags")
        self._default_tags = {key: str(value) for key, value in tags.items()}
        self._region = text(read, "region")
        if not self._region:
            raise ProviderError("the AWS provider has no region: set aws:region, or the provider's `region`")
        self._check_account(read)

    def _check_account(self, given: Object) -> None:
        try:
            account = self._at(self._region).sts.get_caller_identity()["Account"]
        except (ClientError, BotoCoreError) as error:
            raise ProviderError(f"unable to validate AWS credentials: {error}") from error
        allowed = given.get("allowedAccountIds")
        if isinstance(allowed, list) and account not in allowed:
            raise ProviderError(f"AWS account ID not allowed: {account}")

    def _at(self, region: str) -> aws.Clients:
        with self._lock:
            if region not in self._clients:
                self._clients[region] = aws.from_environment(region)
            return self._clients[region]

    def _for(self, state: Object) -> aws.Clients:
        return self._at(text(state, "region") or self._region)

    def check(self, request: provider_pb2.CheckRequest) -> provider_pb2.CheckResponse:
        """Add name, defaults and tags to the inputs, and report invalid inputs without a call to AWS."""
        kind = kind_of(request.urn)
        inputs = completed(
            kind,
            name_of(request.urn),
            decode(request.news),
            decode(request.olds),
            default_tags=self._default_tags,
            seed=request.randomSeed,
        )
        found = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures(kind, inputs)]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=found)

    def diff(self, request: provider_pb2.DiffRequest) -> provider_pb2.DiffResponse:
        """Compare the state with the program's inputs."""
        kind = kind_of(request.urn)
        state, news = plain_object(decode(request.olds)), plain_object(decode(request.news))
        found = changes(kind, state, news, request.ignoreChanges)
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        update, replace = provider_pb2.PropertyDiff.UPDATE, provider_pb2.PropertyDiff.UPDATE_REPLACE
        return provider_pb2.DiffResponse(
            changes=some if found.changed else none,
            replaces=found.replaces,
            deleteBeforeReplace=found.delete_first,
            detailedDiff={
                name: provider_pb2.PropertyDiff(kind=replace if name in found.replaces else update)
                for name in found.changed
            },
            hasDetailedDiff=True,
        )

    def create(self, request: provider_pb2.CreateRequest) -> provider_pb2.CreateResponse:
        """Create a resource; a preview makes no call to AWS."""
        kind, given = kind_of(request.urn), decode(request.properties)
        inputs = plain_object(given)
        if request.preview:
            unknown: Object = dict.fromkeys(
                (*kind.computed, *(one for one in kind.chosen if one not in given)), UNKNOWN
            )
            return provider_pb2.CreateResponse(id="", properties=encode({**shown(given), **unknown}))
        name = text(inputs, kind.name.property) if kind.name else name_of(request.urn)
        try:
            resource_id = kind.create(self._for(inputs), inputs)
            state = self._read(kind, resource_id, {**shown(inputs), "region": self._for(inputs).region})
        except (ClientError, BotoCoreError) as error:
            raise aws.failure("creating", kind.label, name, error) from error
        if state is None:
            raise ProviderError(f"creating {kind.label} ({name}): not found after it was created")
        return provider_pb2.CreateResponse(id=resource_id, properties=encode(marked(kind, state, given)))

    def _read(self, kind: Kind, resource_id: str, state: Object) -> Object | None:
        try:
            found = kind.read(self._for(state), resource_id, state)
        except ClientError as error:
            if aws.code_of(error) in kind.gone:
                return None
            raise
        return None if found is None else found_state(kind, found, state, self._default_tags)

    def read(self, request: provider_pb2.ReadRequest) -> provider_pb2.ReadResponse:
        """Return the current state of a resource; an empty response if it is gone."""
        kind, given = kind_of(request.urn), decode(request.properties)
        if not given:
            raise ProviderError(f"the AWS provider stand-in does not support imports: {request.id}")
        try:
            state = self._read(kind, request.id, plain_object(given))
        except (ClientError, BotoCoreError) as error:
            raise aws.failure("reading", kind.label, request.id, error) from error
        if state is None:
            return provider_pb2.ReadResponse()
        inputs = decode(request.inputs)
        known: Object = {key: state.get(key, value) if key != DEFAULTS else value for key, value in inputs.items()}
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=encode(marked(kind, state, given)),
            inputs=encode(marked(kind, known, inputs)),
        )

    def update(self, request: provider_pb2.UpdateRequest) -> provider_pb2.UpdateResponse:
        """Change a resource in place."""
        kind, given, old = kind_of(request.urn), decode(request.news), plain_object(decode(request.olds))
        new = plain_object(given)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encode({**decode(request.olds), **shown(given)}))
        try:
            if set(changes(kind, old, new, []).changed) - {"tagsAll"}:
                kind.update(self._for(old), request.id, old, new)
            if kind.tagged and tags_of(old) != tags_of(new):
                kind.change_tags(self._for(old), request.id, old, tags_of(new))
            kept: Object = {key: value for key, value in old.items() if key not in kind.inputs}
            state = self._read(kind, kind.stable_id(request.id, new), {**kept, **shown(new)})
        except (ClientError, BotoCoreError) as error:
            raise aws.failure("updating", kind.label, request.id, error) from error
        if state is None:
            raise ProviderError(f"updating {kind.label} ({request.id}): it does not exist any more")
        return provider_pb2.UpdateResponse(properties=encode(marked(kind, state, given)))

    def delete(self, request: provider_pb2.DeleteRequest) -> None:
        """Delete a resource; one that does not exist any more counts as deleted."""
        kind, state = kind_of(request.urn), plain_object(decode(request.properties))
        try:
            kind.delete(self._for(state), request.id, state)
        except (ClientError, BotoCoreError) as error:
            if aws.code_of(error) not in kind.gone:
                raise aws.failure("deleting", kind.label, request.id, error) from error
