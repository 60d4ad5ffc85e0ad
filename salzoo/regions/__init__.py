"""Regions of a picture or video: what people looked at, and what they will look at, with an error bar.

A region is a name with a shape, in pixels of the frame from its upper left corner, which may move in a video
(``salzoo.regions.region``). ``salzoo.regions.people`` measures it on recorded gaze, ``salzoo.regions.predicted`` on a
model's maps; how often what is said of people holds was measured: cards/regions/README.md.
"""
