"""Reports: a run, or results beside each other, as one page that can be opened anywhere and sent to anyone."""
