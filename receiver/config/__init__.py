"""The configuration: one YAML file becomes frozen Settings, or all its faults at once, each with its path and line."""

from receiver.config.loading import format_faults, load
from receiver.config.settings import ServerSettings, Settings

__all__ = ["ServerSettings", "Settings", "format_faults", "load"]
