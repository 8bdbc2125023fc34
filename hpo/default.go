package hpo

// orDefault is x, or the default where x is below least.
func orDefault(x, least, otherwise int) int {
	if x < least {
		return otherwise
	}
	return x
}
