license_as_of('2020-12-31', known_on := '2021-12-31')
