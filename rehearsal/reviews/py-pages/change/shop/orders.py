"""Orders, the newest first."""

from shop.paging import DEFAULT_SIZE, page_of


def orders(store, customer, page=1, size=DEFAULT_SIZE):
    """A page of the orders of a customer, the newest first."""
    found = [order for order in store if order["customer"] == customer]
    newest_first = sorted(found, key=lambda order: order["at"], reverse=True)
    return page_of(newest_first, page, size)
