"""`python -m podbt`: the command by its interpreter, where the name of that is what is known."""

import sys

from podbt.cli import main

sys.exit(main())
