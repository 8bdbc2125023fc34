// Package workercomponent stands in for the server's own worker that scales
// those of others. There is none.
package workercomponent

import "go.uber.org/fx"

var Module = fx.Options()
