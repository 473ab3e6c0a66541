"""`python -m portal.cli` is `tram`."""

from portal.cli import main

main()
