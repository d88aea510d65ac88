"""Training a generator from pictures."""

from .card import model_card
from .grow import grow, grown
from .loop import GanStep, train_gan
from .options import GanOptions
from .pictures import PictureCache, PictureSource, find_pictures, folder_cache
from .shards import holds_state
from .state import GanState

__all__ = [
    "GanOptions",
    "GanState",
    "GanStep",
    "PictureCache",
    "PictureSource",
    "find_pictures",
    "folder_cache",
    "grow",
    "grown",
    "holds_state",
    "model_card",
    "train_gan",
]
