restriction_waves(1)
