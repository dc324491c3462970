owner_concentration('2020-01-01', '2021-01-01')
