"""Drawing on label maps: operations, the integer rasteriser, history, messages from a browser.

docs/drawing.md is the specification that every front end follows to the pixel.
"""

from smis_core.drawing.applying import apply, change
from smis_core.drawing.drawing import Drawing
from smis_core.drawing.floods import edge_strength, flood
from smis_core.drawing.history import History
from smis_core.drawing.inbox import Inbox, Receipt
from smis_core.drawing.messages import Command, read_command, read_operation
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
from smis_core.drawing.regions import region
from smis_core.drawing.storing import from_bytes, to_bytes

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
    "Command",
    "CopyFrom",
    "Drawing",
    "Ellipse",
    "History",
    "Inbox",
    "Landmark",
    "Mask",
    "Mirror",
    "MoveRegion",
    "Operation",
    "Painting",
    "Polygon",
    "Receipt",
    "Rectangle",
    "SmartFill",
    "Stroke",
    "apply",
    "change",
    "edge_strength",
    "flood",
    "from_bytes",
    "rasterise",
    "read_command",
    "read_operation",
    "region",
    "to_bytes",
]
