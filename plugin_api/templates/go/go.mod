module gmini

go 1.19
