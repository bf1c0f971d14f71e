"""``python -m limelight`` is the command ``limelight``."""

from limelight._cli import main

if __name__ == "__main__":
    main()
