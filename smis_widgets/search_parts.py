"""What the walls of the search share: where seeds begin, groups of layers, names."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import ipywidgets as widgets

from smis_core.checkpoints import source_of
from smis_core.editing import (
    GROUPS,
    Directions,
    EditState,
    Found,
    Pool,
    Seeded,
    SeedPool,
    group_rows,
    load_directions,
    split_seed,
)
from smis_core.editing.identity import Identity
from smis_core.editing.state import Source
from smis_core.networks.generator_base import GeneratorBase
from smis_widgets.controls import icon_button
from smis_widgets.strings import Strings

LARGEST_DICE = 999_999


@dataclass(frozen=True, eq=False)
class View:
    """What hangs on the wall."""

    pool: Pool
    title: str
    keys: tuple[Hashable, ...] | None = None
    """of favourites, in their order"""

    def key(self, number: int) -> Hashable:
        """What a star is given to: a seed is the same one wherever it hangs."""
        if self.keys is not None:
            return self.keys[number]
        if isinstance(self.pool, SeedPool):
            return self.pool.first + number, self.pool.label, self.pool.psi
        return self.pool, number


class SeedField(widgets.HBox):
    """The seed at which a wall begins, and a dice for another one.

    Args:
        seed: at first.
        on_start: called when another one is typed or rolled, after `seed` has it.
        strings: the texts.
    """

    def __init__(self, seed: int, *, on_start: Callable[[], None], strings: Strings) -> None:
        self.field = text_field(str(seed), strings("first_seed_tooltip"))
        self.dice = icon_button("dice", strings("other_seeds"), self.roll)
        super().__init__([named(strings("seeds_name")), self.field, self.dice])
        self.add_class("smis-group")
        self.field.observe(lambda change: on_start(), "value")

    @property
    def seed(self) -> int:
        """What is typed.

        Raises:
            ValueError: no seed.
        """
        return split_seed(self.field.value)[0]

    def roll(self) -> None:
        """Another seed."""
        self.field.value = str(random.SystemRandom().randrange(LARGEST_DICE + 1))


def group_field(generator: GeneratorBase, tooltip: str, strings: Strings) -> widgets.Dropdown:
    """All layers, or those of one group; a small generator has no fine ones."""
    groups = ["all", *(group for group in GROUPS if group_rows(generator, group))]
    field = widgets.Dropdown(
        options=[(strings(f"in_{each}"), each) for each in groups], tooltip=tooltip
    )
    field.add_class("smis-choice")
    return field


def text_field(text: str, tooltip: str) -> widgets.Text:
    """A field that speaks when Enter is pressed or the focus leaves it."""
    field = widgets.Text(text, continuous_update=False, tooltip=tooltip)
    field.add_class("smis-field")
    return field


def named(text: str, tooltip: str = "") -> widgets.Label:
    """The name of what stands behind it."""
    label = widgets.Label(text, tooltip=tooltip)
    label.add_class("smis-name")
    return label


def name_of(what: Source | EditState) -> str:
    """A seed's number, or the name of a latent."""
    source = what.a if isinstance(what, EditState) else what
    if isinstance(source, Found):
        return source.name
    assert isinstance(source, Seeded)
    return str(source.seed)


def lines_again(widget: str, generator: GeneratorBase, *given: object, **named: object) -> str:
    """Lines of Python that open a widget of a generator again, with the arguments that are not
    None; empty where nobody knows what opened the generator."""
    source = source_of(generator)
    if source is None:
        return ""
    plain = [f"load_generator({source!r})", *(repr(each) for each in given)]
    plain += [f"{name}={value!r}" for name, value in named.items() if value is not None]
    return "\n".join([
        "from smis_core.checkpoints import load_generator",
        f"from smis_widgets import {widget}",
        "",
        f"{widget}({', '.join(plain)})",
    ])  # fmt: skip


def bundled_directions(identity: Identity) -> Directions | None:
    """The bundled directions where they are a generator's, otherwise none."""
    try:
        return load_directions(None, identity)
    except (FileNotFoundError, ValueError):
        return None
