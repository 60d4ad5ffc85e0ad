"""Reading and writing of videos with PyAV, and of pictures with OpenCV.

``reading`` streams frames with their times, ``writing`` takes them, ``pictures`` reads and writes images; every failure
is a SalzooError that names the file. Nothing is imported here, so that importing the package loads neither library.
"""
