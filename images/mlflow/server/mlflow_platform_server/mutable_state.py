"""Finds state in Python sources that outlives a request, and so may leak from one request into another.

It finds caches, context variables, thread pools, globals that functions rebind, changes of environment variables, and
collections of a module or class that start empty or that the same module changes. It also finds `session.merge`, which
is no such state, but may overwrite a row of another workspace.
"""

import ast
from collections.abc import Iterator

# Calls whose result is state, wherever it is kept.
_STATEFUL = frozenset(
    {
        "ContextVar",
        "OrderedDict",
        "ThreadPoolExecutor",
        "ProcessPoolExecutor",
        "ThreadLocalVariable",
        "WeakKeyDictionary",
        "WeakValueDictionary",
        "local",
    }
)
_EMPTY = frozenset({"OrderedDict", "defaultdict", "deque", "dict", "list", "set"})
_CACHING = frozenset({"cache", "cached", "lru_cache"})
_CHANGING = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def found(source: str) -> set[str]:
    """Qualified names of the state in a module's source, such as `Store._cache` or `generate: os.environ`."""
    finder = _Finder()
    tree = ast.parse(source)
    finder.changed = set(_changed(tree))
    finder.visit(tree)
    return finder.names


class _Finder(ast.NodeVisitor):
    def __init__(self) -> None:
        self.names: set[str] = set()
        self.changed: set[str] = set()
        self._path: list[str] = []
        self._in_function = 0

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._path.append(node.name)
        self.generic_visit(node)
        self._path.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: _Function) -> None:
        self._path.append(node.name)
        if any(_called(decorator) in _CACHING for decorator in node.decorator_list):
            self.names.add(".".join(self._path))
        self._in_function += 1
        self.generic_visit(node)
        self._in_function -= 1
        self._path.pop()

    def visit_Global(self, node: ast.Global) -> None:
        self.names.update(node.names)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._assigned(target, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assigned(node.target, node.value)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript) and _is_environment(target.value):
                self._note("os.environ")

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            holder = function.value
            name = _called(holder)
            if function.attr in {"putenv", "unsetenv"} or (_is_environment(holder) and function.attr in _CHANGING):
                self._note("os.environ")
            elif function.attr in {"set", "unset"} and name.isupper() and "MLFLOW" in name:
                self._note(f"{name}.{function.attr}")
            elif function.attr == "merge" and "session" in name.lower():
                self._note("session.merge")
        self.generic_visit(node)

    def _assigned(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Subscript):
            if _is_environment(target.value):
                self._note("os.environ")
            return
        name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
        stateful = isinstance(value, ast.Call) and (_called(value) in _STATEFUL or _called(value).endswith("Cache"))
        if not self._in_function and (stateful or _is_empty(value) or (_is_collection(value) and name in self.changed)):
            self.names.add(".".join([*self._path, name]))
        elif stateful and isinstance(target, ast.Attribute):
            # Kept by an object that may live as long as the process. A local variable ends with the request.
            self._note(name)

    def _note(self, what: str) -> None:
        self.names.add(f"{'.'.join(self._path) or 'module'}: {what}")


def _changed(tree: ast.Module) -> Iterator[str]:
    """Names of collections that any code of the module changes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
            yield _called(node.func.value)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield _called(node.value)


def _called(node: ast.expr) -> str:
    """Last part of a dotted name: `c` for `a.b.c`, `a.b.c()` and `a.b.c[0]`; empty for other expressions."""
    if isinstance(node, ast.Call):
        return _called(node.func)
    if isinstance(node, ast.Subscript):
        return _called(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_environment(node: ast.expr) -> bool:
    return _called(node) == "environ"


def _is_collection(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return _called(node) in _EMPTY
    return isinstance(node, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp)


def _is_empty(node: ast.expr) -> bool:
    """True for a collection that starts empty, and so is meant to be filled."""
    if isinstance(node, ast.Dict):
        return not node.keys
    if isinstance(node, ast.List):
        return not node.elts
    return isinstance(node, ast.Call) and _called(node) in _EMPTY and (not node.args or _called(node) == "defaultdict")
