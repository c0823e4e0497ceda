"""``python -m initviz`` does what the command ``initviz`` does."""

import sys

from initviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
