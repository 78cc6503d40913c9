"""``python -m tbcli`` is the same as ``tbcli``."""

from tbcli.cli.app import main

if __name__ == "__main__":
    main()
