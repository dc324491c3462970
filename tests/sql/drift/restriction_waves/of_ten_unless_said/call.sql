restriction_waves()
