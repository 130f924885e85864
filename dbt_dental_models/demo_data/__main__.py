"""Entry point of ``python demo_data``."""

import sys
from pathlib import Path

# Run as a folder, Python puts the folder itself on the path; the package's name needs its parent there.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from demo_data.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
