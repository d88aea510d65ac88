"""Measuring: mIoU, distances between sets of pictures, and the judge that reads portraits."""

from .attributes import PORTRAIT_ATTRIBUTES, AttributeSpec
from .judge import Judge, JudgeConfig, JudgeReading, load_judge
from .metrics import (
    auc,
    circular_correlation,
    correlation,
    decibel,
    frechet_distance,
    highest_octave_energy,
    ks_distance,
    precision_recall,
)
from .miou import Interval, MiouMeter, MiouResult, bootstrap, class_groups, miou_of
from .readings import Readings, blurred_by_one_pixel, joined, read_pictures
from .report import Figure, Report
from .train import JudgeOptions, JudgeStep, train_judge

__all__ = [
    "PORTRAIT_ATTRIBUTES",
    "AttributeSpec",
    "Figure",
    "Interval",
    "Judge",
    "JudgeConfig",
    "JudgeOptions",
    "JudgeReading",
    "JudgeStep",
    "MiouMeter",
    "MiouResult",
    "Readings",
    "Report",
    "auc",
    "blurred_by_one_pixel",
    "bootstrap",
    "circular_correlation",
    "class_groups",
    "correlation",
    "decibel",
    "frechet_distance",
    "highest_octave_energy",
    "joined",
    "ks_distance",
    "load_judge",
    "miou_of",
    "precision_recall",
    "read_pictures",
    "train_judge",
]
