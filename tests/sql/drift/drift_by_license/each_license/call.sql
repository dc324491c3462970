drift_by_license('2020-07-01', '2022-01-01')
