"""Widgets for drawing masks and seeing what they become.

They hold no mathematics: that is `smis_core`.
"""

from smis_widgets.image_view import ImageView
from smis_widgets.inversion_progress import InversionProgress
from smis_widgets.latent_sliders import LatentSliders
from smis_widgets.mask_pad import MaskPad
from smis_widgets.studio import SketchStudio
from smis_widgets.target_view import TargetView

__all__ = [
    "ImageView",
    "InversionProgress",
    "LatentSliders",
    "MaskPad",
    "SketchStudio",
    "TargetView",
]
