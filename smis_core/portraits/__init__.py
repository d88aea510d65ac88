"""The bundled domain: a procedural portrait renderer and the weights trained on its pictures."""

from .renderer import BINARY, CIRCULAR, CONTINUOUS, RENDERER_VERSION, SATURATIONS, Renders, render

__all__ = [
    "BINARY",
    "CIRCULAR",
    "CONTINUOUS",
    "RENDERER_VERSION",
    "SATURATIONS",
    "Renders",
    "render",
]
