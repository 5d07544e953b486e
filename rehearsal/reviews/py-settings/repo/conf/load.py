"""Settings of the service."""

DEFAULTS = {"log": {"level": "info", "to": ["stderr"]}, "port": 8080}


def load(own):
    """The settings, where the service's own count before the defaults."""
    return {**DEFAULTS, **own}
