"""One dictionary of settings over another."""

from copy import deepcopy


def merged(under, over):
    """What comes of putting `over` on top of `under`.

    Dictionaries are merged, at any depth; everything else is replaced as a whole.
    None takes a setting away, and means nothing where there is none. Neither argument is changed,
    and the result shares nothing with them.
    """
    result = deepcopy(under)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = deepcopy(value)
    return result
