"""Templates as Python: what Jinja's compiler makes, with our escaping, and quick where an alert is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import CodeType
from typing import Any, ClassVar

from jinja2 import BytecodeCache, Template, nodes
from jinja2.bccache import Bucket
from jinja2.compiler import CodeGenerator, find_undeclared
from jinja2.runtime import BlockReference, Context, Macro
from jinja2.utils import missing

from receiver.delivery.rendering.markup import Safe, standing
from receiver.delivery.rendering.views import KEYS, View, Views
from receiver.errors import TemplateError

_READS = {
    **dict.fromkeys(KEYS, ("{0}[{1!r}]", "View")),
    **dict.fromkeys(("firing", "resolved"), ("{0}.{1}", "Views")),
    **dict.fromkeys(("first", "last", "index", "index0"), ("{0}.{1}", "LoopContext")),
}
"""How the attributes of alerts and loops are read: always there, always harmless, so the sandbox need not look."""

NAMES: dict[str, Any] = {"View": View, "Views": Views}
"""What the code of a template knows beside Jinja's names."""


class Code(CodeGenerator):
    """Literals in `{{ }}` are values: escaped for the platform, not for HTML."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> str:  # noqa: ARG002
        if isinstance(node, nodes.TemplateData):
            return node.data
        environment: Any = self.environment
        try:
            return str(environment.escape(node.as_const(frame.eval_ctx)))
        except TemplateError:  # too long to be paid for before the rendering
            raise nodes.Impossible from None

    def visit_Getattr(self, node: nodes.Getattr, frame: Any) -> None:  # noqa: N802 - Jinja's name
        """`alert.summary` asks the alert itself if it is one, else the sandbox."""
        if node.attr not in _READS or not isinstance(node.node, nodes.Name):
            super().visit_Getattr(node, frame)
            return
        read, kind = _READS[node.attr]
        name = frame.symbols.ref(node.node.name)
        self.write(f"({read.format(name, node.attr)} if type({name}) is {kind} else ")
        super().visit_Getattr(node, frame)
        self.write(")")

    def visit_Filter(self, node: nodes.Filter, frame: Any) -> None:  # noqa: N802 - Jinja's name
        """`"> " | safe` needs no filter when it is rendered."""
        if node.name == "safe" and isinstance(node.node, nodes.Const):
            self.write(f"Markup({standing(node.node.value)!r})")
        else:
            super().visit_Filter(node, frame)

    def visit_Block(self, node: nodes.Block, frame: Any) -> None:  # noqa: N802 - Jinja's name
        """A block that no other template replaced runs where it stands: alerts are many, and contexts dear."""
        seen = node.scoped or frame.toplevel
        if self.extends_so_far or not seen or find_undeclared(node.body, ("self", "super")):
            super().visit_Block(node, frame)
            return
        self.writeline(f"if context.blocks[{node.name!r}][0] is block_{node.name}:", node)
        self.indent()
        self.visit(nodes.Scope(node.body, lineno=node.lineno), frame)
        self.outdent()
        self.writeline("else:")
        self.indent()
        super().visit_Block(node, frame)
        self.outdent()

    def pull_dependencies(self, nodes: Iterable[nodes.Node]) -> None:
        """Filters and tests are needed in blocks, too, since they may run where they stand."""
        given = list(nodes)
        inner = [child for node in given for block in _blocks(node) for child in block.body]
        super().pull_dependencies([*given, *inner])


def _blocks(node: nodes.Node) -> Iterator[nodes.Block]:
    if isinstance(node, nodes.Block):
        yield node
    yield from node.find_all(nodes.Block)


class TrustedMacro(Macro):
    """A macro, whose output is trusted: its values were escaped."""

    def _invoke(self, arguments: list[Any], autoescape: bool) -> str:  # noqa: ARG002
        return Safe(self._func(*arguments))


class _Block(BlockReference):
    def __call__(self) -> str:
        return Safe(super().__call__())


class FactsContext(Context):
    """The names of a template: its own, the functions, then the facts of the batch, each made when first asked for."""

    def resolve_or_missing(self, key: str) -> Any:
        """The value of `key`, or Jinja's `missing`."""
        if key in self.vars:
            return self.vars[key]
        if key in self.parent:
            return self.parent[key]
        facts = self.environment.facts  # type: ignore[attr-defined]
        try:
            return facts[key]
        except KeyError:
            return missing

    def derived(self, locals: dict[str, Any] | None = None) -> FactsContext:  # noqa: A002 - Jinja's name
        """As Jinja's, for a block within a loop; it shares what does not differ."""
        made = FactsContext.__new__(FactsContext)
        made.__dict__.update(self.__dict__)
        made.vars = self.vars | {name: value for name, value in (locals or {}).items() if value is not missing}
        return made

    def super(self, name: str, current: Callable[[Context], Iterator[str]]) -> Any:
        """The parent's block of that name, as trusted text."""
        block = super().super(name, current)
        if not isinstance(block, BlockReference):
            return block
        return _Block(block.name, block._context, block._stack, block._depth)


class CompiledTemplate(Template):
    """A template whose code takes its names from its environment's `runtime`, not from Jinja's."""

    @classmethod
    def from_code(cls, environment: Any, code: CodeType, globals: Any, uptodate: Any = None) -> Template:  # noqa: A002
        """As Jinja's."""
        namespace: dict[str, Any] = {"environment": environment, "__file__": code.co_filename}
        exec(code, namespace)  # noqa: S102 - what Jinja itself does; the code is its compiler's
        namespace.update(environment.runtime)
        template = cls._from_namespace(environment, namespace, globals)
        template._uptodate = uptodate
        return template


class CodeCache(BytecodeCache):
    """The code of templates, once compiled, for all environments of a `kind`: those that escape and show alike.

    For all renderers and threads of the process: to compile a message's templates takes some 50 ms.
    """

    MOST: ClassVar = 512
    _known: ClassVar[dict[tuple[object, str, str], CodeType]] = {}

    def __init__(self, kind: object) -> None:
        self._kind = kind

    def load_bytecode(self, bucket: Bucket) -> None:
        """As Jinja's."""
        bucket.code = self._known.get((self._kind, bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """As Jinja's."""
        if len(self._known) >= self.MOST:  # templates may be edited and shown again and again
            self._known.clear()
        if bucket.code is not None:
            self._known[self._kind, bucket.key, bucket.checksum] = bucket.code
