"""Batches of alerts become the words of messages: sandboxed templates, Alertmanager's function names, byte limits."""

from receiver.delivery.rendering.renderer import Batch, DisplaySettings, Renderer, Rendering, TemplateSettings

__all__ = ["Batch", "DisplaySettings", "Renderer", "Rendering", "TemplateSettings"]
