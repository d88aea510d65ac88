"""The few lines of Python that draw a state again."""

from __future__ import annotations

from typing import Any

from .state import EditState, Found, Placement


def as_python(
    state: EditState,
    *,
    generator: str = "portraits/generator",
    directions: str | None = None,
    picture: str | None = None,
) -> str:
    """Code that draws the state's picture again, for a notebook.

    Args:
        state: of the sliders.
        generator: what `load_generator` opens: a file, a name of the zoo, a bundled name.
        directions: the file of the directions that the edit names, or a bundled name.
        picture: a PNG that `embed` wrote, which brings everything; wanted where a source is no
            seed, or where directions have no file.

    Returns:
        Lines that leave the picture `[1, 3, R, R]` as `image`, and show it as the last value.

    Raises:
        ValueError: neither seeds and files nor a PNG say where the state comes from.
    """
    if picture is not None:
        lines = [
            "from smis_core.checkpoints import load_generator",
            "from smis_core.editing import draw, extract",
            "from smis_core.images import to_pil",
            "",
            f"generator = load_generator({generator!r})",
            f"state = extract({picture!r}, generator)",
        ]
        return _ended(lines)
    for source in (state.a, state.b):
        if isinstance(source, Found):
            raise ValueError(
                f"{source.name!r:.60} has no seed that a line of code could name: save the picture "
                "as PNG with its latent and name the file as `picture`"
            )
    if state.directions is not None and directions is None:
        raise ValueError(
            f"the edit moves along {', '.join(state.directions.names)}: name the file of these "
            "directions as `directions`, or a PNG with its latent as `picture`"
        )
    used = ["Edit", "EditState", *_names(state), "draw", "identify"]
    arguments = ["generator=identify(generator)", f"a={state.a!r}"]
    if state.b is not None:
        arguments.append(f"b={state.b!r}")
    arguments.append("edit=edit")
    if state.directions is not None:
        used.append("load_directions")
        arguments.append("directions=directions")
    if state.placement != Placement():
        arguments.append(f"placement={state.placement!r}")
    lines = [
        "from smis_core.checkpoints import load_generator",
        *_import(used),
        "from smis_core.images import to_pil",
        "",
        f"generator = load_generator({generator!r})",
    ]
    if state.directions is not None:
        lines.append(f"directions = load_directions({directions!r}, generator)")
    lines += ["edit = Edit.neutral(generator.num_ws)", *_changes(state)]
    lines += ["state = EditState(", *(f"    {each}," for each in arguments), ")"]
    return _ended(lines)


def _ended(lines: list[str]) -> str:
    return "\n".join([*lines, "image = draw(generator, state)", "to_pil(image.cpu())", ""])


def _names(state: EditState) -> list[str]:
    return ["Seeded"] + (["Placement"] if state.placement != Placement() else [])


def _import(names: list[str]) -> list[str]:
    line = f"from smis_core.editing import {', '.join(sorted(names))}"
    if len(line) <= 100:
        return [line]
    return ["from smis_core.editing import (", *(f"    {name}," for name in sorted(names)), ")"]


def _changes(state: EditState) -> list[str]:
    """One call of `changed` for each set of rows with the same settings."""
    sets: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for index, row in enumerate(state.edit.to_dict()["rows"]):
        if row:
            sets.setdefault(repr(row), (row, []))[1].append(index)
    lines = []
    for settings, rows in sets.values():
        where = [] if len(rows) == len(state.edit.rows) else [repr(rows)]
        arguments = [*where, *(f"{name}={value!r}" for name, value in settings.items())]
        line = f"edit = edit.changed({', '.join(arguments)})"
        if len(line) > 100:
            lines += ["edit = edit.changed(", *(f"    {each}," for each in arguments), ")"]
        else:
            lines.append(line)
    return lines
