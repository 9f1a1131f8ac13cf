"""Jinja made safe for alerts: a sandbox that escapes for one platform and stops what would eat the machine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import wraps
from types import BuiltinMethodType
from typing import Any, ClassVar

import jinja2
from jinja2 import ChainableUndefined, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, missing

from receiver.delivery.rendering.bounds import SIZED, BoundedFormat, Budget
from receiver.delivery.rendering.compiling import NAMES, Code, CompiledTemplate, FactsContext, TrustedMacro
from receiver.delivery.rendering.markup import VALUE_LIMIT, Escaped, Safe, escaping, text_of
from receiver.delivery.rendering.sources import Sources
from receiver.errors import TemplateError

_BUILT_IN = (
    "capitalize dictsort float groupby int items list lower map max min reject rejectattr reverse select selectattr "
    "sort title trim truncate unique upper urlencode wordcount"
)
BUILT_IN_FILTERS = tuple(_BUILT_IN.split())
_FREE_FILTERS = ("abs", "count", "d", "default", "first", "last", "length")
"""The filters taken from Jinja; the rest make much of little, mark text as safe, or belong to HTML."""

_TEXT_METHODS = (
    "capitalize casefold center count endswith find index isalnum isalpha isascii isdecimal isdigit islower isnumeric "
    "isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix replace rfind rindex rjust "
    "rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill"
)
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_TEXT_METHODS.split()),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}


class _Unknown(tuple[str, ...]):
    """What is taken out while templates are compiled: nobody knows, so that Jinja works nothing out beforehand."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        raise TemplateError(f"{name} are made when a message is rendered")


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """One platform's templates. `facts` are the names of the rendering under way; one rendering at a time.

    `takes` names what is held back of its output; there marks say where it would stand.

    Only `Safe` text is trusted: template text, and what macros, blocks and `~` made of it and of escaped values.
    """

    intercepted_binops: ClassVar = frozenset({"+", "*", "**", "%"})  # type: ignore[misc]
    code_generator_class = Code
    context_class = FactsContext
    template_class = CompiledTemplate

    def __init__(self, loader: jinja2.BaseLoader, escape: Callable[[str], str], limit: int = VALUE_LIMIT) -> None:
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=ChainableUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self.budget = Budget()
        self.escaped = Escaped(escape, self.budget.charge, limit)
        self.escape = escaping(self.escaped)
        self.facts: Mapping[str, Any] = {}
        self.takes: Collection[str] = ()
        self.held: list[tuple[str, Sequence[Any]]] = []
        self.runtime = NAMES | {
            "Markup": Safe,
            "Macro": TrustedMacro,
            "escape": self.escape,
            "markup_join": self.joined,
        }
        self.concat = self.budget.output  # type: ignore[method-assign]
        self.filters = {name: self._charged(FILTERS[name]) for name in BUILT_IN_FILTERS}
        self.filters.update({name: FILTERS[name] for name in _FREE_FILTERS})
        self.filters["_steps"] = self.budget.steps
        self.globals.pop("lipsum", None)
        self.globals["range"] = self.budget.range
        self._quick: frozenset[Any] = frozenset()

    def provide(self, filters: Mapping[str, Callable[..., Any]], functions: Mapping[str, Callable[..., Any]]) -> None:
        """Add filters and global functions of our own; they bound themselves."""
        self.filters.update(filters)
        self.globals.update(functions)
        self._quick = frozenset(functions.values())

    def text(self, template: Template, facts: Mapping[str, Any], takes: Collection[str] = ()) -> str:
        """What `template` makes of `facts`, within the budget as it was started."""
        context = FactsContext(self, self.globals, template.name, template.blocks)
        self.facts, self.takes, self.held = facts, takes, []
        try:
            return self.budget.output(template.root_render_func(context))
        finally:
            self.facts, self.takes = {}, ()

    def joined(self, parts: Iterable[Any]) -> str:
        """`~`: trusted if any part is, then the others are escaped; else a value like its parts."""
        listed = list(parts)
        if any(type(part) is Safe for part in listed):
            return Safe(self.budget.join("", [self.escape(part) for part in listed]))
        return self.budget.join("", [text_of(part) for part in listed])

    def join(self, value: Any, separator: Any = "", attribute: str | None = None) -> str:
        """The filter `join`: trusted if the separator or any part is."""
        if attribute is not None:
            value = self.call_filter("map", value, kwargs={"attribute": attribute}, context=self._bare())
        parts = self.budget.steps(value)
        if type(separator) is Safe or any(type(part) is Safe for part in parts):
            return Safe(self.budget.join(self.escape(separator), [self.escape(part) for part in parts]))
        return self.budget.join(text_of(separator), [text_of(part) for part in parts])

    def _bare(self) -> Context:
        return FactsContext(self, {}, None, {})

    def _charged(self, function: Callable[..., Any]) -> Callable[..., Any]:
        place = 1 if hasattr(function, "jinja_pass_arg") else 0

        @wraps(function)
        def charged(*args: Any, **kwargs: Any) -> Any:
            value = args[place]
            self.budget.charge(1 + (len(value) if isinstance(value, SIZED) else 0))
            return function(*args, **kwargs)

        return charged

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        for modifier in source.find_all((nodes.EvalContextModifier,)):
            raise TemplateSyntaxError("escaping cannot be switched off; use |safe", modifier.lineno, name, filename)
        for loop in source.find_all(nodes.For):
            if loop.recursive:
                raise TemplateSyntaxError("there are no recursive loops", loop.lineno, name, filename)
            loop.iter = nodes.Filter(loop.iter, "_steps", [], [], None, None, lineno=loop.lineno)
        for block in source.find_all(nodes.FilterBlock):  # Jinja takes what the filter makes for safe
            block.filter = nodes.Filter(block.filter, "e", [], [], None, None, lineno=block.lineno)
        for node in source.find_all(nodes.Filter):
            node.set_environment(self)
        takes, self.takes = self.takes, _Unknown()
        try:
            return super()._generate(source, name, filename, defer_init)
        finally:
            self.takes = takes

    def join_path(self, template: str, parent: str) -> str:
        """The file that `template` means in the file `parent`."""
        return self.loader.meant(template, parent) if isinstance(self.loader, Sources) else template

    def get_template(self, *args: Any, **kwargs: Any) -> Template:
        """As Jinja's; within a rendering each inclusion is paid for."""
        if self.facts:
            self.budget.charge(100)
        return super().get_template(*args, **kwargs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`; of a dict its item first, so that a label called `items` is that label."""
        if isinstance(obj, dict):
            try:
                return obj[attribute]
            except KeyError:
                pass
        if type(obj) is Namespace and not attribute.startswith("_"):  # it holds nothing but what templates put there
            held = getattr(obj, attribute, missing)
            return self.undefined(obj=obj, name=attribute) if held is missing else held
        return super().getattr(obj, attribute)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`str.format` bounded; `format_map` is refused when it is called."""
        if isinstance(value, BuiltinMethodType) and value.__name__ == "format" and isinstance(value.__self__, str):
            return BoundedFormat(self, self.budget, str(value.__self__))
        return None

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call `__obj` if templates may, with what it makes kept within bounds."""
        __self.budget.text(10 + len(args))
        if isinstance(__obj, BuiltinMethodType):
            return __self._method(__obj, args, {key: kwargs[key] for key in kwargs if not key.startswith("_")})
        if __obj.__class__ is not TrustedMacro and __obj in __self._quick:
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            return __obj(*args, **kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def _method(self, method: BuiltinMethodType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        receiver, name = method.__self__, method.__name__
        kinds = [kind for kind in _METHODS if isinstance(receiver, kind)]
        if not kinds or name not in _METHODS[kinds[0]]:
            raise SecurityError(f"{name} of {type(receiver).__name__} cannot be called")
        if isinstance(receiver, str):
            if name == "join":
                return self.join(args[0], receiver)
            self.budget.method(receiver, name, args)
        return method(*args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`+ * ** %`, refused where the result would be too large."""
        if isinstance(left, int | float) and isinstance(right, int | float):
            self.budget.number(operator, left, right)
            return super().call_binop(context, operator, left, right)
        if operator == "+":
            return self._added(left, right)
        if operator == "%" and isinstance(left, str):
            return self.budget.percent(left, right)
        if operator == "*":
            thing, times = (right, left) if isinstance(left, int) else (left, right)
            if isinstance(times, int) and isinstance(thing, str | list | tuple):
                self.budget.text(len(thing) * max(0, times))
        return super().call_binop(context, operator, left, right)

    def _added(self, left: Any, right: Any) -> Any:
        if isinstance(left, str) and isinstance(right, str):
            if type(left) is Safe or type(right) is Safe:
                return self.joined((left, right))
            self.budget.text(len(left) + len(right))
        elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
            self.budget.text(len(left) + len(right))
        return left + right
