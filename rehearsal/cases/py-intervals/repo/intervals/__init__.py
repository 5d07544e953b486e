from .merge import free, merge

__all__ = ["free", "merge"]
