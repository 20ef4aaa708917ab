"""Methods of continual learning, one file each."""
