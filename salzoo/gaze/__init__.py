"""Human gaze: from where each observer looked to fixation maps and density maps."""
