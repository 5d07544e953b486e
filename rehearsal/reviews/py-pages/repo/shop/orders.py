"""Orders, the newest first."""


def orders(store, customer):
    """All orders of a customer, the newest first."""
    found = [order for order in store if order["customer"] == customer]
    return sorted(found, key=lambda order: order["at"], reverse=True)
