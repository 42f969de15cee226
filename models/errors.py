"""The one error of this package.

ModelError: a model's file, manifest or library is missing, altered or unusable. Raised at start, never per frame.
"""


class ModelError(Exception):
    """A model cannot be loaded; the message says which file, what is wrong and what was expected."""
