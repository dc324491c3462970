drift_by_direction('2020-07-01', '2022-01-01')
