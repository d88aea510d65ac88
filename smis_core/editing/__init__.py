"""Turning the layers by hand: directions, edits row by row, mixing, regions, what is kept."""

from .cache import cached_directions, cached_path
from .code import as_python
from .directions import Directions
from .directions_file import load_directions, save_directions
from .distribution import Distribution, distribution_of_w, one_hot
from .draw import Resolved, check_state, draw, latent_of, placed, resolve
from .edit import LOUDEST, STRONGEST, Edit, LayerEdit, apply, scaled_noise
from .examples import boundary, pair_direction
from .history import History, Moment
from .identity import Identity, identify
from .mixing import MixPool, read_source
from .pca import DirectionStep, feature_pca, pca
from .png import brings_latent, embed, extract
from .pools import BetweenPool, LikePool, Pool, SeedPool, Sieve, StatePool, positions
from .regions import Outside, blend_region, outside_of
from .rows import GROUPS, Row, group_rows, rows_of
from .search import between, filtered_by, mixing_grid, neighbours, ordered_by
from .seeds import LARGEST_SEED, split_seed, walk_z
from .sefa import sefa
from .state import EditState, Found, Placement, Seeded, Source

__all__ = [
    "GROUPS",
    "LARGEST_SEED",
    "LOUDEST",
    "STRONGEST",
    "BetweenPool",
    "DirectionStep",
    "Directions",
    "Distribution",
    "Edit",
    "EditState",
    "Found",
    "History",
    "Identity",
    "LayerEdit",
    "LikePool",
    "MixPool",
    "Moment",
    "Outside",
    "Placement",
    "Pool",
    "Resolved",
    "Row",
    "SeedPool",
    "Seeded",
    "Sieve",
    "Source",
    "StatePool",
    "apply",
    "as_python",
    "between",
    "blend_region",
    "boundary",
    "brings_latent",
    "cached_directions",
    "cached_path",
    "check_state",
    "distribution_of_w",
    "draw",
    "embed",
    "extract",
    "feature_pca",
    "filtered_by",
    "group_rows",
    "identify",
    "latent_of",
    "load_directions",
    "mixing_grid",
    "neighbours",
    "one_hot",
    "ordered_by",
    "outside_of",
    "pair_direction",
    "pca",
    "placed",
    "positions",
    "read_source",
    "resolve",
    "rows_of",
    "save_directions",
    "scaled_noise",
    "sefa",
    "split_seed",
    "walk_z",
]
