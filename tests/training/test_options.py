"""Options refuse what cannot be trained."""

import pytest

from smis_core.training import GanOptions


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"resolution": 48}, "power of two"),
        ({"resolution": 4}, "power of two"),
        ({"batch": 30}, "multiple of mbstd_group_size"),
        ({"batch": 0}, "multiple of mbstd_group_size"),
        ({"pictures": 0}, "pictures must be positive"),
        ({"generator_lr": -1.0}, "generator_lr"),
        ({"r1_gamma": -1.0}, "r1_gamma"),
        ({"style_mixing": 2.0}, "style_mixing"),
        ({"precision": "int8"}, "precision"),
    ],
)
def test_refusals_name_the_option(values, named):
    with pytest.raises(ValueError, match=named):
        GanOptions(**values)


def test_options_survive_json_and_unknown_ones_are_named():
    options = GanOptions(resolution=128, r1_gamma=0.5)
    assert GanOptions.from_dict(options.to_dict()) == options
    with pytest.raises(ValueError, match="colour"):
        GanOptions.from_dict({"colour": 1})
