"""``python -m limelight`` is the command ``limelight``."""

from limelight.cli.main import main

if __name__ == "__main__":
    main()
