"""CHECKs weakened one piece at a time, made from the expression that the catalogue holds.

A CHECK is worth as much as the values that somebody has tried on it. Each mutation here is a slip that a
reader overlooks: a bound that is one off, a condition dropped, an anchor lost, a rule that no longer holds in
one of its cases.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from pglast import ast, enums, parse_sql
from pglast.stream import RawStream

BOUND = re.compile(r"\{(\d+)(?:,(\d+))?\}")
# The most that a bound of Postgres' regular expressions may be.
MOST_REPEATS = 255
OFF_BY_ONE = {"<=": 1, "<": 1, ">=": -1, ">": -1}


def weaken(expression: str) -> Iterator[str]:
    """Each mutation of an SQL condition, as SQL."""
    tree = parse_sql(f"select {expression}")[0].stmt.targetList[0].val
    for mutation in _mutate(tree):
        yield RawStream()(mutation)


def _mutate(tree: Any) -> Iterator[Any]:
    for path in _paths(tree):
        for becomes in _mutate_node(_at(tree, path)):
            yield _replaced(tree, path, becomes)


def _mutate_node(node: Any) -> Iterator[Any]:
    match node:
        case ast.BoolExpr(boolop=enums.BoolExprType.AND_EXPR):
            for dropped in range(len(node.args)):
                rest = tuple(arm for number, arm in enumerate(node.args) if number != dropped)
                yield rest[0] if len(rest) == 1 else ast.BoolExpr(boolop=node.boolop, args=rest)
        case ast.A_Expr(kind=enums.A_Expr_Kind.AEXPR_OP):
            yield from _mutate_operator(node)
        case ast.A_ArrayExpr() if node.elements:
            for dropped in range(len(node.elements)):
                rest = tuple(each for number, each in enumerate(node.elements) if number != dropped)
                if rest:
                    yield ast.A_ArrayExpr(elements=rest)


def _mutate_operator(node: ast.A_Expr) -> Iterator[Any]:
    operator = node.name[-1].sval
    left, right = node.lexpr, node.rexpr
    if operator in OFF_BY_ONE and _is_integer(right):
        moved = ast.A_Const(val=ast.Integer(ival=_integer(right) + OFF_BY_ONE[operator]))
        yield ast.A_Expr(kind=node.kind, name=node.name, lexpr=left, rexpr=moved)
    elif operator == "=" and _is_integer(right):
        for step in (1, -1):
            moved = ast.A_Const(val=ast.Integer(ival=_integer(right) + step))
            yield ast.A_Expr(kind=node.kind, name=node.name, lexpr=left, rexpr=moved)
    elif operator == "=" and _is_condition(left) and _is_condition(right):
        # Two things that go together: it no longer matters in one of the two cases.
        for excused in (left, ast.BoolExpr(boolop=enums.BoolExprType.NOT_EXPR, args=(left,))):
            yield ast.BoolExpr(boolop=enums.BoolExprType.OR_EXPR, args=(node, excused))
    elif operator in {"~", "~*"}:
        pattern = right.arg if isinstance(right, ast.TypeCast) else right
        for weaker in _weaken_pattern(pattern.val.sval):
            constant = ast.A_Const(val=ast.String(sval=weaker))
            yield ast.A_Expr(kind=node.kind, name=node.name, lexpr=left, rexpr=constant)


def _weaken_pattern(pattern: str) -> Iterator[str]:
    if pattern.startswith("^"):
        yield pattern[1:]
    if pattern.endswith("$"):
        yield pattern[:-1]
    for bound in BOUND.finditer(pattern):
        least, most = int(bound[1]), int(bound[2] or bound[1])
        before, after = pattern[: bound.start()], pattern[bound.end() :]
        if most < MOST_REPEATS:
            yield f"{before}{{{least},{most + 1}}}{after}"
        if least:
            yield f"{before}{{{least - 1},{most}}}{after}"
    if "+" in pattern:
        yield pattern.replace("+", "*")


def _is_integer(node: Any) -> bool:
    return isinstance(node, ast.A_Const) and isinstance(node.val, ast.Integer)


def _integer(node: Any) -> int:
    value: int = node.val.ival or 0
    return value


def _is_condition(node: Any) -> bool:
    if isinstance(node, ast.BoolExpr | ast.NullTest | ast.BooleanTest):
        return True
    return isinstance(node, ast.A_Expr) and node.name[-1].sval in {"=", "<>", "<", ">", "<=", ">=", "~"}


def _paths(tree: Any) -> list[tuple[Any, ...]]:
    """Where the nodes of an expression stand: attribute names and places in tuples."""
    found: list[tuple[Any, ...]] = []

    def walk(node: Any, path: tuple[Any, ...]) -> None:
        if isinstance(node, tuple):
            for number, each in enumerate(node):
                walk(each, (*path, number))
        elif isinstance(node, ast.Node):
            found.append(path)
            for name in node:
                walk(getattr(node, name), (*path, name))

    walk(tree, ())
    return found


def _at(tree: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        tree = tree[step] if isinstance(step, int) else getattr(tree, step)
    return tree


def _replaced(tree: Any, path: tuple[Any, ...], becomes: Any) -> Any:
    if not path:
        return becomes
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return tuple(
            _replaced(each, rest, becomes) if number == step else each for number, each in enumerate(tree)
        )
    copy = deepcopy(tree)
    setattr(copy, step, _replaced(getattr(tree, step), rest, becomes))
    return copy
