"""Lists, page by page."""

DEFAULT_SIZE = 20
MOST = 100


def page_of(items, page=1, size=DEFAULT_SIZE):
    """One page of a list.

    Pages are counted from 1. A page behind the last one is empty.
    Raises ValueError for a page or a size that is none.
    """
    if page < 1:
        raise ValueError(f"there is no page {page}")
    if not 1 <= size <= MOST:
        raise ValueError(f"a page has 1 to {MOST} items, not {size}")
    start = (page - 1) * size
    end = start + size
    return {
        "items": items[start:end],
        "page": page,
        "total": len(items),
        "has_next": end < len(items) - 1,
    }
