"""Texts of watching a training and of the few-shot studio."""

from __future__ import annotations

TABLE: dict[str, tuple[str, ...]] = {
    # Watching a training
    "training": ("training",),
    "the_training": ("The training",),
    "run_training": ("The training {name}",),
    "showing_training": ("Showing the training",),
    "training_curves": ("Loss curves of the training",),
    "results": ("results",),
    "results_of": ("masks",),
    "at_step_scored": ("{what} · step {step} · fidelity {score:.2f}",),
}
