"""`python -m healthdesk` is the `healthdesk` command."""

import sys

from healthdesk.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
