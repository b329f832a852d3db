module microrun/test/peers/v5

go 1.26.8
