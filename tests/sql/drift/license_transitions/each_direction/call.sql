license_transitions('2020-07-01', '2022-01-01')
