"""Widgets for drawing masks and seeing what they become.

They hold no mathematics: that is `smis_core`.
"""

from smis_widgets.direction_piles import DirectionPiles
from smis_widgets.few_shot_studio import FewShotStudio
from smis_widgets.image_view import ImageView
from smis_widgets.inversion_progress import InversionProgress
from smis_widgets.latent_sliders import LatentSliders
from smis_widgets.mask_pad import MaskPad
from smis_widgets.picture_wall import PictureWall
from smis_widgets.region_editor import RegionEditor
from smis_widgets.seed_wall import SeedWall
from smis_widgets.studio import SketchStudio
from smis_widgets.style_grid import StyleGrid
from smis_widgets.target_view import TargetView
from smis_widgets.training_progress import TrainingProgress
from smis_widgets.training_steps import MaskResults

__all__ = [
    "DirectionPiles",
    "FewShotStudio",
    "ImageView",
    "InversionProgress",
    "LatentSliders",
    "MaskPad",
    "MaskResults",
    "PictureWall",
    "RegionEditor",
    "SeedWall",
    "SketchStudio",
    "StyleGrid",
    "TargetView",
    "TrainingProgress",
]
