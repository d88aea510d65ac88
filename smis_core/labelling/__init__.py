"""Generator features → class prototypes or probes → (soft) pseudo labels."""

from .features import (
    Reading,
    chosen_layers,
    convolution_layers,
    first_fine_row,
    read_features,
    restyle,
    sample_ws,
    shallow_synthesis,
)
from .fit_probe import (
    ProbeOptions,
    ProbeStep,
    class_weights,
    fit_probe,
)
from .labeller import Labeller, LabellerConfig, build_labeller, shown_classes
from .live import (
    TEMPERATURE,
    ConfidentReading,
    QuickOptions,
    QuickStep,
    fit_quickly,
    read_with_confidence,
    uncertain,
)
from .marks import MarksLabeller, fit_marks
from .methods import METHODS, FitOptions, FitStep, fit_labeller
from .probe import ProbeLabeller
from .prototypes import (
    PrototypeLabeller,
    best_prototypes,
    fit_prototypes,
    resize_as_the_paper,
)
from .sparse import SparseLabeller, fit_sparse
from .thorough import ThoroughOptions, fit_thoroughly

__all__ = [
    "METHODS",
    "TEMPERATURE",
    "ConfidentReading",
    "FitOptions",
    "FitStep",
    "Labeller",
    "LabellerConfig",
    "MarksLabeller",
    "ProbeLabeller",
    "ProbeOptions",
    "ProbeStep",
    "PrototypeLabeller",
    "QuickOptions",
    "QuickStep",
    "Reading",
    "SparseLabeller",
    "ThoroughOptions",
    "best_prototypes",
    "build_labeller",
    "chosen_layers",
    "class_weights",
    "convolution_layers",
    "first_fine_row",
    "fit_labeller",
    "fit_marks",
    "fit_probe",
    "fit_prototypes",
    "fit_quickly",
    "fit_sparse",
    "fit_thoroughly",
    "read_features",
    "read_with_confidence",
    "resize_as_the_paper",
    "restyle",
    "sample_ws",
    "shallow_synthesis",
    "shown_classes",
    "uncertain",
]
