license_transitions('2020-01-01', '2022-01-01')
