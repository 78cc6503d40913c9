"""stub"""
def clean() -> None:
    """Stub."""
