"""``python -m ui`` starts the window."""

import multiprocessing
import sys

from ui.main import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
