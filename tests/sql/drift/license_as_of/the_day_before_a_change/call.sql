license_as_of('2020-12-31')
