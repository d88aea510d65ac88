"""Annotations that were made elsewhere, as label maps of this project.

Everything here ends in a `LabelMap`, in which 255 is not painted; to write one, `LabelMap.save`.
"""

from .coco import decode_rle, read_coco
from .folders import read_ade20k, read_celebamask_parts
from .labelme import read_labelme
from .masks import carries_palette, read_mask
from .names import extended, match_names, translated
from .planes import from_one_hot, from_sparse, to_sparse
from .reader import read_annotation

__all__ = [
    "carries_palette",
    "decode_rle",
    "extended",
    "from_one_hot",
    "from_sparse",
    "match_names",
    "read_ade20k",
    "read_annotation",
    "read_celebamask_parts",
    "read_coco",
    "read_labelme",
    "read_mask",
    "to_sparse",
    "translated",
]
