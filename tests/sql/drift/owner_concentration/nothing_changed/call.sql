owner_concentration('2021-01-01', '2021-12-31')
