license_transitions('2021-01-01', '2023-01-01')
