"""stub"""
def runs() -> None:
    """Stub."""
