owner_concentration('2020-01-01', '2023-01-01')
