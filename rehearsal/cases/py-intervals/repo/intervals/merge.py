"""Half-open intervals of time: ``(start, end)`` holds start, and not end."""


def merge(intervals):
    """The same time in as few intervals as possible, in order.

    Intervals that touch become one. Those without length hold nothing.
    """
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def free(busy, start, end):
    """What is left of ``start`` to ``end`` beside what is busy."""
    left = []
    at = start
    for begun, done in merge(busy):
        if begun > at:
            left.append((at, begun))
        at = done
    if at < end:
        left.append((at, end))
    return left
