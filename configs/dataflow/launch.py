"""What a flex template's launcher runs. The module that it starts must not be run as a file itself:
the folder of `pipelines` would come first in the path, and `code` and others would hide Python's own.
"""

import sys

from pipelines.template import main

sys.exit(main())
