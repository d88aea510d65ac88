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
    # The few-shot studio: choosing
    "few_choose": ("Choose a picture",),
    "few_choose_hint": ("Click one that shows all the parts you want to name",),
    "few_samples": ("Samples of the generator",),
    "few_other_samples": ("Other samples",),
    "few_sort": ("The samples that the labels are least sure of first",),
    "few_marks": ("Stripe the places that the labels are unsure of",),
    "few_labels": ("labels",),
    "few_labels_tooltip": ("How much the labels cover the samples",),
    "few_labelling": ("Labelling: {done} of {of} samples",),
    "few_labelled": (
        "{of} samples, labelled from {pictures} annotated in {seconds:.1f} s. Where the labels are"
        " wrong, click the sample and correct it",
    ),
    "few_nothing_annotated": (
        "No labels yet: paint the parts of one picture, and these samples show what is learnt",
    ),
    "few_not_labelled": ("No labels yet: {cause}",),
    "few_labelling_failed": ("Labelling the samples",),
    # Photographs
    "few_photograph": ("photograph",),
    "few_photographs": ("bring photographs, or drop one on the pad",),
    "few_inverting": ("inversion",),
    "few_invert": ("Find the latents of the photographs that have none",),
    "few_inverting_photographs": ("The inversion",),
    "few_bringing": ("Reading the photograph",),
    "few_quality": ("{quality:.0f} dB",),
    "few_not_inverted": ("no latent",),
    # Annotating
    "few_annotate": ("Annotate it",),
    "few_annotate_hint": ("Areas, scribbles, lines or points; saved as you draw",),
    "few_pictures_of_project": ("Pictures of the project",),
    "few_no_pictures": ("The pictures that you choose stand here",),
    "few_annotated": ("✓",),
    "few_choose_first": ("Choose a picture first: this drawing belongs to none",),
    "few_no_picture": ("no picture {name!r} in this project",),
    "few_class_shown": (
        "{name} shows {label!r}, and undo could not bring that back there: erase it there first,"
        " or merge the class into another one",
    ),
    "few_annotating": ("Annotating",),
    "few_opening": ("Opening",),
    "few_proposed": (
        "Proposed by your other annotations; what they are unsure of is left open. It counts once"
        " you draw on it, or keep it",
    ),
    "few_fill_in": ("fill in",),
    "few_fill_in_tooltip": ("Give what is not painted the classes that the labels have there",),
    "few_filling": ("Filling in",),
    "few_nothing_to_fill_in": ("Nothing to fill in with yet: paint something of each part first",),
    "few_keep": ("keep",),
    "few_keep_tooltip": ("Keep these labels as they are as an annotation",),
    "few_remove": ("Take this picture out of the project; its files stay in the folder removed",),
    "few_removing": ("Removing",),
    # Masks from elsewhere
    "few_strange": (
        "This mask is painted with the palette {palette!r}, which has other names. What are these?",
    ),
    "few_unpainted": ("leave it unpainted",),
    "few_take_mapped": ("take it so",),
    "few_take_mapped_tooltip": ("Take the mask with these classes",),
    # Training
    "few_train": ("Train",),
    "few_train_hint": ("An encoder learns from samples that your annotation labels",),
    "few_encoder": ("encoder",),
    "few_interrupted": ("A training was interrupted: play goes on with it.",),
    "few_pictures": ("samples",),
    "few_pictures_tooltip": (
        "Samples that the encoder sees at most: 1 000 show the way, 20 000 are good, and it stops"
        " earlier where it learns nothing more",
    ),
    "few_kind": ("sketches are",),
    "few_kind_dense": ("areas",),
    "few_kind_sparse": ("marks",),
    "few_kind_tooltip": (
        "What you will sketch: areas, or marks such as points and lines (annotate those then)",
    ),
    "few_architecture": ("network",),
    "few_encoder_small": ("small",),
    "few_encoder_psp": ("pSp",),
    "few_architecture_tooltip": ("The small one is made for this; pSp's is that of the paper",),
    "few_setting": ("This setting",),
    # Sketching
    "few_sketch": ("Sketch",),
    "few_sketch_hint": ("Draw, and the generator follows",),
    "few_not_trained": ("The pad appears here when the encoder is trained",),
    "few_keeping_sketch": ("Keeping the sketch for the next time",),
    "few_references": ("style of",),
    "few_references_tooltip": ("The style of a picture of the project; click it again to let go",),
}
