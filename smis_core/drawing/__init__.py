"""Drawing on label maps: operations, the integer rasteriser, history, messages from a browser.

docs/drawing.md is the specification that every front end follows to the pixel.
"""

from smis_core.drawing.operations import (
    MAX_GAP,
    MAX_PATH,
    MAX_POINTS,
    MAX_SIZE,
    REACH,
    UNIT,
    Box,
    Bucket,
    Clear,
    CopyFrom,
    Ellipse,
    Landmark,
    Mirror,
    MoveRegion,
    Operation,
    Painting,
    Polygon,
    Rectangle,
    SmartFill,
    Stroke,
)
from smis_core.drawing.rasteriser import Mask, rasterise

__all__ = [
    "MAX_GAP",
    "MAX_PATH",
    "MAX_POINTS",
    "MAX_SIZE",
    "REACH",
    "UNIT",
    "Box",
    "Bucket",
    "Clear",
    "CopyFrom",
    "Ellipse",
    "Landmark",
    "Mask",
    "Mirror",
    "MoveRegion",
    "Operation",
    "Painting",
    "Polygon",
    "Rectangle",
    "SmartFill",
    "Stroke",
    "rasterise",
]
