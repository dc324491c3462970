license_changes('2021-01-01', '2022-01-01')
