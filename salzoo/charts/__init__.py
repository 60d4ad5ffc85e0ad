"""Charts: one geometry for all of them, as SVG for print and pages, and as pixels where those are wanted."""
