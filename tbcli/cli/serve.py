"""stub"""
def serve() -> None:
    """Stub."""
