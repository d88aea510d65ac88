"""What every family of generators keeps, checked on one of them."""

import torch


def rows_move_their_layers(generator, ws):
    """A row of W+ changes its layer and nothing before it.

    Returns:
        The layers' names, the picture and the features that they began with.
    """
    layers = generator.synthesis.layers
    names = [layer.name for layer in layers]
    image, before = generator.synthesis(ws, features=names)
    for index, layer in enumerate(layers):
        moved = ws.clone()
        moved[:, layer.w_row] += 1
        _, after = generator.synthesis(moved, features=names)
        assert all(torch.equal(before[n], after[n]) for n in names[:index])
        assert not torch.allclose(before[layer.name], after[layer.name])
    return names, image, before


def the_last_row_is_the_pictures(generator, ws):
    """The row of ToRGB changes the picture and no feature."""
    names, image, before = rows_move_their_layers(generator, ws)
    moved = ws.clone()
    moved[:, -1] += 1
    other, after = generator.synthesis(moved, features=names)
    assert all(torch.equal(before[n], after[n]) for n in names)
    assert not torch.allclose(image, other)


def gradients_reach_every_parameter_in_bfloat16(generator, *inputs, **settings):
    """Training in mixed precision gives finite gradients everywhere, and float32 pictures."""
    with torch.autocast(inputs[0].device.type, torch.bfloat16):
        image = generator(*inputs, **settings)
        (image * torch.randn_like(image)).sum().backward()
    assert image.dtype == torch.float32
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
