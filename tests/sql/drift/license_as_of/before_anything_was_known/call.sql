license_as_of(date '2030-01-01', known_on := date '2019-12-31')
