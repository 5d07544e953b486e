"""Settings of the service."""

from conf.merge import merged

DEFAULTS = {"log": {"level": "info", "to": ["stderr"]}, "port": 8080}


def load(own):
    """The settings, where the service's own count before the defaults, each by itself."""
    return merged(DEFAULTS, own)
