"""Where template files are found: in the configured folder, then among the shipped ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import jinja2

import receiver

SHIPPED = "shipped:"
"""What stands before the name of a file to mean the shipped one of that name."""


def roots(directory: Path | None) -> list[Path]:
    """The configured folder, if there is one, and the shipped one."""
    package = Path(receiver.__file__).parent
    shipped = package / "templates"
    found = shipped if shipped.is_dir() else package.parent / "templates"
    return [found] if directory is None else [directory, found]


class Sources(jinja2.FileSystemLoader):
    """The files of both folders under one set of names; those of the configured one hide the shipped ones."""

    def __init__(self, directory: Path | None) -> None:
        self._roots = roots(directory)
        self._shipped = jinja2.FileSystemLoader(self._roots[-1])
        self._meant: dict[tuple[str, str], str] = {}
        self._read: dict[str, tuple[str, str, Callable[[], bool]]] = {}
        super().__init__(self._roots)

    def name(self, folders: Iterable[str], noun: str, language: str) -> str | None:
        """The file that makes `noun`: of the first folder that has one, in the language before that for all."""
        for folder in folders:
            for root in self._roots:
                for name in (f"{folder}/{noun}.{language}.j2", f"{folder}/{noun}.j2"):
                    if (root / name).is_file():
                        return name
        return None

    def meant(self, name: str, parent: str) -> str:
        """The file that `name` means where the file `parent` extends, includes or imports it.

        That is the file for all languages where there is none for one (`a/b.zh.j2`, `a/b.j2`), and the shipped one
        where `parent` would mean itself.
        """
        found = self._meant.get((name, parent))
        if found is None:
            found = self._file(name)
            if found == parent:
                found = self._file(SHIPPED + name)
            if len(self._meant) >= 1024:  # names may come out of values
                self._meant.clear()
            self._meant[name, parent] = found
        return found

    def _file(self, name: str) -> str:
        if self._is_there(name):
            return name
        stem, _, language = name.removesuffix(".j2").rpartition(".")
        neutral = f"{stem}.j2"
        return neutral if stem and language and self._is_there(neutral) else name

    def _is_there(self, name: str) -> bool:
        places = self._roots[-1:] if name.startswith(SHIPPED) else self._roots
        return any((root / name.removeprefix(SHIPPED)).is_file() for root in places)

    def shipped(self, name: str) -> str | None:
        """What the shipped file of that name is called where one of the configured folder may hide it."""
        return SHIPPED + name if self._is_there(SHIPPED + name) else None

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """As Jinja's; a file is read once, so that all who compile it compile the same."""
        if (read := self._read.get(template)) is None:
            read = self._read[template] = self._source(environment, template)
        return read

    def _source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        if template.startswith(SHIPPED):
            try:
                return self._shipped.get_source(environment, template.removeprefix(SHIPPED))
            except jinja2.TemplateNotFound:
                raise jinja2.TemplateNotFound(template) from None
        return super().get_source(environment, template)
