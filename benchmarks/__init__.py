"""How fast the service is, beside a bare handler and a peer; see README.md."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # where storms are staged
