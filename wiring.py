"""Which component each choice in the settings stands for: one function per choice, no resource of its own."""

from dataclasses import dataclass

import pulumi

import components as c
import settings as s
from components.address import Address
from components.artifact_store import ArtifactStore
from components.clients import in_cluster_url
from components.database import Database
from components.forward_auth import REFRESH_MINUTES
from components.login import redirect_uri
from components.migration import LABELS as MIGRATION
from components.pods import Resources
from components.server import LABELS as SERVER
from stackfile.programs import AUDIENCE


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who people sign in at."""

    oidc: c.Oidc
    users: list[str]
    """E-mail addresses of the users that the stack file names; none with a company login."""

    passwords: pulumi.Output[dict[str, str]]
    """Their passwords, by e-mail."""

    htpasswd: pulumi.Output[str] | None = None
    """The same for the login itself, where there is no identity provider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    """The settings of a stack together with what every component is given: namespace, route and options."""

    settings: s.Settings
    secrets: s.Secrets
    namespace: pulumi.Output[str]
    opts: pulumi.ResourceOptions

    def route(self, certificate: c.Certificate) -> c.Route:
        """How this cluster exposes a Service: by an Ingress, or by the Gateway API."""
        chosen, cluster = self.settings.gateway, self.settings.cluster
        if isinstance(chosen, s.HttpRouteGateway):
            return c.Listeners(
                "listeners",
                c.ListenersArgs(
                    namespace=self.namespace,
                    gateway_class=chosen.class_name,
                    port=chosen.port,
                    controller_namespace=cluster.ingress_namespace,
                    annotations=chosen.annotations,
                    hosts=self.hosts,
                    certificate=certificate,
                ),
                self.opts,
            )
        return c.IngressRoute(
            namespace=self.namespace,
            ingress_class=cluster.ingress_class,
            controller_namespace=cluster.ingress_namespace,
            annotations=cluster.ingress_annotations,
            certificate=certificate,
        )

    def guarded(self, route: c.Route, login: c.Login) -> c.Route:
        """The way to the server: with a login in front where the controller asks one."""
        if not (self.asks_login and isinstance(route, c.IngressRoute)):
            return route
        return c.ForwardAuth(
            "forward-auth",
            c.ForwardAuthArgs(
                namespace=self.namespace,
                image=self.settings.images.oauth2_proxy,
                address=self.address,
                replicas=self.settings.server.replicas,
                login=login,
                route=route,
                api_server=self.settings.cluster.api_server,
            ),
            self.opts,
        ).route

    def certificate(self) -> c.Certificate:
        """Self-signed for the platform's hosts, or the one in a Secret."""
        chosen = self.settings.certificate
        if isinstance(chosen, s.CertificateSecret):
            return c.Certificate(
                secret_names={self.settings.host: chosen.name, self.identity_host: f"{chosen.name}-dex"},
                authority=None if chosen.authority is None else pulumi.Output.from_input(chosen.authority),
            )
        return c.SelfSignedCertificate(
            "certificate",
            c.CertificateArgs(
                namespace=self.namespace, domain=self.settings.host, hosts=self.hosts, issued=chosen.issued
            ),
            self.opts,
        ).certificate

    def database(self) -> Database:
        """PostgreSQL in the cluster, or somebody else's."""
        chosen = self.settings.database
        if isinstance(chosen, s.InClusterDatabase):
            return c.Postgres(
                "postgres",
                c.PostgresArgs(
                    namespace=self.namespace,
                    image=self.settings.images.postgres,
                    storage=chosen.storage,
                    storage_class=self.settings.cluster.storage_class,
                    clients=(SERVER, MIGRATION),
                    durable=self.settings.durable,
                ),
                self.opts,
            ).database
        return c.ExternalDatabase(
            "database",
            c.ExternalDatabaseArgs(
                namespace=self.namespace,
                host=chosen.host,
                port=chosen.port,
                name=chosen.name,
                user=chosen.user,
                password=s.required(self.secrets.database_password),
            ),
            self.opts,
        ).database

    def artifacts(self) -> ArtifactStore:
        """An S3 store in the cluster, or a bucket that exists."""
        chosen = self.settings.artifacts
        if isinstance(chosen, s.InClusterArtifacts):
            return c.ObjectStore(
                "object-store",
                c.ObjectStoreArgs(
                    namespace=self.namespace,
                    image=self.settings.images.object_store,
                    client_image=self.settings.server.image,
                    storage=chosen.storage,
                    storage_class=self.settings.cluster.storage_class,
                    clients=(SERVER,),
                    durable=self.settings.durable,
                ),
                self.opts,
            ).store
        return c.ExternalStore(
            "bucket",
            c.ExternalStoreArgs(
                namespace=self.namespace,
                bucket=chosen.bucket,
                region=chosen.region,
                endpoint_url=chosen.endpoint_url,
                access_key_id=s.required(self.secrets.artifacts_access_key_id),
                secret_access_key=s.required(self.secrets.artifacts_secret_access_key),
            ),
            self.opts,
        ).store

    def identity(self, route: c.Route) -> Identity:
        """The development identity provider, or the company's."""
        chosen = self.settings.login
        if isinstance(chosen, s.OidcLogin):
            oidc = c.Oidc(
                issuer=chosen.issuer,
                client_id=chosen.client_id,
                client_secret=s.required(self.secrets.login_client_secret),
                audiences=chosen.audiences,
            )
            return Identity(oidc=oidc, users=[], passwords=pulumi.Output.from_input(dict[str, str]()))
        if isinstance(chosen, s.BasicLogin):
            return self._basic(chosen)
        provider = c.IdentityProvider(
            "identity",
            c.IdentityProviderArgs(
                namespace=self.namespace,
                image=self.settings.images.dex,
                host=self.identity_host,
                redirect_uri=redirect_uri(self.address),
                users={email: user.groups for email, user in chosen.users.items()},
                route=route,
            ),
            self.opts,
        )
        return Identity(oidc=provider.oidc, users=sorted(chosen.users), passwords=provider.passwords)

    def _basic(self, chosen: s.BasicLogin) -> Identity:
        """Passwords that the login itself knows, and the cluster for an issuer: programs have no other."""
        made = c.Passwords("users", c.PasswordsArgs(users=sorted(chosen.users)), self.opts)
        issuer = self.settings.cluster.service_account_issuer
        return Identity(
            oidc=c.Oidc(issuer=issuer, client_id=AUDIENCE, client_secret=made.client_secret, inside=True),
            users=sorted(chosen.users),
            passwords=made.passwords,
            htpasswd=made.htpasswd,
        )

    def login(self, identity: Identity, certificate: c.Certificate) -> c.Login:
        """The door beside the server."""
        chosen = self.settings.login
        return c.Login(
            "login",
            c.LoginArgs(
                namespace=self.namespace,
                image=self.settings.images.oauth2_proxy,
                address=self.address,
                oidc=identity.oidc,
                htpasswd=identity.htpasswd,
                logout_url=chosen.logout_url if isinstance(chosen, s.OidcLogin) else None,
                pass_token=self.settings.access.review == "self-subject",
                authority=certificate.authority,
                service_account_issuer=self.settings.cluster.service_account_issuer,
                service_account_audiences=self.settings.audiences,
                session_hours=self.settings.sessions.hours,
                refresh_minutes=self.refresh_minutes,
                verifies_only=self.asks_login,
            ),
            self.opts,
        )

    def server(
        self, database: Database, artifacts: ArtifactStore, login: c.Login, ready: list[pulumi.Resource]
    ) -> c.MLflow:
        """The MLflow server, sized as the settings say."""
        sizes = self.settings.server
        return c.MLflow(
            "mlflow",
            c.MLflowArgs(
                namespace=self.namespace,
                image=sizes.image,
                address=self.address,
                replicas=sizes.replicas,
                workers=sizes.workers,
                pool_size=sizes.pool_size,
                pool_overflow=sizes.pool_overflow,
                resources=Resources(
                    cpu=sizes.cpu,
                    memory=sizes.memory,
                    cpu_limit=sizes.cpu_limit,
                    memory_limit=sizes.memory_limit,
                ),
                upload_space=sizes.upload_space,
                access_cache_seconds=sizes.access_cache_seconds,
                database=database,
                artifacts=artifacts,
                login=login,
                contact=self.settings.access.contact,
                controller_namespace=self.settings.cluster.ingress_namespace,
                client_namespaces=self.settings.client_namespaces,
                api_server=self.settings.cluster.api_server,
                ready=ready,
            ),
            self.opts,
        )

    def cluster_roles(self) -> c.ClusterRoles:
        """The roles that exist once in the cluster."""
        return c.ClusterRoles(
            "cluster-roles", c.ClusterRolesArgs(aggregate=self.settings.access.aggregate_roles), self.opts
        )

    def workspaces(
        self, gateway: c.Gateway, certificate: c.Certificate, roles: c.ClusterRoles
    ) -> dict[str, c.Workspace]:
        """One workspace per team, by the team's name."""
        url = self._client_url(gateway, certificate)
        return {name: self._workspace(name, url, certificate, roles) for name in self.settings.teams}

    def _workspace(
        self, name: str, url: pulumi.Input[str], certificate: c.Certificate, roles: c.ClusterRoles
    ) -> c.Workspace:
        team, quota, limits = self.settings.teams[name], self.settings.quota(name), self.settings.limits(name)
        return c.Workspace(
            name,
            c.WorkspaceArgs(
                team=name,
                description=team.description,
                groups=self.settings.groups(name),
                users=self.settings.members(name),
                integration_role=roles.integration,
                service_accounts=self.settings.service_accounts(name),
                mount_tokens=self.settings.cluster.admits_default_tokens,
                quota=c.Quota(cpu=quota.cpu, memory=quota.memory, storage=quota.storage, pods=quota.pods),
                container_defaults=c.ContainerDefaults(
                    cpu=limits.cpu,
                    memory=limits.memory,
                    cpu_request=limits.cpu_request,
                    memory_request=limits.memory_request,
                ),
                url=url,
                authority=certificate.authority,
                platform_namespace=self.namespace,
                server_labels=SERVER,
                controller_namespace=self.settings.cluster.ingress_namespace,
                ingress_addresses=self.settings.cluster.ingress_addresses,
                api_server=self.settings.cluster.api_server if self.settings.workspaces.api_server else (),
                durable=self.settings.durable,
                archived=team.archived,
            ),
            self.opts,
        )

    def _client_url(self, gateway: c.Gateway, certificate: c.Certificate) -> pulumi.Input[str]:
        """Where pods find MLflow: at its Service if for the public URL they would need an authority's certificate."""
        if certificate.authority is None:
            return gateway.url
        return self.namespace.apply(lambda namespace: in_cluster_url(namespace, self.address.path))

    @property
    def address(self) -> Address:
        """Where the platform is found."""
        return Address(host=self.settings.host, path=self.settings.gateway.path or "")

    @property
    def asks_login(self) -> bool:
        """Whether the controller asks a login about each request."""
        chosen = self.settings.gateway
        return isinstance(chosen, s.IngressGateway) and chosen.login == "forward-auth"

    @property
    def refresh_minutes(self) -> int:
        """How often a session asks the identity provider."""
        chosen = self.settings.sessions.refresh_minutes
        return min(chosen, REFRESH_MINUTES) if self.asks_login else chosen

    @property
    def hosts(self) -> dict[str, str]:
        """Host names that lead to the platform, by their roles."""
        if isinstance(self.settings.login, s.DevelopmentLogin):
            return {"host": self.settings.host, "identity": self.identity_host}
        return {"host": self.settings.host}

    @property
    def identity_host(self) -> str:
        """Host name of the development identity provider."""
        return f"dex.{self.settings.host}"
