"""One of two processes that train a project together, for test_processes.py: interrupts the
training and takes it up again, and prints what became of it."""

import json
import sys
from pathlib import Path

import torch

from smis_core.checkpoints.native import fingerprint
from smis_core.fewshot import EncoderOptions, FewshotProject, ValidationOptions, validation
from smis_core.labelling import QuickOptions
from smis_core.recipes import fewshot_project
from smis_core.recipes.processes import launched

sys.path.append(str(Path(__file__).parents[1] / "fewshot"))
from tiny_world import tiny_generator

OPTIONS = EncoderOptions(pictures=800, batch=8)
WATCH = ValidationOptions(masks=2, interval_steps=2, patience=3, least_gain=0.9, cooldown=0.3)
FEW = QuickOptions(steps=5, hidden=4, members=2, copies=2, pixels=400)

torch.set_num_threads(1)
accelerator = launched()
fit, measure, own = fewshot_project.fit_quickly, validation.joint_miou, accelerator.process_index
fitted, measured = [], []


def fit_few(*arguments, **named):
    fitted.append(own)
    return fit(*arguments, options=FEW, **named)


def measure_otherwise(*masks):
    """Each process finds another figure: the second one's would never stall."""
    measured.append(measure(*masks) / 2 + own * len(measured))
    return measured[-1]


fewshot_project.fit_quickly, validation.joint_miou = fit_few, measure_otherwise
fewshot_project._STATE_INTERVAL_STEPS = 3


def train():
    opened = FewshotProject.open(sys.argv[1], generator=tiny_generator())
    return fewshot_project.train_project(
        opened, options=OPTIONS, validation=WATCH, accelerator=accelerator
    )


steps = train()
while (step := next(steps)).phase != "train" or step.index < 5:
    pass
steps.close()
accelerator.wait_for_everyone()
rest = [step for step in train() if step.phase == "train"]
state = FewshotProject.open(sys.argv[1], generator=tiny_generator()).encoder_state
told = {
    "process": own,
    "of": accelerator.num_processes,
    "fitted": fitted,
    "indices": [step.index for step in rest],
    "figures": [step.miou for step in rest],
    "encoder": fingerprint(rest[-1].synthesizer.encoder),
    "labeller": fingerprint(rest[-1].synthesizer.labeller),
    "kept": state,
}
print(json.dumps(told), flush=True)
