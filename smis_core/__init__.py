"""Semantic image synthesis with a StyleGAN prior: masks to pictures, layers by hand, inversion.

Rooms are imported one by one (`from smis_core.networks import Generator`); importing the package
itself loads nothing heavy.
"""

__version__ = "0.1.0"
