"""The section `server.bounds`: how much one request, one caller and one team may use at once."""

from typing import Annotated

from stackfile.kinds import whole
from stackfile.model.base import Model


class Bounds(Model):
    """Bounds of requests. docs/limits.md says what reaches each of them, and what a client then sees."""

    body_mebibytes: Annotated[int, whole(1, 64)] = 16
    """Largest request body in MiB, compressed or not. Artifacts are streamed and have no limit."""

    bodies_mebibytes: Annotated[int, whole(2, 1024)] = 32
    """Request bodies in MiB that a worker holds in memory at once, from all callers together."""

    idle_seconds: Annotated[int, whole(1, 600)] = 20
    """Longest pause in seconds between two parts of a request body."""

    body_seconds: Annotated[int, whole(5, 3600)] = 120
    """Longest time in seconds for sending a whole request body that is not an artifact."""

    json_elements: Annotated[int, whole(1000, 10_000_000)] = 100_000
    """Largest number of values in a JSON body: a batch of 1,000 metrics has about 10,000."""

    json_depth: Annotated[int, whole(8, 500)] = 64
    """Deepest nesting of a JSON body."""

    graphql_kibibytes: Annotated[int, whole(1, 1024)] = 32
    """Largest GraphQL request in KiB; those of MLflow's pages have less than 2 KiB."""

    graphql_depth: Annotated[int, whole(4, 100)] = 20
    """Deepest nesting of a GraphQL query."""

    filter_clauses: Annotated[int, whole(1, 100)] = 20
    """Largest number of conditions in a search filter. PostgreSQL needs several MiB to plan each of them."""

    filter_characters: Annotated[int, whole(100, 1_000_000)] = 10_000
    """Longest search filter in characters."""

    queue_seconds: Annotated[int, whole(1, 120)] = 10
    """Longest wait in seconds of a request for its turn; after that the client is told to try again."""

    team_percent: Annotated[int, whole(5, 100)] = 50
    """Share in percent of a worker's request slots and memory for bodies that one team may use while others ask."""

    team_requests_per_second: Annotated[int, whole(1, 100_000)] = 25
    """Requests per second of one team, on all replicas together, while other teams ask too."""

    statement_seconds: Annotated[int, whole(1, 3600)] = 30
    """Longest time in seconds of one SQL statement of the server; migrations have their own (`migrationMinutes`)."""

    header_seconds: Annotated[int, whole(1, 60)] = 10
    """Longest time in seconds for sending a request's headers, and for a connection on which nothing is sent."""

    header_kibibytes: Annotated[int, whole(16, 1024)] = 96
    """Largest request headers in KiB. A browser session of a user in 200 groups has 43 kB of cookies, and ForwardAuth
    adds a token of 12 kB or more."""

    connections: Annotated[int, whole(50, 10_000)] = 500
    """Largest number of connections that a replica accepts at once; further ones wait. HAProxy's memory limit follows
    from it: 718 MiB with the defaults."""

    review_seconds: Annotated[int, whole(1, 30)] = 5
    """Longest wait in seconds for an access review of Kubernetes."""

    outage_seconds: Annotated[int, whole(0, 3600)] = 300
    """Time in seconds for which the last access reviews stay valid while Kubernetes' API server does not answer. New
    callers are told to try again meanwhile."""

    webhook_seconds: Annotated[int, whole(1, 120)] = 10
    """Longest time in seconds of the delivery of one webhook, all attempts together."""
