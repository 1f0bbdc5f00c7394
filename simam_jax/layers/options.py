"""Checks of a module's options, so that a wrong one fails where the module is made and not inside a trace."""


def require_at_least(smallest: int, module: str, option: str, value: int) -> None:
    """Raises ValueError, naming module and option, unless value is smallest or more."""
    if value < smallest:
        raise ValueError(f"{module}: {option} must be at least {smallest}, got {value}")


def require_odd(module: str, option: str, value: int) -> None:
    """Raises ValueError, naming module and option, unless value is a positive odd number."""
    if value < 1 or value % 2 == 0:
        raise ValueError(f"{module}: {option} must be a positive odd number, got {value}")
