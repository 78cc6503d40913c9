"""stub"""
def plot() -> None:
    """Stub."""
