"""Numbers and conditions in a lesson's text: "{High quality @ last of run 2}", and "{…} > 2 * {…}"."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import NamedTuple

from dgflow_core.errors import UserError

#: "{High quality @ last}": a measure at a step ("best", "last" or which); "of run 2" after it for another
#: run's; "{best Distance to data}": the step at which a measure is best.
NUMBER = re.compile(
    r"\{(?:best (?P<of>[^}@]+?)|(?P<name>[^}@]+?) @ (?P<step>best|last|\d+))(?: of run (?P<run>[1-4]))?\}"
)
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}


class Number(NamedTuple):
    """A number that a lesson asks of its runs.

    ``step``: "best", "last" or digits. ``place``: whether the step itself is asked for, and not the value.
    """

    name: str
    step: str
    run: int
    place: bool


def _number(found: re.Match) -> Number:
    place = found["of"] is not None
    return Number(found["of"] or found["name"], found["step"] or "best", int(found["run"] or 1), place)


def numbers(text: str) -> list[Number]:
    """The numbers that a text asks for, in its order.

    Raises:
        UserError: a brace that is no number.
    """
    rest = re.sub(r"\$[^$]*\$", "", NUMBER.sub("", text))  # formulas have braces of their own
    if found := re.search(r"\{[^}]*\}?", rest):
        raise UserError(f"{found[0]!r} is not a number such as {{High quality @ last}}.")
    return [_number(one) for one in NUMBER.finditer(text)]


def told(text: str, value: Callable[[Number], float]) -> str:
    """The text with its numbers."""
    return NUMBER.sub(lambda found: written(value(_number(found))), text)


def written(value: float) -> str:
    """A number as text has it: three digits, a true minus, powers of ten raised."""
    digits, _, power = f"{value:.3g}".partition("e")
    raised = f" · 10{str(int(power)).translate(_RAISED)}" if power else ""
    return digits.replace("-", "−") + raised


class Condition:
    """A comparison of numbers, such as "0.9 <= {Width of modes @ last} <= 1.1"; "and" joins several.

    Raises:
        UserError: anything else.
    """

    def __init__(self, text: str):
        self.text, self.numbers = text, numbers(text)
        names = iter(range(len(self.numbers)))
        try:
            self.tree = ast.parse(NUMBER.sub(lambda _: f"v{next(names)}", text), mode="eval").body
            held = self.holds(lambda number: 1.0)
        except ZeroDivisionError:
            return
        except (SyntaxError, KeyError, TypeError, ValueError, RecursionError):
            held = None
        if not isinstance(held, bool):
            raise UserError(f"{text!r} is not a condition such as {{High quality @ last}} > 90.")

    def holds(self, value: Callable[[Number], float]) -> bool:
        """Whether it holds, where ``value`` gives each number."""
        known = {f"v{index}": value(number) for index, number in enumerate(self.numbers)}

        def of(node: ast.AST):
            match node:
                case ast.Constant(int() | float() as number):
                    return number
                case ast.Name(name):
                    return known[name]
                case ast.UnaryOp(ast.USub(), operand):
                    return -of(operand)
                case ast.BinOp(left, sign, right):
                    return _ARITHMETIC[type(sign)](of(left), of(right))
                case ast.Call(ast.Name("abs"), [one], []):
                    return abs(of(one))
                case ast.BoolOp(ast.And(), parts):
                    return all(of(part) for part in parts)
                case ast.Compare(left, signs, rights):
                    sides = [of(left), *map(of, rights)]
                    pairs = zip(signs, sides, sides[1:], strict=False)
                    return all(_COMPARISONS[type(sign)](a, b) for sign, a, b in pairs)
            raise TypeError(type(node).__name__)

        return of(self.tree)
