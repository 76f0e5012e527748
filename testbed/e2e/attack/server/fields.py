"""Run in the server's container: every field of every route's request, at any depth, as JSON.

The result is `{"METHOD PATH": [[PLACE, FIELD, TYPE], ...]}`. PLACE is `message` (query string or body), `query`, `body`,
`header` or `path`. FIELD joins names with dots; `[]` stands for an element of a list, `{}` for a value of a map.
Protobuf requests come from their descriptors, FastAPI's from signatures. Handlers that parse the request themselves have no description: every text literal that they look up in any object
counts as a field.
"""

import ast
import inspect
import json
import re
import sys
import textwrap
import typing
import warnings

warnings.simplefilter("ignore")

from google.protobuf.descriptor import FieldDescriptor  # noqa: E402
from mlflow.server import app as flask_app  # noqa: E402 - it warns when it is imported
from mlflow.server import handlers  # noqa: E402
from mlflow_kubernetes_plugins.auth.middleware import create_app  # noqa: E402
from pydantic import BaseModel  # noqa: E402

# Google's own messages stand for one JSON value each.
LEAVES = {"google.protobuf.Value", "google.protobuf.Struct", "google.protobuf.ListValue", "google.protobuf.Timestamp"}
LEAVES |= {"google.protobuf.Duration", "google.protobuf.FieldMask"}
DEEPEST = 8
KINDS = {
    FieldDescriptor.CPPTYPE_STRING: "string",
    FieldDescriptor.CPPTYPE_BOOL: "bool",
    FieldDescriptor.CPPTYPE_ENUM: "enum",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_FLOAT: "number",
}
IMPLIED = {"HEAD", "OPTIONS"}
LOOKED_UP = {"get", "getlist", "pop"}


def of_message(descriptor, prefix="", above=()):
    """Leaves of a protobuf message. A message inside of itself is entered once more."""
    for field in descriptor.fields:
        yield from of_field(field, prefix, (*above, descriptor.full_name))


def of_field(field, prefix, above):
    """Leaves below a field."""
    name, message = f"{prefix}{field.name}", field.message_type
    if message is not None and message.GetOptions().map_entry:
        yield f"{name}{{key}}", "string"
        value = message.fields_by_name["value"]
        if value.message_type is None or value.message_type.full_name in LEAVES:
            yield f"{name}{{}}", KINDS.get(value.cpp_type, "any")
        elif above.count(value.message_type.full_name) < 2 and len(above) < DEEPEST:
            yield from of_message(value.message_type, f"{name}{{}}.", above)
        return
    if field.is_repeated if hasattr(field, "is_repeated") else field.label == FieldDescriptor.LABEL_REPEATED:
        name += "[]"
    if message is None:
        yield name, KINDS.get(field.cpp_type, "integer")
    elif message.full_name in LEAVES:
        yield name, "any"
    elif above.count(message.full_name) < 2 and len(above) < DEEPEST:
        yield from of_message(message, f"{name}.", above)


def of_annotation(annotation, name, depth=0):
    """Leaves of a type as Python writes it."""
    arguments = [one for one in typing.get_args(annotation) if one is not type(None)]
    origin = typing.get_origin(annotation)
    if depth > DEEPEST:
        return
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        for key, field in annotation.model_fields.items():
            yield from of_annotation(field.annotation, f"{name}.{field.alias or key}".lstrip("."), depth + 1)
    elif origin in (list, set, tuple, frozenset) and arguments:
        yield from of_annotation(arguments[0], f"{name}[]", depth + 1)
    elif origin is dict and arguments:
        yield f"{name}{{key}}", "string"
        yield from of_annotation(arguments[-1], f"{name}{{}}", depth + 1)
    elif origin is typing.Literal:
        yield name, "enum"
    elif arguments:
        for one in arguments:
            yield from of_annotation(one, name, depth + 1)
    else:
        yield name, {str: "string", int: "integer", float: "number", bool: "bool"}.get(annotation, "any")


def of_source(function):
    """Names that a handler looks up, and the fields of the messages that it parses."""
    function = inspect.unwrap(function)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return
    for node in ast.walk(tree):
        constant = None
        if isinstance(node, ast.Subscript):
            constant = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOOKED_UP:
            constant = node.args[0] if node.args else None
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            message = getattr(handlers, node.func.id, None)
            if hasattr(message, "DESCRIPTOR") and hasattr(message.DESCRIPTOR, "fields"):
                yield from of_message(message.DESCRIPTOR)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str) and re.match(r"\w", constant.value):
            yield constant.value, "string"


def flask_form(match):
    """A parameter as Flask writes it."""
    name, converter = match.groups()
    return f"<{converter}:{name}>" if converter else f"<{name}>"


def native(routes, prefix=""):
    """FastAPI's routes, those of included routers too, by path as Flask writes it."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from native(route.original_router.routes, prefix + (route.include_context.prefix or ""))
        elif getattr(route, "methods", None):
            yield re.sub(r"{(\w+)(?::(\w+))?}", flask_form, prefix + route.path), route


def of_native(route):
    """Fields of a route of FastAPI's."""
    dependant = getattr(route, "dependant", None)
    for kind, place in (("query_params", "query"), ("header_params", "header"), ("body_params", "body")):
        for field in getattr(dependant, kind, ()):
            # The only model of a body is the body.
            model = place == "body" and len(dependant.body_params) == 1
            annotation = field.field_info.annotation
            for name, leaf in of_annotation(annotation, "" if model else field.alias):
                yield place, name or field.alias, leaf
    for name, leaf in of_source(route.endpoint):
        yield "message", name, leaf


def of_operations():
    """Fields of GraphQL's inputs, as variables of the request."""
    from mlflow.server.graphql.graphql_schema_extensions import schema

    def of_input(kind, name, depth=0):
        while hasattr(kind, "of_type"):
            name += "[]" if type(kind).__name__ == "GraphQLList" else ""
            kind = kind.of_type
        if hasattr(kind, "fields") and depth < DEEPEST:
            for key, field in kind.fields.items():
                yield from of_input(field.type, f"{name}.{key}", depth + 1)
        else:
            yield name, {"Int": "integer", "Float": "number", "Boolean": "bool", "LongString": "integer"}.get(
                str(kind), "string"
            )

    types = schema.graphql_schema
    for root in filter(None, (types.query_type, types.mutation_type)):
        for operation, field in root.fields.items():
            for argument in field.args.values():
                for name, leaf in of_input(argument.type, "variables.i"):
                    # The marker says which operation the field belongs to.
                    yield "body", f"{name}#{operation}", leaf


found = {}


def add(method, path, fields):
    """Add fields to a route."""
    known = found.setdefault(f"{method} {path}", [])
    known.extend(list(one) for one in fields if list(one) not in known)


for service in vars(handlers).values():
    # Not all of them can be asked for attributes: Flask's proxies need a request.
    if isinstance(service, type) and hasattr(getattr(service, "DESCRIPTOR", None), "methods"):
        for path, request, methods in handlers.get_service_endpoints(service, lambda request: request):
            for method in methods:
                add(method, path, (("message", *leaf) for leaf in of_message(request.DESCRIPTOR)))
for rule in flask_app.url_map.iter_rules():
    for method in rule.methods - IMPLIED:
        add(method, rule.rule, (("message", *leaf) for leaf in of_source(flask_app.view_functions[rule.endpoint])))
for path, route in native(create_app().routes):
    for method in route.methods - IMPLIED:
        add(method, path, of_native(route))
for route, known in list(found.items()):
    method, path = route.split(" ", 1)
    add(method, path, (("path", name, "string") for name in re.findall(r"<(?:\w+:)?(\w+)>", path)))
for method in ("GET", "POST"):
    try:
        add(method, "/graphql", of_operations())
    except (ImportError, AttributeError) as error:
        print(f"no GraphQL: {error!r}", file=sys.stderr)
json.dump(found, sys.stdout)
