restriction_waves(owners_at_least := 2)
