"""Reading and writing of videos and images with OpenCV.

``reading`` streams frames and reads images; every failure is a SalzooError that names the file. Nothing is imported
here, so that importing the package does not load OpenCV.
"""
