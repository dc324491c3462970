license_as_of('2021-06-01')
